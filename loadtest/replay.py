"""Plays an IRC log: every nick an account with its own socket, spread over the hubs, in one public room.

Each message must reach every present member once and in order, by what the devices were given, what
was acked and the seqs at which each account came and went. Ends with the figures; the exit code is 1
where a promise did not hold. With `--pushes` a third of the people stay away and have phones: each phone must have got
exactly the pushes that the rules give (away/). Owns the stage and the clock of the play (actor.py plays one part,
ledger.py keeps the books). Must never look inside the server.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final, NamedTuple

import httpx

from loadtest.actor import Actor, Stage
from loadtest.away.play import Away
from loadtest.away.rules import Verdict
from loadtest.away.script import script
from loadtest.cast import Act, Cast, cast
from loadtest.client.rest import Rest
from loadtest.irc import parse
from loadtest.ledger import Figures, Ledger
from loadtest.ports import reserved_ports
from loadtest.progress import Progress
from loadtest.stack import ROOMY, Stack, muster_up

REGISTER_AT_ONCE: Final = 16
SETTLE_WITHIN_S: Final = 30.0
LOOK_EVERY_S: Final = 0.1
MOCK_PORTS: Final = 5
PUSHERS: Final = 2
WARNED_LATE_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Options:
    """How a play is played. `kill_at` is the share of the play after which a hub is killed."""

    speed: float = 60.0
    seed: int = 1
    kill_at: float | None = None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """See `python -m loadtest replay --help`."""
    parser.add_argument("file", type=Path, help="an IRC log")
    parser.add_argument("--speed", type=float, default=60.0, help="times as fast as it was")
    parser.add_argument("--lines", type=int, default=0, help="only the first so many lines")
    parser.add_argument("--hubs", type=int, default=2, help="hubs to start (without --url)")
    parser.add_argument("--url", help="the api of a running Muster; none: start one")
    parser.add_argument("--seed", type=int, default=1, help="of whatever is left to chance")
    parser.add_argument(
        "--pushes", action="store_true", help="a third of the people stay away, with phones"
    )
    parser.add_argument(
        "--kill-hub", action="store_true", help="kill -9 the first hub in the middle of the play"
    )


def run(args: argparse.Namespace) -> int:
    """Play, print the figures."""
    if args.kill_hub and args.url:
        raise SystemExit("--kill-hub kills a hub of its own: it does not go with --url")
    if args.pushes and args.url:
        raise SystemExit("--pushes looks at mock phones of its own: it does not go with --url")
    text = args.file.read_text(encoding="utf-8", errors="replace")
    if args.lines:
        text = "\n".join(text.splitlines()[: args.lines])
    play = cast(parse(text))
    options = Options(args.speed, args.seed, 0.5 if args.kill_hub else None)
    if args.pushes:
        figures, pushes = asyncio.run(_run_pushes(play, options, args.hubs))
        _print(figures._asdict() | pushes._asdict(), as_json=args.json)
        return 0 if figures.clean and pushes.clean else 1
    figures = asyncio.run(_run(play, options, args.url, args.hubs))
    _print(figures._asdict(), as_json=args.json)
    return 0 if figures.clean else 1


@contextlib.asynccontextmanager
async def muster_with_phones(hubs: int) -> AsyncIterator[tuple[Stack, str]]:
    """A Muster with pushers and mocks of the providers, and the address of the mocks' page."""
    with reserved_ports(MOCK_PORTS) as mocks, reserved_ports(PUSHERS) as pushers:
        settings = {
            "MUSTER_PUSHES": "mock",
            "MUSTER_MOCK_PUSH_PORT": str(mocks),
            "MUSTER_PUSHER_PORT": str(pushers),
        }
        async with muster_up(hubs, {**ROOMY, **settings}) as stack:
            yield stack, f"http://127.0.0.1:{mocks}"


async def _run_pushes(play: Cast, options: Options, hubs: int) -> tuple[Figures, Verdict]:
    progress = Progress()
    progress.show(0, 1, "starting Muster")
    async with muster_with_phones(hubs) as (stack, phones):
        both = await replay_pushes(play, stack, phones, options, progress)
        progress.end()
        return both


async def replay_pushes(
    play: Cast, stack: Stack, phones: str, options: Options, progress: Progress
) -> tuple[Figures, Verdict]:
    """Play with a third of the cast away; `phones` is the address of the mocks' page."""
    run = secrets.token_hex(3)
    plan = script(play, options.seed, run)
    away, ledger = Away(plan, phones), Ledger()
    scene = _Scene(plan.play, stack.api_url, options, ledger, run)
    async with _staged(scene, progress, away) as (stage, actors), away.watched(stage) as rung:
        await _play(scene, stage, actors, progress, stack)
        for number in range(1, len(stage.groups) + 1):
            await actors[0].last_words(number, "good night")
        return ledger.figures(), await away.judged(stage, rung, progress)


