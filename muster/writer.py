"""The group-commit writer: every durable change of a process goes through here.

    submit(op) -> its room's queue -> a worker's next batch -> COMMIT -> answers -> publication

Owns when ops are committed together, what happens when a batch fails, and that nobody is answered before COMMIT.
Must never answer an op whose outcome it does not know with anything but `unavailable` (try again, same client
id), and must never look an outcome up: it repeats the batch, and the head locks queue it behind the old one.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Collection, Sequence
from typing import Final

from muster.batch import BatchConnection, BatchFailed, Locked, Poisoned, Repeat
from muster.clock import Clock
from muster.errors import Refused, unavailable
from muster.ids import RoomId
from muster.metrics import WriterMetrics
from muster.op import DONE, Committed, Op, Outcome
from muster.outlet import Outlet
from muster.pending import Pending, Told
from muster.queues import RoomQueues
from muster.telemetry import get_logger
from muster.trail import trail
from proto.codes import Code

SUBMIT_WITHIN_S: Final = 1.9
"""An op is answered within 2 s, come what may (issue: posts answered `temporary` within 2 s)."""

BATCH_OPS: Final = 300
ROOM_OPS_PER_BATCH: Final = 150
ROOM_OPS_WAITING: Final = 2_000
OPS_WAITING: Final = 20_000
"""Beyond these the writer is behind by more than the deadline anyway: refuse at once."""

MOVED_FOR_S: Final = 30.0
"""How long a room that made batches wait keeps a connection of its own."""

IDLE_S: Final = 0.25
"""After so long without a batch the lease is cleared; well under the lease's 2 s."""

RETRY_PAUSE_S: Final = 0.1

PACE_PER_OP_S: Final = 0.002
PACE_SMALL_S: Final = 0.010
PACE_PER_FURTHER_OP_S: Final = 0.000_5
PACE_MOST_S: Final = 0.030
"""From the beginning of one batch to that of the next: a lone op is committed at once, a crowd shares commits, and from
about 1,000 ops/s per worker on a crowd shares more the greater it is.

Measured at 2,500 posts/s on two cores: a fifth less processor time in all, ack p50 8 ms instead of 6. In a batch
of 25 a post is 85 us of Postgres and 27 of its writer, in one of 60 it is 55 and 18.
"""


_LOG: Final = get_logger()


