"""What a push costs, and whether all arrive: the HTTP/2 client alone, and whole pushers against the mocks.

Owns which of the two is measured, and how it ends. `h2_per_s_core`: requests a second and core of the client
(push_transport.py); `worker_per_s_core`: pushes a second and core of a pusher's process, `lost`, `duplicated` (beyond
the `ambiguous`, whose first attempt was never answered) and the rest: push_work.py. Must never call a run good in which
a push was lost.
"""

from __future__ import annotations

import argparse

import uvloop

from loadtest.bench import push_transport, push_work
from loadtest.bench.figures import end


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """See `python -m loadtest push --help`."""
    alone = parser.add_mutually_exclusive_group()
    alone.add_argument("--transport", action="store_true", help="the HTTP/2 client alone")
    alone.add_argument("--worker", action="store_true", help="whole pushers alone")
    parser.add_argument("--requests", type=int, default=10_000, help="of each client and round")
    parser.add_argument("--at-once", type=int, default=200, help="requests on their way at once")
    parser.add_argument("--rounds", type=int, default=3, help="turns; the median counts")
    parser.add_argument("--people", type=int, default=4_000, help="all away, with a phone each")
    parser.add_argument("--groups", type=int, default=4_000, help="of five people each")
    parser.add_argument("--rate", type=float, default=50, help="messages a second to be timed")
    parser.add_argument("--seconds", type=float, default=20, help="of those")
    parser.add_argument(
        "--faulty", type=int, default=2_000, help="messages while providers fail; 0: none"
    )
    parser.add_argument("--seed", type=int, default=1, help="of whatever is left to chance")


def run(args: argparse.Namespace) -> int:
    """Measure, print the figures; the exit code is 1 where a push was lost or came twice without excuse."""
    figures: dict[str, object] = {}
    if not args.worker:
        figures |= push_transport.measured(args)
    if not args.transport:
        figures |= uvloop.run(push_work.measured(args))
    end(figures, as_json=args.json)
    return 1 if figures.get("lost") or figures.get("duplicated") else 0
