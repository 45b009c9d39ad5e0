"""Take a sealed base backup now, or run, list, check, prune the backups; `key` makes a key for them.

    muster backup            a base backup, now
    muster backup run        what `muster up` runs by itself: the log all the time, bases when due, pruning
    muster backup list       what can be restored
    muster backup check      is all of it there, and does it open; --into unpacks the newest and looks at its manifest
    muster backup prune      remove what is older than MUSTER_BACKUP_KEEP_DAYS
    muster backup key        a new key, for MUSTER_BACKUP_KEY_FILE

It never changes the database.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from muster import lifetime
from muster.backup_key import BackupKeyError, new_key
from muster.backups import BackupError, Holding, lacking, missing
from muster.cli._where import complain, located, reason
from muster.clock import SystemClock
from muster.config import Settings
from muster.depot import Absent
from muster.ids import SystemRandom
from muster.metrics import BackupMetrics
from muster.probes import listening, probes
from muster.sealed_stream import Damaged
from muster.services.backups.base import take_base
from muster.services.backups.manifest import verify
from muster.services.backups.opening import open_vault
from muster.services.backups.rounds import EXPECTED, Rounds, prune
from muster.services.backups.unpacking import unpack
from muster.services.backups.vault import Vault
from muster.telemetry import configure_logging, new_registry

_MISUSED: Final = 2
_MIB: Final = 1 << 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What to do; a base backup if nothing is said."""
    parser.add_argument(
        "action", nargs="?", default="now", choices=("now", *_ACTIONS, "run", "key")
    )
    parser.add_argument(
        "--into", type=Path, help="check: an empty directory with room for the newest base"
    )


def run(args: argparse.Namespace, settings: Settings) -> int:
    """0 when it was done and all is well."""
    if args.action == "key":
        print(new_key(SystemRandom()))
        return 0
    settings = located(settings)
    if args.action in ("now", "run") and not settings.database_url:
        return complain(
            "no database: set MUSTER_DATABASE_URL, or run 'make up' here first", _MISUSED
        )
    try:
        if args.action == "run":
            configure_logging("muster-backup", settings.log_level)
            return lifetime.run(lambda stop: _serve(settings, stop))
        return asyncio.run(_once(settings, args))
    except (BackupKeyError, Absent, *EXPECTED) as error:
        return complain(reason(error), 1)


async def _once(settings: Settings, args: argparse.Namespace) -> int:
    async with open_vault(settings) as vault:
        action = _now if args.action == "now" else _ACTIONS[args.action]
        return await action(settings, vault, args)


async def _serve(settings: Settings, stop: asyncio.Event) -> int:
    registry, clock = new_registry(), SystemClock()
    socket = listening(settings, settings.backup_port)
    async with AsyncExitStack() as closing:
        vault = await closing.enter_async_context(open_vault(settings))
        rounds = Rounds(settings, vault, BackupMetrics(registry), clock)
        # An archive that is away is told by metrics: that must not keep a chat from starting.
        server = probes(settings, registry, lambda: True, rounds.measure)
        async with asyncio.TaskGroup() as tasks:
            serving = tasks.create_task(server.serve(sockets=[socket]))
            await rounds.run(stop)
            server.should_exit = True
            await serving
    return 0


async def _now(settings: Settings, vault: Vault, _: argparse.Namespace) -> int:
    label = await take_base(settings, vault)
    print(f"base {label.id}: {label.bytes / _MIB:.1f} MiB sealed, up to {_time(label.ended_ms)}")
    return 0


async def _list(_: Settings, vault: Vault, __: argparse.Namespace) -> int:
    for holding in await vault.holdings():
        wal = [kept for kept in holding.objects if "/wal/" in kept.name]
        size = sum(kept.bytes for kept in holding.objects) / _MIB
        print(f"server {holding.system}: {size:.1f} MiB in {len(holding.objects)} objects")
        for label in holding.labels:
            print(
                f"  base {label.id}  restorable from {_time(label.ended_ms)}  timeline {label.timeline}"
                f"  {label.bytes / _MIB:.1f} MiB  Postgres {label.server_version // 10_000}"
                f"{'  with signing keys' if label.keys else ''}"
            )
        if wal:
            newest = max(kept.at_ms for kept in wal)
            print(f"  log  {len(wal)} files, the last put at {_time(newest)}")
    return 0


async def _check(_: Settings, vault: Vault, args: argparse.Namespace) -> int:
    holdings = [holding for holding in await vault.holdings() if holding.labels]
    faults = [] if holdings else ["there is no finished base backup"]
    for holding in holdings:
        faults += missing(holding)
        faults += await _opened(vault, holding)
    if not faults and args.into is not None:
        if args.into.exists() and any(args.into.iterdir()):
            raise BackupError(f"{args.into} is not empty")
        label = max((one for h in holdings for one in h.labels), key=lambda one: one.ended_ms)
        await unpack(vault.base(label), args.into)
        count = await verify(args.into)
        print(f"base {label.id}: {count} files are what its manifest says")
    for fault in faults:
        print(f"fault: {fault}")
    bases = sum(len(holding.labels) for holding in holdings)
    print(f"{bases} base(s) looked at, {len(faults)} fault(s)")
    return 1 if faults else 0


async def _opened(vault: Vault, holding: Holding) -> list[str]:
    """A sentence for each thing that is not there or does not open to its end."""
    faults = []
    for label in holding.labels:
        if parts := lacking(label, holding.objects):
            faults.append(f"base {label.id} lacks {len(parts)} of its parts")
            continue
        try:
            async for _ in vault.base(label):
                pass
        except Damaged as damage:
            faults.append(f"base {label.id}: {damage}")
    for kept in holding.objects:
        if "/wal/" in kept.name or kept.name.endswith("/keys"):
            try:
                await vault.get(kept.name)
            except Damaged as damage:
                faults.append(str(damage))
            except Absent:  # pruned, or grown full, meanwhile
                continue
    return faults


async def _prune(settings: Settings, vault: Vault, _: argparse.Namespace) -> int:
    count = 0
    for holding in await vault.holdings():
        count += len(await prune(vault, settings, holding.system, SystemClock().now_ms()))
    print(f"{count} object(s) removed")
    return 0


def _time(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1_000, UTC).isoformat(timespec="seconds")


_ACTIONS: Final[dict[str, Callable[[Settings, Vault, argparse.Namespace], Awaitable[int]]]] = {
    "list": _list,
    "check": _check,
    "prune": _prune,
}