class Writer:
    """Commits ops in batches, on one worker per connection and one more for rooms that make others wait."""

    def __init__(
        self,
        connections: Sequence[BatchConnection],
        spare: BatchConnection,
        outlet: Callable[[], Outlet],
        clock: Clock,
        metrics: WriterMetrics,
        within_s: float = SUBMIT_WITHIN_S,
    ) -> None:
        """`spare` serves rooms whose head is held by somebody else; `outlet` makes one publication queue each.

        Within `within_s` every op is answered.
        """
        self.within_s = within_s
        self._clock = clock
        self._metrics = metrics
        self._workers = [_Worker(connection, outlet(), self) for connection in connections]
        self._spare = _Worker(spare, outlet(), self)
        self._moved: dict[RoomId, float] = {}
        self.tracing = _LOG.is_enabled_for(logging.DEBUG)
        # In the order of their deadlines; a timer each would cost more than all else here together.
        self._asked: deque[Pending] = deque()
        self._over = False

    async def submit(self, op: Op) -> Outcome:
        """Commit one op. Raises `Refused`; `unavailable` means the outcome is unknown. Answers within `within_s`.

        Whoever stops waiting is not told; the op is committed all the same.
        """
        waiting: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()

        def told(answer: Outcome | Refused) -> None:
            if waiting.done():
                return
            if isinstance(answer, Refused):
                waiting.set_exception(answer)
            else:
                waiting.set_result(answer)

        self.ask(op, told)
        return await waiting

    def ask(self, op: Op, told: Told) -> None:
        """The same without a coroutine: `told` gets what `submit` returns or raises."""
        worker = self._worker(op.room)
        queues = worker.queues
        if self._over:
            told(unavailable("the database"))
            return
        if len(queues) >= OPS_WAITING or queues.waiting(op.room) >= ROOM_OPS_WAITING:
            self._metrics.refused.inc()
            told(
                Refused(
                    Code.unavailable,
                    "more is waiting to be stored than can be",
                    retry_after_ms=2_000,
                )
            )
            return
        asked = self._asked
        while asked and asked[0].answered:
            asked.popleft()
        pending = Pending(op, self._clock.monotonic() + self.within_s, told)
        queues.add(pending)
        asked.append(pending)
        worker.wake()

    async def run(self) -> None:
        """Commit until cancelled; what is in flight then is left to the leases."""
        try:
            async with asyncio.TaskGroup() as tasks:
                for worker in (*self._workers, self._spare):
                    tasks.create_task(worker.run())
                    tasks.create_task(worker.outlet.run())
                tasks.create_task(self._refuse_late())
        finally:
            self._over = True
            for pending in self._asked:
                pending.answer(unavailable("the database"))
            for worker in (*self._workers, self._spare):
                await worker.connection.close()

    async def _refuse_late(self) -> None:
        """Answer what no batch has answered in time; one that has the op may still commit it."""
        while True:
            now = self._clock.monotonic()
            while self._asked and self._asked[0].deadline <= now:
                pending = self._asked.popleft()
                if not pending.answered:
                    self._metrics.timeouts.inc()
                    pending.answer(unavailable("the database"))
            # Whatever is asked meanwhile is due later than this.
            first = self._asked[0].deadline if self._asked else now + self.within_s
            await asyncio.sleep(first - now)

    def _worker(self, room: RoomId) -> _Worker:
        until = self._moved.get(room)
        if until is not None:
            if until > self._clock.monotonic() or self._spare.has(room):
                return self._spare
            del self._moved[room]
        return self._workers[room.int % len(self._workers)]

    def move(self, worker: _Worker, rooms: Collection[RoomId]) -> bool:
        """Rooms that made `worker` wait go to the spare connection; false if they are there already.

        From now on their ops are queued there: `worker` hands over what it has of them before anything else.
        """
        if worker is self._spare:
            return False
        now = self._clock.monotonic()
        for room in [r for r, until in self._moved.items() if until <= now]:
            if not self._spare.has(room):
                del self._moved[room]
        for room in rooms:
            self._moved[room] = now + MOVED_FOR_S
            self._metrics.moved.inc()
        return True

    def hand_over(self, pendings: Sequence[Pending]) -> None:
        """Ops of moved rooms, to the spare worker, in order."""
        for pending in pendings:
            self._spare.queues.add(pending)
        self._spare.wake()

    def give_up(self, late: Sequence[Pending]) -> None:
        """These were not committed in time; what their senders sent before they knew must not overtake them."""
        known_at = {(p.op.room, p.op.author): p.deadline for p in late}
        for pending in (*late, *self._asked):
            told_at = known_at.get((pending.op.room, pending.op.author), 0.0)
            if pending.deadline - self.within_s < told_at:
                pending.answer(unavailable("the database"))

    @property
    def clock(self) -> Clock:
        return self._clock

    @property
    def metrics(self) -> WriterMetrics:
        return self._metrics


