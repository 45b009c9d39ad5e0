"""Makes people in rooms and writes their tokens to a file, for `make load` and Locust.

Owns the file's making, on a Muster of this machine: `make up`, or any whose data directory is named. Hashing 5,000
passwords would take minutes, so they have none: only who holds the file can be them. Must never run where real people
are.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from pathlib import Path
from random import Random
from typing import Final, NamedTuple

from loadtest.bench.deal import deal
from loadtest.bench.people import Cast
from loadtest.progress import Progress
from loadtest.stack import running
from loadtest.swarm.roster import People

OUT: Final = Path("build/people.json")
HOURS: Final = 12.0


class Crowd(NamedTuple):
    """So many people, in rooms of `members`; `rooms` 0 means one each."""

    people: int
    members: int
    rooms: int

    def dealt(self, hubs: int, random: Random) -> list[list[int]]:
        """The members of each room."""
        members = max(1, min(self.members, self.people - self.people % hubs))
        rooms = self.rooms or max(1, self.people // members)
        return deal(self.people, rooms, members, hubs, random)


async def make(crowd: Crowd, data: Path, hubs: int, hours: float, out: Path) -> None:
    """Make them on the Muster that runs on `data`, with tokens for so many hours, and write `out`."""
    random, progress = Random(), Progress()
    life_s = int(hours * 3600)
    ends_at_ms = int((time.time() + life_s) * 1000)
    tokens = await Cast(data, random, life_s).make(
        crowd.people,
        crowd.dealt(hubs, random),
        lambda share: progress.show(share, 1, "making people and rooms"),
    )
    progress.end()
    People(tokens, ends_at_ms).write(out)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """See `python -m loadtest people --help`."""
    add_crowd(parser)
    parser.add_argument("--count", type=int, default=5_000, help="how many people")
    parser.add_argument("--out", type=Path, default=OUT, help=f"where to ({OUT})")
    parser.add_argument("--data", type=Path, default=Path("data"), help="of a running `muster up`")
    parser.add_argument("--hours", type=float, default=HOURS, help="life of their tokens")


def add_crowd(parser: argparse.ArgumentParser) -> None:
    """What the rooms are."""
    parser.add_argument("--members", type=int, default=10, help="members of each room")
    parser.add_argument("--rooms", type=int, default=0, help="how many rooms (0: one for each)")


def run(args: argparse.Namespace) -> int:
    """Make them; the exit code is 1 where no Muster runs."""
    found = running(args.data)
    if found is None:
        print(f"no Muster runs on {args.data}; start one by `make up`, or name another by --data")
        return 1
    crowd = Crowd(args.count, args.members, args.rooms)
    asyncio.run(make(crowd, args.data, len(found.hub_urls), args.hours, args.out))
    said = {"people": args.count, "file": str(args.out), "hours": args.hours}
    print(json.dumps(said) if args.json else f"{args.count:,} people in {args.out}")
    return 0
