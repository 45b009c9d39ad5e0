"""Promises 1 to 7 on the whole way of an entry, as a state machine: no services, a jumping clock, a bus that lies.

Hypothesis chooses what happens and shrinks what fails; what it cannot choose is drawn from the seed it chose.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine, Iterator, Sequence
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from muster.batch import Lease
from muster.op import Committed, Op
from muster.outlet import Outlet
from muster.republish import Republisher
from realtime.catchup import Catchup
from realtime.fill import Fill
from realtime.outbox import Level, Outbox
from realtime.room import LocalRoom
from tests.fixtures.logs import logged
from tests.sim.chain import Chain
from tests.sim.database import Batches
from tests.sim.time import JumpingLoop

PARTS: Final = 4
STEPS: Final = 100_000 // PARTS
PER_RULE: Final = 500
RULES: Final = 10
WHAT: Final = (
    ("say",) * 10 + ("move",) * 2 + ("come_or_go",) * 3 + ("stall",) * 2 + ("trouble", "kill")
)
PAUSES_S: Final = (0.0, 0.0, 0.0, 0.0, 0.0, 0.001, 0.01, 0.2)


@pytest.fixture(autouse=True)
def silence() -> Iterator[None]:
    """Nothing is logged; the configuration of others comes back after."""
    with logged("critical"):
        yield


class Stage:
    """A chain in a loop of its own; what fails in any task fails here."""

    def __init__(self, number: int) -> None:
        self._loop = JumpingLoop()
        self._loop.set_exception_handler(self._noticed)
        self._failures: list[BaseException] = []
        self._chain = self._loop.run_until_complete(_chain(number))

    def _noticed(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        self._failures.append(
            error if isinstance(error, BaseException) else AssertionError(context)
        )

    def play(self, happen: bytes) -> None:
        """Each byte is one step: what happens, and to whom; time passes after some."""

        async def steps() -> None:
            chain = self._chain
            for byte in happen:
                number = byte + 256 * chain.rng.randrange(256)
                getattr(chain, WHAT[number % len(WHAT)])(number // len(WHAT))
                if chain.rng.random() < 0.35:
                    await chain.turn(chain.rng.choice(PAUSES_S))

        self._run(steps())

    def quieten(self) -> None:
        """Everything comes to rest, and everybody has everything."""

        async def rest() -> None:
            await self._chain.quiet()
            self._chain.check()

        self._run(rest())

    def _run(self, what: Coroutine[Any, Any, None]) -> None:
        self._loop.run_until_complete(what)
        if self._failures:
            raise self._failures[0]

    def close(self) -> None:
        """Nothing is left running."""
        self._loop.run_until_complete(self._chain.end())
        self._loop.close()


async def _chain(number: int) -> Chain:
    return Chain(number, await asyncio.TaskGroup().__aenter__())


class Machine(RuleBasedStateMachine):
    """Hypothesis' hand on a stage."""

    steps = 0

    def __init__(self) -> None:
        super().__init__()
        self._stage: Stage | None = None

    @initialize(number=st.integers(0, 2**32))
    def begin(self, number: int) -> None:
        self._stage = Stage(number)

    @rule(happen=st.binary(min_size=PER_RULE, max_size=PER_RULE), rest=st.booleans())
    def happens(self, happen: bytes, rest: bool) -> None:
        assert self._stage is not None
        self._stage.play(happen)
        Machine.steps += len(happen)
        if rest:
            self._stage.quieten()

    def teardown(self) -> None:
        if self._stage is not None:
            self._stage.close()


@pytest.mark.timeout(240)
@pytest.mark.parametrize("part", range(PARTS))
def test_whatever_happens_on_the_way_nothing_is_lost_doubled_or_out_of_order(part: int) -> None:
    """Writers, outlets, leases, hubs, catching up and outboxes, in 100,000 steps over the parts; the seed is told."""
    chosen = random.SystemRandom().randrange(2**32)
    print(f"part {part}, seed {chosen}")
    Machine.steps = 0
    runs = 0
    while Machine.steps < STEPS:
        limits = settings(
            max_examples=-(-(STEPS - Machine.steps) // (PER_RULE * RULES)),
            stateful_step_count=RULES,
            deadline=None,
            database=None,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        )
        run_state_machine_as_test(seed(chosen + runs)(Machine), settings=limits)
        runs += 1
    print(f"{Machine.steps} steps")


def _lease_cleared_before_it_is_published(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Outlet, "clearable", lambda self: self._writer if self.leased else None)
    patch.setattr(Outlet, "_owe", lambda *_: None)


def _nobody_looks_after_leases(patch: pytest.MonkeyPatch) -> None:
    async def round_(_: Republisher) -> int:
        return 0

    patch.setattr(Republisher, "round", round_)


def _abandoned_lease_is_overwritten(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Outlet, "relet", lambda _: None)


def _no_hold(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(LocalRoom, "offer", lambda self, entry: entry.seq > self.position)


def _no_dedupe(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(LocalRoom, "offer", lambda self, entry: entry.seq <= self.position + 1)


def _no_fill(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Fill, "hole", lambda *_: None)
    patch.setattr(Fill, "behind", lambda *_: None)


def _no_heads_compared(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Fill, "check", lambda *_: None)


def _slow_sockets_are_passed_over(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Catchup, "go_on", lambda *_: None)


def _outbox_forgets(patch: pytest.MonkeyPatch) -> None:
    def take(self: Outbox) -> bytes:
        data = b"" if self.blocked else b"".join([self._first, *(self._rest or ())][-4:])
        if not self.blocked:
            self.empty()
        return data

    patch.setattr(Outbox, "take", take)


def _outbox_without_a_bound(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Outbox, "level", lambda *_: Level.flowing)


def _acked_before_commit(patch: pytest.MonkeyPatch) -> None:
    async def commit(self: Batches, lease: Lease, ops: Sequence[Op]) -> list[Committed]:
        ahead = [
            Committed(n, "ok", op.room, 1, 1, 0, None, None, None, None, None)
            for n, op in enumerate(ops, 1)
        ]
        self._database.commit(lease, ops)
        return ahead

    patch.setattr(Batches, "commit", commit)


MUTANTS: Final = (
    _lease_cleared_before_it_is_published, _nobody_looks_after_leases, _abandoned_lease_is_overwritten,
    _no_hold, _no_dedupe, _no_fill, _no_heads_compared, _slow_sockets_are_passed_over, _outbox_forgets,
    _outbox_without_a_bound, _acked_before_commit,
)  # fmt: skip


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.__name__.strip("_"))
def test_the_machine_catches(
    mutant: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A product with this fault does not get through."""
    mutant(monkeypatch)
    for number in range(12):
        stage = Stage(number)
        try:
            for _ in range(3):
                stage.play(random.Random(number).randbytes(PER_RULE))
                stage.quieten()
        except (AssertionError, KeyError):
            return
        finally:
            stage.close()
    pytest.fail("nothing was noticed")
