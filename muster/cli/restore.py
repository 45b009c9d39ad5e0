"""Bring a backup back into a new data directory, as it was at a moment, with a new generation of the log.

It never touches a directory in which there is something, nor the database that runs. What was acked after that moment
is gone; phones are told so by a gap and fetch what there is. It says which master key the sealed fields need, and never
copies one.
"""

from __future__ import annotations

import argparse
import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from muster import data_keys, master
from muster.backup_key import BackupKeyError
from muster.cli._where import complain, reason
from muster.config import Settings
from muster.depot import Absent
from muster.keys import KeysError
from muster.services.backups.opening import open_vault
from muster.services.backups.recovery import Order, Restored, restore
from muster.services.backups.rounds import EXPECTED
from muster.services.postgres import USER
from muster.services.unprivileged import CannotDropRootError

_LATEST: Final = "latest"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """When, and where to."""
    parser.add_argument("--into", type=Path, required=True, help="a new data directory")
    parser.add_argument(
        "--to",
        type=_moment,
        default=_LATEST,
        help="the moment, such as 2026-03-01T12:00:00Z; default: all that was saved",
    )
    parser.add_argument(
        "--timeline", type=int, help="its number; default: the one that was lived on then"
    )
    parser.add_argument("--of", default="", help="the server, where the archive has several")


def run(args: argparse.Namespace, settings: Settings) -> int:
    """0 when a cluster lies there, shut down, with all that was asked for; 1 also where the log had a hole."""
    order = Order(args.into, None if args.to == _LATEST else args.to, args.timeline, args.of)
    try:
        return asyncio.run(_restore(settings, order))
    except (BackupKeyError, Absent, CannotDropRootError, *EXPECTED) as error:
        return complain(reason(error), 1)


async def _restore(settings: Settings, order: Order) -> int:
    async with open_vault(settings) as vault:
        restored = await restore(settings, vault, order, print)
    if restored.last_ms is not None:
        print(f"the last commit in it is of {_time(restored.last_ms)}")
    if restored.hole:
        complain(f"{restored.hole}: what was committed after that is not in it", 1)
    elif not restored.reached:
        print(
            "the backups hold no commit after the moment that was asked for: this is all there is"
        )
    print(
        f"timeline {restored.timeline}, out of {restored.followed}, generation {restored.generation}"
    )
    if not restored.label.keys:
        print(
            "signing keys are not in it: put them into MUSTER_KEYS_DIR, or phones refresh their tokens"
        )
    _say_master(settings, order, restored)
    if not settings.media_s3_bucket:
        print(
            f"uploads are in no backup: put their directory into {order.into / 'media'}, or set MUSTER_MEDIA_DIR"
        )
    if restored.label.role == USER:
        print(f"start it by: MUSTER_DATA={order.into} muster up")
    else:
        print(f"the cluster is {order.into / 'postgres' / 'cluster'}: start it as you start yours")
    return 1 if restored.hole else 0


def _say_master(settings: Settings, order: Order, restored: Restored) -> None:
    """Whether the master key that is known here opens what was sealed."""
    if not restored.data_keys:
        return
    needed = ", ".join(sorted({key.master for key in restored.data_keys}))
    try:
        masters = master.load(settings.master_path, settings.master_key)
        for key in restored.data_keys:
            masters.unwrap(key.wrapped, key.master, data_keys.about(key.id, key.purpose))
    except KeysError as error:
        print(f"no sealed field opens: {error}")
    else:
        print("the master key that is known here opens its sealed fields")
        if settings.master_key or settings.master_key_file:
            return
    print(
        f"before it starts put master key {needed} into {order.into / 'keys' / 'master.key'}, or set"
        " MUSTER_MASTER_KEY_FILE: it is in no backup"
    )


def _moment(text: str) -> int | str:
    if text == _LATEST:
        return text
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError("a moment is such as 2026-03-01T12:00:00Z") from None
    if at.tzinfo is None:
        raise argparse.ArgumentTypeError("say the zone too, such as 2026-03-01T12:00:00Z")
    return int(at.timestamp() * 1_000)


def _time(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1_000, UTC).isoformat(timespec="milliseconds")
