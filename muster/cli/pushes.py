"""Show how many pushes wait, list those that were given up, and put them again.

It never shows what a push says, and it never sends one: what is put again is owed again, and judged anew by the
pushers.
"""

from __future__ import annotations

import argparse
import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import asyncpg

from muster.cli._where import complain, located, with_database
from muster.config import Settings, hide_password
from muster.push_device import Provider
from muster.push_queue import DEAD_MOST, Dead, PushQueue, Unreachable
from muster.stores.postgres.owed import reopen
from muster.stores.redis.push_queue import RedisPushQueue, push_queue_at

_AT_ONCE: Final = 500
_LISTED: Final = 50

Queues = dict[Provider, PushQueue]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Nothing: how much waits; or `dead [--replay ID... | --all]`."""
    actions = parser.add_subparsers(dest="action", metavar="dead")
    dead = actions.add_parser("dead", help="what was given up, and why")
    dead.add_argument(
        "--most", type=int, default=_LISTED, help=f"list so many of each provider ({_LISTED})"
    )
    what = dead.add_mutually_exclusive_group()
    what.add_argument("--replay", nargs="+", default=[], metavar="ID", help="put these again")
    what.add_argument("--all", action="store_true", help="put all of them again")


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Do it and say so; 1 when an id is not there, or Redis is not."""
    settings = located(settings)

    async def ask(queues: Queues) -> int:
        if args.action is None:
            return await _depths(queues)
        if args.all or args.replay:
            return await _replay(queues, settings, args.replay)
        return await _list(queues, args.most)

    return asyncio.run(_with_queues(settings, ask))


async def _with_queues(settings: Settings, ask: Callable[[Queues], Awaitable[int]]) -> int:
    if not settings.redis_url:
        return complain("no Redis: set MUSTER_REDIS_URL, or run 'make up' here first", 2)
    where = hide_password(settings.redis_url)
    rng = random.Random()  # noqa: S311  # which node is asked first, hides nothing
    queues: dict[Provider, RedisPushQueue] = {}
    try:
        for provider in Provider:
            queues[provider] = push_queue_at(
                settings.redis_url, settings.redis_cluster, provider, rng
            )
        return await ask({**queues})
    except Unreachable as error:
        return complain(f"no answer from Redis at {where}: {error.__cause__ or error}", 1)
    except ValueError as error:  # a URL of no kind that redis-py knows
        return complain(f"no Redis can be at {where}: {error}", 2)
    finally:
        for queue in queues.values():
            await queue.close()


async def _depths(queues: Queues) -> int:
    for provider, queue in queues.items():
        depth = await queue.depth()
        urgent, ordinary, silent = depth.waiting
        print(
            f"{provider:<5} waiting {urgent} urgent, {ordinary} ordinary, {silent} silent,"
            f" the oldest for {depth.oldest_s:.1f} s;  {depth.due} due later, {depth.taken} in work;"
            f"  {depth.dead} given up"
        )
    return 0


async def _list(queues: Queues, most: int) -> int:
    for provider, queue in queues.items():
        letters = await queue.dead(most)
        for letter in letters:
            print(_line(provider, letter))
        print(f"{provider}: {(await queue.depth()).dead} given up, {len(letters)} listed")
    return 0


def _line(provider: Provider, letter: Dead) -> str:
    at = datetime.fromtimestamp(letter.at_ms / 1000, UTC).isoformat(" ", "seconds")
    person, room = UUID(bytes=letter.key.person), UUID(bytes=letter.key.room)
    return f"{provider}:{letter.id.decode()}  {at}  person {person}  room {room}  {letter.reason}"


async def _replay(queues: Queues, settings: Settings, names: Sequence[str]) -> int:
    """Those of these names; of all where none is named."""
    for name in names:
        if name.partition(":")[0] not in queues:
            return complain(f"{name} is no id of a push: see 'muster pushes dead'", 2)
    chosen = {
        provider: [
            letter
            for letter in await queue.dead(DEAD_MOST)
            if not names or f"{provider}:{letter.id.decode()}" in names
        ]
        for provider, queue in queues.items()
    }

    async def put(connection: asyncpg.Connection) -> int:
        for provider, letters in chosen.items():
            for at in range(0, len(letters), _AT_ONCE):
                part = letters[at : at + _AT_ONCE]
                await reopen(connection, provider, part)
                await queues[provider].replay([letter.id for letter in part])
            if not names:
                print(f"{provider}: {len(letters)} put again")
        return 0

    if failed := await with_database(settings, put):
        return failed
    if not names:
        return 0
    found = sum(len(letters) for letters in chosen.values())
    print(f"{found} put again")
    missing = len(names) - found
    return complain(f"{missing} of these are not there, or no longer", 1) if missing else 0
