"""Bring a backup back into a new data directory, as it was at a moment, with a new generation of the log.

It never touches a directory in which there is something, nor the database that runs. What was acked after that moment
is gone; phones are told so by a gap and fetch what there is.
"""

from __future__ import annotations

import argparse
import asyncio
from datetime import UTC, datetime
from pathlib import Path

from muster.backup_key import BackupKeyError
from muster.cli._where import complain, reason
from muster.config import Settings
from muster.depot import Absent
from muster.services.backups.opening import open_vault
from muster.services.backups.recovery import LATEST, Order, restore
from muster.services.backups.rounds import EXPECTED
from muster.services.postgres import USER
from muster.services.unprivileged import CannotDropRootError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """When, and where to."""
    parser.add_argument("--into", type=Path, required=True, help="a new data directory")
    parser.add_argument(
        "--to",
        type=_moment,
        default=LATEST,
        help="the moment, such as 2026-03-01T12:00:00Z; default: all that was saved",
    )
    parser.add_argument(
        "--timeline", default=LATEST, help="a number; default: the newest that leads there"
    )
    parser.add_argument("--of", default="", help="the server, where the archive has several")


def run(args: argparse.Namespace, settings: Settings) -> int:
    """0 when a cluster lies there, whole and shut down."""
    order = Order(args.into, None if args.to == LATEST else args.to, args.timeline, args.of)
    try:
        return asyncio.run(_restore(settings, order))
    except (BackupKeyError, Absent, CannotDropRootError, *EXPECTED) as error:
        return complain(reason(error), 1)


async def _restore(settings: Settings, order: Order) -> int:
    async with open_vault(settings) as vault:
        restored = await restore(settings, vault, order, print)
    if restored.last_ms is not None:
        print(f"the last commit in it is of {_time(restored.last_ms)}")
    if not restored.reached:
        print(
            "the backups hold no commit after the moment that was asked for: this is all there is"
        )
    print(f"timeline {restored.timeline}, generation {restored.generation}")
    if not restored.label.keys:
        print(
            "signing keys are not in it: put them into MUSTER_KEYS_DIR, or phones refresh their tokens"
        )
    if restored.label.role == USER:
        print(f"start it by: MUSTER_DATA={order.into} muster up")
    else:
        print(f"the cluster is {order.into / 'postgres' / 'cluster'}: start it as you start yours")
    return 0


def _moment(text: str) -> int | str:
    if text == LATEST:
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
