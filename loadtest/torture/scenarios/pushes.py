"""Pushes, while pushers are killed, Redis forgets, and providers hang up or are away: each phone rings, and rings once.

Owns these scenarios. Everybody who is away has no socket in the whole run, so all that is said is owed to them; the
checker compares what their phones received with the log. How long that may take follows from a pusher's own times: what
a dead one had in hand is another's after a minute, what a provider did not take is tried again after 10 s and later.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

from loadtest.torture.crowd import Size
from loadtest.torture.metrics import sum_of
from loadtest.torture.scenario import Scenario, Stage
from loadtest.torture.scenarios.doors import kill
from loadtest.torture.scenarios.redis import flush
from loadtest.torture.server import Server
from loadtest.torture.weather import Way, Weather
from loadtest.torture.world import Shape

SIZE: Final = Size(away=20)
MANY: Final = Size(away=80)
SHAPE: Final = Shape(hubs=2, apis=1, pushers=2)
PER_S: Final = 80.0

LATENCY_MS: Final = 150.0
SILENT_MS: Final = 10_000.0
IN_HAND_S: Final = 3.0
"""A burst's pause is over, and what is due was sent."""

WORDS: Final = 12
WORD_EVERY_S: Final = 0.1

GOAWAY_EVERY: Final = 1_000
GOAWAYS: Final = 3
GOAWAYS_WITHIN_S: Final = 240.0
SERVICES: Final = ("apns", "fcm")

DOWN_S: Final = 40.0
DOWN_LONG_S: Final = 600.0
SETTLE_S: Final = 15.0
GROWN_MIB: Final = 64.0
SLOWER: Final = 1.5
SLOWER_S: Final = 1.0
"""What a busy machine alone may add."""

TAKEN_OVER_S: Final = 90.0
"""A minute until a dead pusher's jobs are another's, a claim that is waited for, and a first pause."""

REBUILT_S: Final = 45.0
GENTLY_S: Final = 15.0
DRAINED_S: Final = 150.0
DRAINED_LONG_S: Final = 660.0
"""The longest pause between two attempts, and a minute."""


async def _killed(stage: Stage, kills: int) -> None:
    """Any of them, at any moment, each back as soon as it was seen to be gone; in the end all of them at once.

    Providers take their time, so that most kills find something under way.
    """
    for service in SERVICES:
        await stage.phones.weather(service, latency_ms=LATENCY_MS, jitter_ms=LATENCY_MS)
    at_work = list(stage.world.pushers)
    async with asyncio.TaskGroup() as starting:
        for _ in range(kills - len(stage.world.pushers)):
            await stage.until(lambda: bool(at_work))
            pusher = stage.random.choice(at_work)
            at_work.remove(pusher)
            await stage.phones.ask(pusher)  # what it counted dies with it
            await kill(stage, pusher)
            starting.create_task(_back(pusher, at_work))
    await _all_killed(stage)
    await _all_ring(stage, TAKEN_OVER_S, "after all pushers were killed")


async def _all_killed(stage: Stage) -> None:
    """While they have the last words in hand: what is sent to APNs does not arrive, what FCM took it does not say."""
    links, names = stage.world.links, "pusher-apns*-provider"
    await stage.quiet()
    for pusher in stage.world.pushers:
        await stage.phones.ask(pusher)
    await stage.phones.weather("fcm", latency_ms=SILENT_MS)
    async with stage.fault("drop", names) as ended:
        before = (await links.tally(names)).dropped_bytes
        await links.set(names, Weather(drop=True), Way.asks)
        await _words(stage)
        await asyncio.sleep(IN_HAND_S)
        async with asyncio.TaskGroup() as tasks:
            for pusher in stage.world.pushers:
                tasks.create_task(_last_killed(stage, pusher))
        ended.proof["bytes_dropped"] = (await links.tally(names)).dropped_bytes - before
        await links.mend(names)
    await stage.phones.weather("fcm")
    async with asyncio.TaskGroup() as tasks:
        for pusher in stage.world.pushers:
            tasks.create_task(pusher.start())


async def _back(pusher: Server, at_work: list[Server]) -> None:
    """As a supervisor would; others are killed meanwhile."""
    await pusher.start()
    at_work.append(pusher)


async def _last_killed(stage: Stage, pusher: Server) -> None:
    async with stage.fault("kill", pusher.name) as ended:
        await _a_word(stage)
        await pusher.kill()
        ended.proof["exit_code"] = pusher.exits[-1]


async def _a_word(stage: Stage) -> None:
    """One, where else all is silent."""
    place = stage.random.choice(stage.crowd.places)
    await place.owner.tell(place.room, "a last word")


async def _all_ring(stage: Stage, within_s: float, after: str) -> None:
    """Nothing later points to what was said last, and yet all phones are to ring for it."""
    rang = await stage.phones.settled(stage.truth, within_s)
    stage.demand(rang, f"not every phone rang for the last words {after}")
    stage.traffic.hush(on=False)


async def _flushed(stage: Stage) -> None:
    """The second time just after everybody fell silent: what was due is nowhere but in Postgres."""
    await flush(stage)
    await stage.acks(300)
    await stage.quiet()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(flush(stage))
        tasks.create_task(_words(stage))
    await _all_ring(stage, REBUILT_S, "after FLUSHALL")


