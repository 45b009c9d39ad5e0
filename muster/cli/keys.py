"""Make a new signing key, or manage service keys of the app's servers and the data keys that fields are sealed with.

A new signing key signs access tokens once api processes are started again. It never removes a signing key: tokens
signed with the old one stay valid until they run out. The word of a service key is shown once and kept nowhere.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg

from muster.cli import _data_keys
from muster.cli._where import complain, located, with_database
from muster.clock import SystemClock
from muster.config import Settings
from muster.ids import SystemRandom
from muster.keys import KeysError, new_key
from muster.permission import Scope
from muster.service_keys import KEYS_MOST
from muster.service_keys import new_key as new_service_key
from muster.stores.postgres import service_keys


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Nothing: a signing key, in MUSTER_KEYS_DIR. `service`: of the app's servers. `data`: of sealed fields."""
    kinds = parser.add_subparsers(dest="kind", metavar="service|data")
    _data_keys.add_arguments(kinds.add_parser("data", help="keys that fields are sealed with"))
    service = kinds.add_parser("service", help="keys of the app's own servers")
    actions = service.add_subparsers(dest="action", required=True, metavar="add|list|revoke")
    add = actions.add_parser("add", help="make a key; its word is shown once")
    add.add_argument("name", help="what it is for, as `list` shows it")
    add.add_argument(
        "--scope", action="append", required=True, choices=[scope.value for scope in Scope]
    )
    add.add_argument("--days", type=float, default=None, help="when it expires; default: never")
    actions.add_parser("list", help="which keys there are, and when they were last used")
    revoke = actions.add_parser("revoke", help="end a key, everywhere within 2 seconds")
    revoke.add_argument("id", type=UUID, metavar="ID")


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Do it; the exit code."""
    if args.kind is None:
        return _signing_key(settings)
    if args.kind == "data":
        return _data_keys.run(args, settings)
    if args.action == "add" and args.days is not None and not 0 < args.days <= 36_500:
        return complain("a key expires after more than 0 and at most 36500 days", 2)

    async def ask(database: asyncpg.Connection) -> int:
        if args.action == "add":
            return await _add(database, args.name, args.scope, args.days)
        if args.action == "list":
            return await _list(database)
        return await _revoke(database, args.id)

    return asyncio.run(with_database(located(settings), ask))


def _signing_key(settings: Settings) -> int:
    try:
        settings.keys_path.mkdir(parents=True, exist_ok=True, mode=0o700)
        kid = new_key(settings.keys_path)
    except (OSError, KeysError) as error:
        print(f"muster: no key was made: {error}", file=sys.stderr)
        return 1
    print(f"{settings.keys_path / kid}.pem")
    return 0


async def _add(
    database: asyncpg.Connection, name: str, scopes: list[str], days: float | None
) -> int:
    new = new_service_key(SystemClock().now_ms(), SystemRandom())
    until = None if days is None else datetime.now(UTC) + timedelta(days=days)
    wanted = [Scope(scope) for scope in dict.fromkeys(scopes)]
    if not await service_keys.add(database, new, name[:200], wanted, until):
        return complain(f"there are {KEYS_MOST} service keys already: revoke one", 1)
    print(new.word)
    print("shown this once: keep it where the app's servers find it", file=sys.stderr)
    return 0


async def _list(database: asyncpg.Connection) -> int:
    for key in await service_keys.listed(database):
        print(f"{key.id}  {key.name}")
        print(f"  scopes   {', '.join(key.scopes)}")
        print(f"  made     {key.created_at:%Y-%m-%d}")
        print(f"  used     {f'{key.used_at:%Y-%m-%d %H:%M}' if key.used_at else 'never'}")
        if key.expires_at is not None:
            over = " (over)" if key.expires_at <= datetime.now(UTC) else ""
            print(f"  expires  {key.expires_at:%Y-%m-%d %H:%M}{over}")
        if key.revoked_at is not None:
            print(f"  revoked  {key.revoked_at:%Y-%m-%d %H:%M}")
    return 0


async def _revoke(database: asyncpg.Connection, key: UUID) -> int:
    if not await service_keys.revoke(database, key):
        return complain(f"no service key {key} works", 1)
    print("revoked: every process refuses it within 2 seconds")
    return 0