class _Worker:
    """One connection, its queues, and the outlet through which its commits are published."""

    def __init__(self, connection: BatchConnection, outlet: Outlet, writer: Writer) -> None:
        self.connection = connection
        self.outlet = outlet
        self.queues: RoomQueues[Pending] = RoomQueues(ROOM_OPS_PER_BATCH)
        self._writer = writer
        self._woken = asyncio.Event()
        self._busy: set[RoomId] = set()

    def wake(self) -> None:
        self._woken.set()

    def has(self, room: RoomId) -> bool:
        """Whether ops of this room are waiting or in flight here: then later ones must follow them."""
        return room in self._busy or self.queues.waiting(room) > 0

    async def run(self) -> None:
        while True:
            if not self.queues.ready:
                await self._idle()
            began = self._writer.clock.monotonic()
            batch = self.queues.take(BATCH_OPS)
            self._busy = {pending.op.room for pending in batch}
            try:
                await self._commit(batch)
            finally:
                for room in self._busy:
                    self.queues.done(room)
                self._busy = set()
            pause_s = began + _pace_s(len(batch)) - self._writer.clock.monotonic()
            await asyncio.sleep(max(0.0, pause_s))

    async def _idle(self) -> None:
        """Wait for work; meanwhile clear the lease once all is published."""
        self._woken.clear()
        while not self.queues.ready:
            try:
                async with asyncio.timeout(IDLE_S if self.outlet.leased else None):
                    await self._woken.wait()
                    return
            except TimeoutError:
                await self._clear()

    async def _clear(self) -> None:
        writer = self.outlet.clearable()
        if writer is None:
            return
        try:
            await self.connection.clear(writer)
            self.outlet.cleared(writer)
        except BatchFailed:
            # The lease runs out by itself; somebody publishes twice, receivers drop the second. Its row may yet be
            # deleted, by the call that was given up: what is committed from now on stands in another.
            self.outlet.cleared(writer)
            self.outlet.relet()

    async def _commit(self, batch: list[Pending]) -> None:
        """Commit all of `batch`, or answer why not; ops of rooms that are locked go to the spare worker."""
        parts = [batch]
        while parts:
            part = self._still_wanted(parts.pop())
            if not part:
                continue
            started = self._writer.clock.monotonic()
            try:
                rows = await self.connection.commit(self.outlet.lease(), [p.op for p in part])
            except Poisoned:
                self._writer.metrics.failures.labels("poisoned").inc()
                if len(part) == 1:
                    part[0].answer(Refused(Code.bad_request, "this cannot be stored"))
                else:
                    middle = len(part) // 2
                    parts += [part[middle:], part[:middle]]
                continue
            except Locked as locked:
                self._writer.metrics.failures.labels("locked").inc()
                parts.append(part)
                rooms = {p.op.room for p in part} & set(locked.rooms)
                if rooms and self._writer.move(self, rooms):
                    parts = self._move_out(rooms, parts)
                continue
            except BatchFailed as failed:
                self._writer.metrics.failures.labels(type(failed).__name__.lower()).inc()
                parts.append(part)
                if not isinstance(failed, Repeat):
                    self.outlet.relet()
                    await asyncio.sleep(RETRY_PAUSE_S)
                continue
            self._settle(part, rows)
            self._writer.metrics.batch(len(part), self._writer.clock.monotonic() - started)

    def _move_out(self, rooms: set[RoomId], parts: list[list[Pending]]) -> list[list[Pending]]:
        """Hand over every op of these rooms, in the order sent: of each part (the last is next), then what waits."""
        for part in reversed(parts):
            self._writer.hand_over([p for p in part if p.op.room in rooms])
        for room in rooms:
            self._writer.hand_over(self.queues.evict(room))
        return [[p for p in part if p.op.room not in rooms] for part in parts]

    def _still_wanted(self, part: list[Pending]) -> list[Pending]:
        now = self._writer.clock.monotonic()
        late = [pending for pending in part if pending.deadline <= now]
        if late:
            self._writer.give_up(late)
        return [pending for pending in part if not pending.answered]

    def _settle(self, part: list[Pending], rows: list[Committed]) -> None:
        asked_before = self._writer.clock.monotonic() + self._writer.within_s
        for row in rows:
            if row.status != "side":
                pending = part[row.idx - 1]
                pending.settle(row)
                self._writer.metrics.submit_seconds.observe(asked_before - pending.deadline)
        if self._writer.tracing:
            _trace(part, rows)
        self.outlet.committed([p.op for p in part], rows)


def _pace_s(ops: int) -> float:
    """How long after a batch of so many ops has begun the next one may."""
    few = int(PACE_SMALL_S / PACE_PER_OP_S)
    further_s = max(0, ops - 2 * few) * PACE_PER_FURTHER_OP_S
    return min(PACE_MOST_S, min(ops, few) * PACE_PER_OP_S + further_s)


def _trace(part: Sequence[Pending], rows: Sequence[Committed]) -> None:
    for row in rows:
        if row.status in DONE:
            op = part[row.idx - 1].op
            _LOG.debug(
                "committed",
                entry=trail(op.author, op.client_id),
                kind=op.kind,
                room=str(op.room),
                seq=row.seq,
            )