async def _words(stage: Stage) -> None:
    """A few over the time in which it happens."""
    for _ in range(WORDS):
        await _a_word(stage)
        await asyncio.sleep(WORD_EVERY_S)


async def _goaway(stage: Stage) -> None:
    """Both providers end every connection after so many requests, and mean it kindly."""
    async with stage.fault("goaway", "apns fcm") as ended:
        for service in SERVICES:
            await stage.phones.weather(service, goaway_every=GOAWAY_EVERY)
        loop = asyncio.get_running_loop()
        deadline, least = loop.time() + GOAWAYS_WITHIN_S, 0
        while least < GOAWAYS and loop.time() < deadline:
            await asyncio.sleep(1.0)
            each = [await stage.phones.counts(service) for service in SERVICES]
            least = min(counts.get("goaways", 0) for counts in each)
        for service in SERVICES:
            await stage.phones.weather(service)
        ended.proof["goaways"] = least
    stage.demand(least >= GOAWAYS, f"a provider ended only {least} connections")


class _Pace(NamedTuple):
    """What pushers of one provider had done at a moment: pushes, and the seconds they took, commit to acceptance."""

    pushes: float
    seconds: float


async def _down(stage: Stage, seconds: float, drained_s: float) -> None:
    """Nobody reaches APNs; FCM must not notice, no pusher may grow, and all is made up for, though nobody says more."""
    ours = [pusher for pusher in stage.world.pushers if "apns" in pusher.name]
    others = [pusher for pusher in stage.world.pushers if pusher not in ours]
    links, names = stage.world.links, "pusher-apns*-provider"
    began = await _pace(others)
    await asyncio.sleep(SETTLE_S)
    before_s = _mean_s(began, before := await _pace(others))
    held = [_rss_mib(pusher) for pusher in ours]
    async with stage.fault("reset", names) as ended:
        cut = (await links.tally(names)).reset
        await links.refuse(names)
        await asyncio.sleep(seconds)
        after = await _pace(others)
        grown = max(_rss_mib(pusher) - was for pusher, was in zip(ours, held, strict=True))
        await stage.quiet()
        await links.mend(names)
        tally = await links.tally(names)
        during_s = _mean_s(before, after)
        ended.proof |= {
            "connections_cut": tally.reset - cut,
            "refused": tally.refused,
            "fcm_before_s": round(before_s, 3),
            "fcm_during_s": round(during_s, 3),
            "grown_mib": round(grown, 1),
        }
    stage.demand(after.pushes > before.pushes, "FCM took nothing while APNs was away")
    slow = f"FCM took {during_s:.2f} s while APNs was away, {before_s:.2f} s before"
    stage.demand(during_s <= before_s * SLOWER + SLOWER_S, slow)
    stage.demand(
        grown <= GROWN_MIB, f"a pusher grew by {grown:.0f} MiB while its provider was away"
    )
    await _all_ring(stage, drained_s, "after APNs came back")


async def _pace(pushers: list[Server]) -> _Pace:
    return _Pace(
        await sum_of(pushers, "muster_push_seconds_count"),
        await sum_of(pushers, "muster_push_seconds_sum"),
    )


def _mean_s(one: _Pace, other: _Pace) -> float:
    return (other.seconds - one.seconds) / max(1.0, other.pushes - one.pushes)


def _rss_mib(pusher: Server) -> float:
    status = Path(f"/proc/{pusher.pid}/status").read_text()
    [line] = [line for line in status.splitlines() if line.startswith("VmRSS:")]
    return int(line.split()[1]) / 1024


def _scenario(
    name: str,
    does: str,
    attack: Callable[[Stage], Awaitable[None]],
    push_within_s: float,
    attack_within_s: float = 300.0,
    size: Size = SIZE,
) -> Scenario:
    """A stack of its own: phones of the run before would ring in this one."""
    return Scenario(
        name, does, attack, SHAPE, size, per_s=PER_S, before=300, after=300, minimum=900, fresh=True,
        push_within_s=push_within_s, attack_within_s=attack_within_s,
    )  # fmt: skip


SCENARIOS: Final = (
    _scenario("pushers_killed", "pushers are killed with SIGKILL, again and again",
              partial(_killed, kills=8), TAKEN_OVER_S),
    _scenario("pushers_killed_often", "pushers are killed 50 times",
              partial(_killed, kills=50), TAKEN_OVER_S, 900.0),
    _scenario("push_flushed", "Redis forgets which pushes are due, twice", _flushed, REBUILT_S),
    _scenario("push_goaway", "providers end a connection every 1,000 requests", _goaway, GENTLY_S, size=MANY),
    _scenario("push_provider_down", "APNs is away for a while",
              partial(_down, seconds=DOWN_S, drained_s=DRAINED_S), DRAINED_S),
    _scenario("push_provider_down_long", "APNs is away for ten minutes",
              partial(_down, seconds=DOWN_LONG_S, drained_s=DRAINED_LONG_S), DRAINED_LONG_S, 1_500.0),
)  # fmt: skip