async def _run(play: Cast, options: Options, url: str | None, hubs: int) -> Figures:
    progress = Progress()
    async with contextlib.AsyncExitStack() as exits:
        stack: Stack | None = None
        if url is None:
            progress.show(0, 1, "starting Muster")
            stack = await exits.enter_async_context(muster_up(hubs))
            url = stack.api_url
        figures = await replay(play, url, options, progress, stack)
        progress.end()
        return figures


class _Scene(NamedTuple):
    """What is played, where and how."""

    play: Cast
    api_url: str
    options: Options
    ledger: Ledger
    run: str


async def replay(
    play: Cast, api_url: str, options: Options, progress: Progress, stack: Stack | None = None
) -> Figures:
    """Play the whole cast against a running Muster; `stack` is needed to kill a hub of it."""
    scene = _Scene(play, api_url, options, Ledger(), secrets.token_hex(3))
    async with _staged(scene, progress) as (stage, actors):
        await _play(scene, stage, actors, progress, stack)
        return scene.ledger.figures()


async def _play(
    scene: _Scene, stage: Stage, actors: list[Actor], progress: Progress, stack: Stack | None
) -> None:
    """All steps, until everybody has everything."""
    play, options = scene.play, scene.options
    loop = asyncio.get_running_loop()
    async with asyncio.TaskGroup() as group:
        started = loop.time()
        for actor in actors:
            group.create_task(actor.play(started))
        if stack is not None and options.kill_at is not None:
            group.create_task(_kill(stack, started + _length_s(play, options) * options.kill_at))
        group.create_task(_watch(stage.ledger, play, options, progress, started))
    await _settle(stage.ledger, actors, progress)
    for actor in actors:
        actor.close_books()


@contextlib.asynccontextmanager
async def _staged(
    scene: _Scene, progress: Progress, away: Away | None = None
) -> AsyncIterator[tuple[Stage, list[Actor]]]:
    """All accounts made, logged in and connected; afterwards all are sent away."""
    limits = httpx.Limits(max_connections=64, max_keepalive_connections=64)
    play, options = scene.play, scene.options
    async with httpx.AsyncClient(base_url=scene.api_url, limits=limits, timeout=15.0) as http:
        hubs = await Rest(http, Random(options.seed)).hubs()
        stage = Stage(http, hubs, scene.ledger, scene.run, options.speed)
        absent = away.numbers if away is not None else frozenset()
        actors = [
            Actor(number, nick, [step for step in play.steps if step.actor == number], stage)
            for number, nick in enumerate(play.names)
            if number not in absent
        ]
        await _register(actors, progress)
        await actors[0].open_room()
        if away is not None:
            await away.settle_in(stage, actors)
        async with asyncio.TaskGroup() as group:
            running = [group.create_task(actor.phone.run()) for actor in actors]
            for count, actor in enumerate(actors):
                progress.show(count, len(actors), "connecting")
                await actor.phone.online.wait()
            try:
                yield stage, actors
            finally:
                for task in running:
                    task.cancel()


async def _register(actors: list[Actor], progress: Progress) -> None:
    waiting, done = list(actors), 0

    async def work() -> None:
        nonlocal done
        while waiting:
            await waiting.pop().register()
            done += 1
            progress.show(done, len(actors), "making accounts")

    async with asyncio.TaskGroup() as group:
        for _ in range(REGISTER_AT_ONCE):
            group.create_task(work())


async def _kill(stack: Stack, at: float) -> None:
    await asyncio.sleep(at - asyncio.get_running_loop().time())
    await stack.kill_hub(1)


def _length_s(play: Cast, options: Options) -> float:
    return play.steps[-1].at_s / options.speed if play.steps else 0.0


async def _watch(
    ledger: Ledger, play: Cast, options: Options, progress: Progress, started: float
) -> None:
    """Show how far the play is."""
    length_s = _length_s(play, options)
    messages = sum(step.act in (Act.say, Act.act) for step in play.steps)
    while (elapsed := asyncio.get_running_loop().time() - started) < length_s:
        sent, acked, given = ledger.counts()
        progress.show(elapsed, length_s, f"sent {sent}/{messages} acked {acked} delivered {given}")
        await asyncio.sleep(LOOK_EVERY_S)


async def _settle(ledger: Ledger, actors: list[Actor], progress: Progress) -> None:
    """Wait, with a bound, until every present device holds the room's head."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + SETTLE_WITHIN_S
    head = ledger.last_seq()
    while loop.time() < deadline:
        behind = sum(not actor.is_at(head) for actor in actors)
        if not behind:
            return
        progress.show(len(actors) - behind, len(actors), f"waiting for {behind} to reach {head}")
        await asyncio.sleep(LOOK_EVERY_S)


def _print(figures: dict[str, float], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(figures))
        return
    for key, value in figures.items():
        print(f"{key:>15}  {value:,}")
