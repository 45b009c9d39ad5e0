"""Locust on a Muster: `make load` starts one with people in it, unless it is told where one is, and ends all of it.

Owns the order in which these come and go, and what Locust is told. Must never import Locust: it patches its process.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import csv
import json
import os
import resource
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final, NamedTuple

from loadtest.people import HOURS, Crowd, add_crowd, make
from loadtest.ports import reserved_ports
from loadtest.stack import muster_up
from loadtest.swarm import shapes

LOCUSTFILE: Final = Path(__file__).with_name("locustfile.py")
SCENARIOS: Final = ("SteadyChat", "RestMix", "ReconnectStorm", "Evening")
_UNLIMITED: Final = frozenset({"RestMix", "Evening"})
"""What one address asks of REST there is more than one phone does."""

ENDS_WITHIN_S: Final = 20.0
PACE_S: Final = 20.0
SPARE_FILES: Final = 500
"""Descriptors of a process beside its sockets."""

_PERCENTILES: Final = {"50%": "p50_ms", "95%": "p95_ms", "99%": "p99_ms"}


class Place(NamedTuple):
    """Where to, and the file of who plays; without one they register by REST."""

    url: str
    people: Path | None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """See `python -m loadtest load --help`."""
    add_crowd(parser)
    parser.add_argument("--url", default="", help="the api of a running Muster; none: start one")
    parser.add_argument(
        "--people", type=Path, help="who plays there, by `python -m loadtest people`"
    )
    parser.add_argument("--users", type=int, default=500, help="how many at most")
    parser.add_argument("--spawn", type=float, default=100.0, help="how many come a second")
    parser.add_argument("--rate", type=float, default=0.0, help="posts (requests) a second by all")
    parser.add_argument("--time", default="60s", help="how long, as 90s, 3m or 1h")
    parser.add_argument("--shape", choices=shapes.NAMES, default="flat", help="how many when")
    parser.add_argument(
        "--scenario", nargs="*", type=_scenario, choices=SCENARIOS, default=["SteadyChat"]
    )
    parser.add_argument(
        "--within", type=float, default=30.0, help="seconds in which all come (Evening)"
    )
    parser.add_argument("--storm-every", type=float, default=30.0, help="seconds between storms")
    parser.add_argument("--workers", type=int, default=1, help="processes that make the load")
    parser.add_argument("--hubs", type=int, default=2, help="hubs to start (without --url)")
    parser.add_argument("--web", action="store_true", help="open Locust's page; Ctrl-C ends it")
    parser.add_argument("--web-port", type=int, default=8089, help="of that page")
    parser.add_argument("--out", type=Path, default=Path("build/load"), help="of report and tables")


def _scenario(said: str) -> str:
    """In whatever case it is written."""
    return next((name for name in SCENARIOS if name.lower() == said.lower()), said)


def run(args: argparse.Namespace) -> int:
    """Locust's exit code: 1 if anything failed."""
    if (complaint := room_for_files(args)) is not None:
        print(complaint, file=sys.stderr)
        return 2
    with contextlib.suppress(KeyboardInterrupt, asyncio.CancelledError):
        return asyncio.run(_run(args))
    return 130


def room_for_files(args: argparse.Namespace) -> str | None:
    """Allow as many open files as the system does; what to do where that is too few."""
    processes = args.workers if args.url else min(args.workers, args.hubs)
    needed = args.users // max(1, processes) + SPARE_FILES
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if hard == resource.RLIM_INFINITY or hard >= needed:
        return None
    return (
        f"a process needs up to {needed:,} open files, and `ulimit -Hn` allows {hard:,}: raise it (as root, in "
        "/etc/security/limits.conf), or share the sockets among more processes by WORKERS= and HUBS="
    )


async def _run(args: argparse.Namespace) -> int:
    this = asyncio.current_task()
    assert this is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, this.cancel)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    _table(args.out).unlink(missing_ok=True)  # a run before this one left it
    async with _place(args) as place:
        with reserved_ports(1) as port:
            code = await _locust(arguments(args, place, port), ends_by_itself=not args.web)
    rows = told(args.out)
    if args.json:
        print(json.dumps(rows))
    elif rows:
        print(f"report: {args.out}.html")
    return code


@contextlib.asynccontextmanager
async def _place(args: argparse.Namespace) -> AsyncIterator[Place]:
    if args.url:
        yield Place(args.url, args.people)
        return
    settings = {"MUSTER_RATE_LIMITS": "0"} if _UNLIMITED & {*args.scenario} else {}
    async with muster_up(args.hubs, settings) as stack:
        people = stack.data / "people.json"
        crowd = Crowd(args.users, args.members, args.rooms)
        await make(crowd, stack.data, args.hubs, HOURS, people)
        yield Place(stack.api_url, people)


def arguments(args: argparse.Namespace, place: Place, port: int) -> list[str]:
    """What Locust is told; master and workers meet at `port`."""
    pace_s = args.users / args.rate if args.rate > 0 else PACE_S
    given = {
        "-f": LOCUSTFILE,
        "--host": place.url,
        "--users": args.users,
        "--spawn-rate": args.spawn,
        "--pace": pace_s,
        "--shape": args.shape,
        "--storm-every": args.storm_every,
        "--arrive-within": args.within,
        "--room-members": args.members,
        "--run-time": args.time,
        "--html": f"{args.out}.html",
        "--csv": args.out,
    }
    if place.people is not None:
        given["--people"] = place.people
    if args.workers > 1:
        given |= {
            "--processes": args.workers,
            "--master-bind-host": "127.0.0.1",
            "--master-bind-port": port,
            "--master-port": port,
        }
    if args.web:
        given |= {"--web-host": "127.0.0.1", "--web-port": args.web_port}
    words = [str(word) for pair in given.items() for word in pair]
    if not args.web:
        words.append("--headless")
    if args.json or not sys.stdout.isatty():
        words.append("--only-summary")
    return [*words, *args.scenario]


async def _locust(words: list[str], *, ends_by_itself: bool) -> int:
    """Run it in a process group of its own, so that nothing of it can be left behind."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "locust",
        *words,
        cwd=LOCUSTFILE.parents[1],
        stdin=asyncio.subprocess.DEVNULL,
        stdout=sys.stderr,
        process_group=0,
    )
    try:
        return await process.wait()
    except asyncio.CancelledError:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGINT)  # it writes its report and sends its workers home
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(ENDS_WITHIN_S):
                code = await process.wait()
                if not ends_by_itself:
                    return code
        raise
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


def told(out: Path) -> dict[str, dict[str, float]]:
    """Locust's table by row: how many, how many failed, and percentiles in ms."""
    path = _table(out)
    if not path.exists():
        return {}
    with path.open(newline="") as table:
        lines = list(csv.DictReader(table))
    return {
        f"{line['Type']} {line['Name']}".strip(): {
            "count": int(line["Request Count"]),
            "failed": int(line["Failure Count"]),
            **{ours: _ms(line[theirs]) for theirs, ours in _PERCENTILES.items()},
        }
        for line in lines
    }


def _table(out: Path) -> Path:
    return Path(f"{out}_stats.csv")


def _ms(said: str) -> float:
    return float(said) if said not in ("", "N/A") else 0.0
