"""Rotate the keys that sign access tokens, or manage service keys of the app's servers and keys of sealed fields.

`rotate` lets the next key sign, which was published before, and publishes another; run it every few months. Nobody is
logged out and no process needs a restart. `rotate --compromised` lets a new key sign at once and takes the others away:
access tokens are worth nothing then, and apps fetch new ones by themselves. `prune` takes keys away whose last token
has expired; `rotate` does so too. The word of a service key is shown once and kept nowhere.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
from prometheus_client import CollectorRegistry

from muster import master, rotation
from muster.cli import _data_keys
from muster.cli._where import NAME, complain, located, with_database
from muster.clock import SystemClock
from muster.config import Settings
from muster.ids import SystemRandom
from muster.keys import KeysError
from muster.permission import Scope
from muster.rotation import longest_life_s
from muster.service_keys import FIELD, KEYS_MOST, NewKey
from muster.service_keys import new_key as new_service_key
from muster.stores.postgres import service_keys
from muster.stores.postgres.data_keys import data_keys
from muster.stores.postgres.pool import open_database


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`list|rotate|prune`: signing keys, in MUSTER_KEYS_DIR. `service`: of the app's servers. `data`: of fields."""
    kinds = parser.add_subparsers(dest="kind", metavar="list|rotate|prune|service|data")
    kinds.add_parser("list", help="the signing keys, and what each is (also without a word)")
    rotate = kinds.add_parser("rotate", help="let the next key sign, and publish another")
    rotate.add_argument(
        "--compromised",
        action="store_true",
        help="somebody else may have the keys: a new one signs now, the others go",
    )
    kinds.add_parser("prune", help="take keys away whose last token has expired")
    _data_keys.add_arguments(kinds.add_parser("data", help="keys that fields are sealed with"))
    service = kinds.add_parser("service", help="keys of the app's own servers")
    actions = service.add_subparsers(dest="action", required=True, metavar="add|list|revoke")
    add = actions.add_parser("add", help="make a key; its word is shown once")
    add.add_argument("name", help="what it is for, as `list` shows it")
    add.add_argument(
        "--scope", action="append", required=True, choices=[scope.value for scope in Scope]
    )
    add.add_argument("--days", type=float, default=None, help="when it expires; default: never")
    add.add_argument(
        "--signs",
        action="store_true",
        help="it signs requests and is never sent; see docs/adopters.md",
    )
    actions.add_parser("list", help="which keys there are, and when they were last used")
    revoke = actions.add_parser("revoke", help="end a key, everywhere within 2 seconds")
    revoke.add_argument("id", type=UUID, metavar="ID")


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Do it; the exit code."""
    if args.kind == "data":
        return _data_keys.run(args, settings)
    if args.kind != "service":
        return _signing(args, located(settings))
    if args.action == "add" and args.days is not None and not 0 < args.days <= 36_500:
        return complain("a key expires after more than 0 and at most 36500 days", 2)

    async def ask(database: asyncpg.Connection) -> int:
        if args.action == "add":
            return await _add(database, args, located(settings))
        if args.action == "list":
            return await _list(database)
        return await _revoke(database, args.id)

    try:
        return asyncio.run(with_database(located(settings), ask))
    except KeysError as error:  # of the master key
        return complain(str(error), 1)


def _signing(args: argparse.Namespace, settings: Settings) -> int:
    kinds: Mapping[str, Callable[[Settings], None]] = {
        "rotate": _replace if getattr(args, "compromised", False) else _rotate,
        "prune": _prune,
    }
    try:
        kinds.get(args.kind or "", _signing_keys)(settings)
    except (OSError, KeysError) as error:
        return complain(str(error), 1)
    return 0


def _rotate(settings: Settings) -> None:
    life_s = longest_life_s(settings)
    done = rotation.rotate(settings.keys_path, datetime.now(UTC), life_s)
    if not done.promoted:
        print(f"there was no next key: {done.next} is published now")
        wait_min = rotation.PUBLISHED_S // 60
        print(f"rotate again in {wait_min} minutes, when everybody has it", file=sys.stderr)
        return
    print(f"{done.current} signs now, {done.next} is next")
    _say_gone(done.removed)


def _replace(settings: Settings) -> None:
    done = rotation.replace(settings.keys_path)
    print(f"{done.current} signs now, {done.next} is next")
    _say_gone(done.removed)


def _prune(settings: Settings) -> None:
    removed = rotation.prune(settings.keys_path, datetime.now(UTC), longest_life_s(settings))
    _say_gone(removed)
    if not removed:
        print("nothing to take away")


def _say_gone(removed: list[str]) -> None:
    for kid in removed:
        print(f"{kid} is gone")


def _signing_keys(settings: Settings) -> None:
    listed = rotation.roles(settings.keys_path, longest_life_s(settings))
    if not listed:
        raise KeysError(f"there is no signing key in {settings.keys_path}: 'muster up' makes one")
    for key in listed:
        made = "" if key.made is None else f"made {key.made:%Y-%m-%d}"
        until = "" if key.until is None else f", goes after {key.until:%Y-%m-%d %H:%M} UTC"
        print(f"{key.role:<8}  {key.kid}  {made}{until}")


async def _add(database: asyncpg.Connection, args: argparse.Namespace, settings: Settings) -> int:
    new = new_service_key(SystemClock().now_ms(), SystemRandom())
    until = None if args.days is None else datetime.now(UTC) + timedelta(days=args.days)
    wanted = [Scope(scope) for scope in dict.fromkeys(args.scope)]
    sealed = await _sealed(settings, new) if args.signs else None
    if not await service_keys.add(database, new, args.name[:200], wanted, until, sealed):
        return complain(f"there are {KEYS_MOST} service keys already: revoke one", 1)
    print(new.word)
    print("shown this once: keep it where the app's servers find it", file=sys.stderr)
    return 0


async def _sealed(settings: Settings, new: NewKey) -> bytes:
    """What it signs with, as it is kept. Raises `KeysError`."""
    masters = master.load(settings.master_path, settings.master_key)
    primary = await open_database(settings.database_url, NAME, 1, lambda _seconds: None)
    try:
        sealing = data_keys(primary, masters, SystemClock(), CollectorRegistry())
        await sealing.begin()
        return sealing.sealer.seal(new.signing_key, FIELD, new.id.bytes)
    finally:
        await primary.close()


async def _list(database: asyncpg.Connection) -> int:
    for key in await service_keys.listed(database):
        print(f"{key.id}  {key.name}")
        print(f"  scopes   {', '.join(key.scopes)}{'; signs its requests' if key.signs else ''}")
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
