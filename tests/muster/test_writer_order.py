"""What a sender sent stays in order, and what is committed stays on a lease, whatever a connection answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from uuid import UUID

import pytest
from prometheus_client import CollectorRegistry

from muster.batch import BatchFailed, Lease, Locked, Lost, Poisoned
from muster.errors import Refused
from muster.ids import PersonId, RoomId
from muster.metrics import WriterMetrics
from muster.op import Committed, Op
from muster.outlet import Outlet
from muster.writer import MOVED_FOR_S, SUBMIT_WITHIN_S, Writer
from proto.codes import Code
from proto.entry import EntryKind
from tests.sim.time import JumpingLoop, LoopClock, passing
from tests.vocabulary import Recorder, new_id, post

HELD, FREE = RoomId(UUID(int=2)), RoomId(UUID(int=4))
ADA = PersonId(UUID(int=1))


class Script:
    """muster.batch.BatchConnection that commits to a list; `answers` come first: what to raise, or a moment to wait."""

    def __init__(self, log: list[str]) -> None:
        self.log = log
        self.answers: list[BatchFailed | asyncio.Event | None] = []
        self.leases: list[UUID] = []
        self.cleared: list[UUID] = []
        self.clearing: BatchFailed | None = None
        self.asked = asyncio.Event()

    async def commit(self, lease: Lease, ops: Sequence[Op]) -> list[Committed]:
        self.leases.append(lease.writer)
        self.asked.set()
        answer = self.answers.pop(0) if self.answers else None
        if isinstance(answer, asyncio.Event):
            await answer.wait()
        elif answer is not None:
            await passing(0.05)
            raise answer
        self.log += [op.client_id for op in ops]
        return [
            Committed(n, "ok", op.room, len(self.log), 1, 0, EntryKind.post, ADA, None, None, None)
            for n, op in enumerate(ops, 1)
        ]

    async def clear(self, writer: UUID) -> None:
        self.cleared.append(writer)
        if self.clearing is not None:
            raise self.clearing

    async def close(self) -> None:
        return None


@asynccontextmanager
async def scripted() -> AsyncIterator[tuple[Writer, Script, Script]]:
    """A writer on one connection and the spare, both by script, committing to one log."""
    log: list[str] = []
    normal, spare, bus = Script(log), Script(log), Recorder()
    outlet = lambda: Outlet(bus, new_id, None)  # noqa: E731  # a factory in one line
    metrics = WriterMetrics(CollectorRegistry())
    writer = Writer([normal], spare, outlet, LoopClock(), metrics)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(writer.run())
        yield writer, normal, spare
        running.cancel()


async def test_a_room_that_moves_takes_all_that_waits_for_it_along_in_order() -> None:
    """Posted while the rest of the batch is still under way, a later one does not overtake those behind the lock."""
    async with scripted() as (writer, normal, spare), asyncio.TaskGroup() as tasks:
        first, rest = asyncio.Event(), asyncio.Event()
        normal.answers = [first, Locked({HELD}), rest]
        tasks.create_task(writer.submit(post(ADA, FREE, "0")))
        await normal.asked.wait()
        for n in range(200):  # more than one batch takes of one room
            tasks.create_task(writer.submit(post(ADA, HELD, f"{n:03}")))
        tasks.create_task(writer.submit(post(ADA, FREE, "free")))
        await passing(0)
        first.set()
        await spare.asked.wait()
        late = tasks.create_task(writer.submit(post(ADA, HELD, "200")))
        await late
        rest.set()
    held = [client for client in normal.log if len(client) == 3]
    assert held == [f"{n:03}" for n in range(201)]


async def test_halves_of_a_batch_move_together() -> None:
    """A batch was halved for a bad row, then the room was locked: the other half does not go first, or alone."""
    async with scripted() as (writer, normal, _), asyncio.TaskGroup() as tasks:
        first = asyncio.Event()
        normal.answers = [first, Poisoned(), Locked({HELD})]
        tasks.create_task(writer.submit(post(ADA, FREE, "0")))
        await normal.asked.wait()
        for n in range(20):
            tasks.create_task(writer.submit(post(ADA, HELD, f"{n:03}")))
        await passing(0)
        first.set()
    assert normal.log[1:] == [f"{n:03}" for n in range(20)]


def test_what_comes_behind_a_post_that_was_given_up_does_not_overtake_it() -> None:
    """Its sender is told to try again; so is the sender of those behind it, who is the same."""

    async def run() -> None:
        async with scripted() as (writer, normal, _):
            normal.answers = [Lost() for _ in range(12)]  # away for about 1.8 s
            answers = await asyncio.gather(
                _later(writer, 0.0, "first"), _later(writer, 1.0, "second"), return_exceptions=True
            )
            codes = [answer.code for answer in answers if isinstance(answer, Refused)]
            assert codes == [Code.unavailable] * 2 or normal.log == ["first", "second"]
            normal.answers = [Lost() for _ in range(14)]  # until the first is given up
            answers = await asyncio.gather(
                _later(writer, 0.0, "third"), _later(writer, 1.0, "fourth"), return_exceptions=True
            )
            assert [a.code for a in answers if isinstance(a, Refused)] == [Code.unavailable] * 2
            assert "fourth" not in normal.log
            await writer.submit(post(ADA, HELD, "third"))
            await writer.submit(post(ADA, HELD, "fourth"))
            assert normal.log[-2:] == ["third", "fourth"]

    with asyncio.Runner(loop_factory=JumpingLoop) as runner:
        runner.run(run())


async def _later(writer: Writer, seconds: float, client_id: str) -> None:
    await passing(seconds)
    await writer.submit(post(ADA, HELD, client_id))


def test_a_clear_without_an_answer_never_meets_the_row_of_what_came_after() -> None:
    """It may still be executed, and would delete the only note of what is not published."""

    async def run() -> None:
        async with scripted() as (writer, normal, _):
            normal.clearing = BatchFailed()
            await writer.submit(post(ADA, HELD, "one"))
            await passing(1.0)
            assert normal.cleared == normal.leases
            await writer.submit(post(ADA, HELD, "two"))
            assert normal.leases[1] not in normal.cleared[:1]

    with asyncio.Runner(loop_factory=JumpingLoop) as runner:
        runner.run(run())


def test_rooms_that_moved_are_forgotten_in_time() -> None:
    """Also those that nobody posts to any more."""

    async def run() -> None:
        async with scripted() as (writer, normal, _):
            for n in range(5):
                room = RoomId(UUID(int=100 + n))
                normal.answers = [Locked({room})]
                await writer.submit(post(ADA, room, f"m{n}"))
                await passing(MOVED_FOR_S + 1)
            assert len(writer._moved) == 1

    with asyncio.Runner(loop_factory=JumpingLoop) as runner:
        runner.run(run())


async def test_a_writer_that_has_ended_refuses_at_once() -> None:
    """Nobody would ever answer."""
    async with scripted() as (writer, _, _):
        await writer.submit(post(ADA, HELD, "in time"))
    with pytest.raises(Refused) as refused:
        async with asyncio.timeout(SUBMIT_WITHIN_S / 4):
            await writer.submit(post(ADA, HELD, "late"))
    assert refused.value.code is Code.unavailable


@pytest.mark.parametrize(
    ("per_s", "commits", "longest_s"), [(100, 100, 0.001), (1_000, 120, 0.011), (5_000, 45, 0.031)]
)
def test_a_lone_op_is_committed_at_once_and_a_crowd_shares_commits(
    per_s: int, commits: int, longest_s: float
) -> None:
    """The greater the crowd, the more of it; and nobody waits longer than that is worth."""

    async def run() -> None:
        waited: list[float] = []

        async def say(n: int) -> None:
            await passing(n / per_s)
            asked = asyncio.get_running_loop().time()
            await writer.submit(post(ADA, (HELD, FREE)[n % 2], str(n)))
            waited.append(asyncio.get_running_loop().time() - asked)

        async with scripted() as (writer, normal, _), asyncio.TaskGroup() as tasks:
            for n in range(per_s):
                tasks.create_task(say(n))
        assert len(normal.leases) <= commits
        assert max(waited) <= longest_s

    with asyncio.Runner(loop_factory=JumpingLoop) as runner:
        runner.run(run())
