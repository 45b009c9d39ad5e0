"""Single races in a hub, set up by hand: the reader answers, and the lanes bring, what and when a test says."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from uuid import UUID

import pytest

from muster.errors import unavailable
from muster.ids import DeviceId, PersonId, RoomId, SessionId
from muster.lane import LaneEntry, lane_of, of_ephemeral
from muster.membership import Membership
from muster.permission import RoomKind
from proto.frames import Attend, Head, Resume, TypingNow
from realtime.room import REPLAY_ENTRIES
from realtime.wiring import Assembled, Outside, assemble
from tests.fakes.socket import RecordingSocket
from tests.sim.device import GENERATION
from tests.sim.time import JumpingLoop, LoopClock, passing
from tests.sim.truth import SlowReader, TrueRoom, Truth
from tests.sim.world import LANES, Nothing

ADA, BOB, EVE = (PersonId(UUID(int=n)) for n in (1, 2, 3))
ROOM = RoomId(UUID(int=100))


class GatedReader(SlowReader):
    """Looks at the truth when it is asked; its answers leave while the gate is open."""

    def __init__(self, truth: Truth) -> None:
        super().__init__(truth, random.Random(0))
        self.gate = asyncio.Event()
        self.gate.set()
        self.refusing = False
        self.waiting = 0

    async def memberships(self, pairs: Collection[tuple[PersonId, RoomId]]) -> list[Membership]:
        self._refuse()
        return await super().memberships(pairs)

    async def heads(self, rooms: Collection[RoomId]) -> dict[RoomId, tuple[int, int]]:
        self._refuse()
        return await super().heads(rooms)

    def _refuse(self) -> None:
        if self.refusing:
            raise unavailable("the database")

    async def _pause(self, *, last: bool = False) -> None:
        if last:
            self.waiting += 1
            await self.gate.wait()
        await passing(0)


class Stage:
    """One hub, its reader, and the truth; entries reach the hub by `bring`, in the order a test wants."""

    def __init__(self, tasks: asyncio.TaskGroup) -> None:
        self.lane: list[LaneEntry] = []
        self.truth = Truth([ADA, BOB, EVE], self.lane.extend)
        self.reader = GatedReader(self.truth)
        nothing = Nothing()
        outside = Outside(
            self.reader, self.reader, nothing, nothing, lambda _: nothing, LoopClock()
        )
        self.hub: Assembled = assemble(outside, LANES, GENERATION, 900_000, None)
        self.hub.start(tasks, random.Random(0))

    def room(self, history: str = "all") -> TrueRoom:
        room = TrueRoom(ROOM, RoomKind.group, history)
        self.truth.create(room)
        return room

    def bring(self, *, lose: Callable[[LaneEntry], bool] = lambda _: False) -> None:
        """The lanes bring everything new, but for what is lost."""
        new, self.lane[:] = list(self.lane), []
        self.hub.hub.entries([entry for entry in new if not lose(entry)])

    async def connect(self, person: PersonId, *positions: tuple[RoomId, int]) -> RecordingSocket:
        socket = self.socket(person)
        await self.hub.attendance.admit(socket)
        await self.hub.attendance.resume(socket, Resume(1, GENERATION, list(positions)))
        await passing(0.01)
        return socket

    @staticmethod
    def socket(person: PersonId) -> RecordingSocket:
        return RecordingSocket(person, DeviceId(UUID(int=random.getrandbits(100))), SessionId(ROOM))


def on_stage(play: Callable[[Stage], Awaitable[None]]) -> None:
    """Run a play, and end the hub."""

    @asynccontextmanager
    async def staged() -> AsyncIterator[Stage]:
        async with asyncio.TaskGroup() as tasks:
            hub = tasks.create_task(asyncio.Event().wait())

            async def live() -> None:
                async with asyncio.TaskGroup() as parts:
                    ready.set_result(Stage(parts))

            ready: asyncio.Future[Stage] = asyncio.get_running_loop().create_future()
            living = tasks.create_task(live())
            yield await ready
            hub.cancel()
            living.cancel()

    async def run() -> None:
        async with staged() as stage:
            await play(stage)

    with asyncio.Runner(loop_factory=JumpingLoop) as runner:
        runner.run(run())


def _heads(socket: RecordingSocket) -> list[Head]:
    return [frame for frame in socket.frames if isinstance(frame, Head)]


def test_a_preview_never_shows_what_is_from_before_ones_time_or_deleted() -> None:
    """Who comes into a room of its own history, and who looks after a deletion, get the head alone."""

    async def play(stage: Stage) -> None:
        room = stage.room("from_join")
        stage.truth.join(ADA, room)
        of_ada, of_bob = await stage.connect(ADA), await stage.connect(BOB)
        stage.truth.post(ADA, room)
        stage.bring()
        await passing(1.5)
        stage.truth.join(BOB, room)
        stage.bring()
        await passing(1.5)
        assert [head.preview for head in _heads(of_bob)] == [None]
        assert _heads(of_ada)[-1].preview is not None
        stage.truth.delete(ADA, room, 2)
        stage.bring()
        await passing(1.5)
        assert _heads(of_ada)[-1].preview is None

    on_stage(play)


@pytest.mark.parametrize("then", ["typing", "older"])
def test_what_the_lanes_bring_during_an_admission_is_not_forgotten_for_what_comes_after_it(
    then: str,
) -> None:
    """A post is noted; typing in the same room, or an older entry that comes again, does not wipe the note."""

    async def play(stage: Stage) -> None:
        room = stage.room()
        stage.truth.join(ADA, room)
        stage.lane.clear()
        stage.reader.gate.clear()
        socket = stage.socket(ADA)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(stage.hub.attendance.admit(socket))
            await passing(0.1)
            stage.truth.post(ADA, room)
            older = list(stage.lane)
            stage.truth.post(ADA, room)
            stage.bring()
            typing = of_ephemeral(ROOM, BOB, TypingNow(0, ROOM, BOB))
            stage.hub.hub.entries([typing] if then == "typing" else older)
            stage.reader.gate.set()
        await stage.hub.attendance.attend(socket, Attend(1, [(ROOM, 1)]))
        await passing(1.0)
        assert socket.is_unbroken(ROOM, 2)
        assert len(socket.entries(ROOM)) == 2

    on_stage(play)


def test_a_room_read_for_an_attend_is_compared_with_what_came_meanwhile() -> None:
    """The hub did not have the room while it asked: what the lanes brought then is not missing for half a minute."""

    async def play(stage: Stage) -> None:
        room = stage.room()
        socket = await stage.connect(ADA)
        stage.truth.join(ADA, room)
        stage.lane.clear()  # the lanes are late
        stage.reader.gate.clear()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(stage.hub.attendance.attend(socket, Attend(1, [(ROOM, 0)])))
            await passing(0.1)
            stage.truth.post(ADA, room)
            stage.bring()
            stage.reader.gate.set()
        await passing(1.0)
        assert [entry.seq for entry in socket.entries(ROOM)] == [1, 2]

    on_stage(play)


def test_who_was_kicked_while_a_head_was_read_for_them_is_not_let_in_after_all() -> None:
    """A client ahead of the hub resumes; the kick arrives before the answer of the query does."""

    async def play(stage: Stage) -> None:
        room = stage.room()
        stage.truth.join(ADA, room)
        stage.truth.join(BOB, room)
        other, _ = await stage.connect(BOB), await stage.connect(ADA)
        stage.lane.clear()
        stage.truth.post(ADA, room)
        late = list(stage.lane)
        stage.lane.clear()
        stage.reader.gate.clear()
        async with asyncio.TaskGroup() as tasks:
            asking = Attend(1, [(ROOM, 3)])
            tasks.create_task(stage.hub.attendance.attend(other, asking))
            await passing(0.1)
            stage.hub.hub.entries(late)
            stage.truth.dismiss(ADA, BOB, room)
            stage.bring()
            stage.reader.gate.set()
        stage.truth.post(ADA, room)
        stage.bring()
        await passing(1.0)
        assert all(to <= 4 for _, to, _ in other.told(ROOM))
        assert not [
            room for room in stage.hub.hub.rooms() if BOB in room.members and room.id == ROOM
        ]

    on_stage(play)


def test_a_block_that_commits_between_two_reads_of_an_admission_is_in_force() -> None:
    """The second device's query began before the block and answers after it."""

    async def play(stage: Stage) -> None:
        first, second = stage.socket(ADA), stage.socket(ADA)
        stage.reader.gate.clear()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(stage.hub.attendance.admit(first))
            await passing(0.1)
            tasks.create_task(stage.hub.attendance.admit(second))
            stage.reader.gate.set()
            await passing(0)
            stage.reader.gate.clear()
            await passing(0.1)
            stage.truth.block(ADA, BOB, on=True)
            stage.bring()
            stage.reader.gate.set()
        assert ADA in (stage.hub._parts.hidden.from_whom(BOB.bytes) or ())

    on_stage(play)


def test_a_jump_over_a_kick_gives_the_kicked_nothing_after_it() -> None:
    """3,000 entries are missing, and among them somebody's kick: they are out before the room goes on."""

    async def play(stage: Stage) -> None:
        room = stage.room()
        stage.truth.join(ADA, room)
        stage.truth.join(BOB, room)
        of_ada, of_bob = await stage.connect(ADA, (ROOM, 2)), await stage.connect(BOB, (ROOM, 2))
        stage.truth.dismiss(ADA, BOB, room)
        stage.truth.post(ADA, room, 3 * REPLAY_ENTRIES)
        head = room.head
        stage.reader.gate.clear()
        stage.bring(lose=lambda entry: entry.seq < head and entry.room == ROOM.bytes)
        await passing(1.0)
        stage.truth.post(ADA, room, 50)  # held while the query is under way
        stage.bring()
        stage.reader.gate.set()
        await passing(1.0)
        assert of_ada.is_unbroken(ROOM, 3)
        assert of_ada.told(ROOM)[-1][1] == room.head
        assert all(to <= 3 for _, to, _ in of_bob.told(ROOM))

    on_stage(play)


def test_a_jump_that_postgres_refuses_is_tried_again() -> None:
    """... within moments, although the room has fallen silent."""

    async def play(stage: Stage) -> None:
        room = stage.room()
        stage.truth.join(ADA, room)
        socket = await stage.connect(ADA, (ROOM, 1))
        stage.truth.post(ADA, room, 3 * REPLAY_ENTRIES)
        head = room.head
        stage.reader.refusing = True
        stage.bring(lose=lambda entry: entry.seq < head)
        await passing(1.0)
        stage.reader.refusing = False
        await passing(1.0)
        assert socket.told(ROOM)[-1][1] == head

    on_stage(play)


def test_what_is_too_much_to_be_held_is_filled_though_nothing_follows() -> None:
    """One entry lost, 1,500 held behind it, and then silence."""

    async def play(stage: Stage) -> None:
        room = stage.room()
        stage.truth.join(ADA, room)
        socket = await stage.connect(ADA, (ROOM, 1))
        stage.truth.post(ADA, room, 1_500)
        stage.bring(lose=lambda entry: entry.seq == 2)
        await passing(2.0)
        assert socket.told(ROOM)[-1][1] == room.head
        assert socket.is_unbroken(ROOM, 2)

    on_stage(play)


def test_a_window_is_bounded_however_long_somebody_is_behind() -> None:
    """... and short again when they are gone."""

    async def play(stage: Stage) -> None:
        room = stage.room()
        stage.truth.join(ADA, room)
        socket = await stage.connect(ADA, (ROOM, 1))
        socket.thinned = socket.congested = True
        local = stage.hub.hub.rooms()[-1]
        for _ in range(30):
            stage.truth.post(ADA, room, 100)
            stage.bring()
        assert local.id == ROOM
        assert len(local.window) <= REPLAY_ENTRIES
        await stage.connect(ADA)
        stage.hub.attendance.drop(socket, clean=False)
        assert len(local.window) < 100

    on_stage(play)


def test_who_is_put_out_while_behind_gets_their_own_span_and_no_other() -> None:
    """Nothing from before they came, nothing between two times they were in, and the kick is the last."""

    async def play(stage: Stage) -> None:
        room = stage.room("from_join")
        stage.truth.join(ADA, room)
        stage.truth.post(ADA, room, 10)
        stage.truth.join(BOB, room)
        await stage.connect(ADA)
        of_bob = await stage.connect(BOB)
        of_bob.thinned = of_bob.congested = True
        stage.lane.clear()
        await stage.hub.attendance.attend(of_bob, Attend(1, [(ROOM, 0)]))
        stage.truth.post(ADA, room)
        stage.truth.dismiss(ADA, BOB, room)
        first_kick = room.head
        stage.truth.post(ADA, room, 5)
        stage.truth.join(BOB, room)
        stage.truth.dismiss(ADA, BOB, room)
        stage.bring()
        of_bob.drain()
        await passing(1.0)
        assert [entry.seq for entry in of_bob.entries(ROOM)] == [12, 13, first_kick]
        assert of_bob.is_unbroken(ROOM)

    on_stage(play)


def test_a_slow_socket_is_told_heads_once_a_second_and_what_it_missed_when_it_reads_on() -> None:
    """No entry, no typing, and never more heads than it takes; the room it only watches is not forgotten."""

    async def play(stage: Stage) -> None:
        room = stage.room()
        stage.truth.join(ADA, room)
        stage.truth.join(BOB, room)
        stage.lane.clear()
        slow = await stage.connect(BOB, (ROOM, 2))
        slow.thinned = slow.congested = True
        typing = of_ephemeral(ROOM, ADA, TypingNow(0, ROOM, ADA))
        for _ in range(20):
            stage.truth.post(ADA, room)
            stage.bring()
            stage.hub.hub.entries([typing])
            await passing(0.25)
        assert 4 <= len(_heads(slow)) <= 5
        assert _heads(slow)[-1].preview is not None
        assert not slow.entries(ROOM)
        watching = await stage.connect(BOB)
        watching.thinned = watching.congested = True
        slow.takes_heads = watching.takes_heads = False
        told = len(_heads(slow)), len(_heads(watching))
        stage.truth.post(ADA, room)
        stage.bring()
        await passing(3.0)
        assert (len(_heads(slow)), len(_heads(watching))) == told
        slow.takes_heads = watching.takes_heads = True
        slow.drain()
        watching.drain()
        await passing(1.5)
        assert slow.is_unbroken(ROOM, 3)
        assert len(slow.entries(ROOM)) == 21
        assert not any(isinstance(frame, TypingNow) for frame in slow.frames)
        assert (len(_heads(slow)), _heads(watching)[-1].head) == (told[0], room.head)

    on_stage(play)


def test_the_first_step_spares_typing_and_keeps_entries() -> None:
    """Who is a little slow gets what matters as it happens."""

    async def play(stage: Stage) -> None:
        room = stage.room()
        stage.truth.join(ADA, room)
        stage.truth.join(BOB, room)
        stage.lane.clear()
        of_bob = await stage.connect(BOB, (ROOM, 2))
        of_bob.thinned = True
        stage.hub.hub.entries([of_ephemeral(ROOM, ADA, TypingNow(0, ROOM, ADA))])
        stage.truth.post(ADA, room)
        stage.bring()
        assert [entry.seq for entry in of_bob.entries(ROOM)] == [3]
        assert not any(isinstance(frame, TypingNow) for frame in of_bob.frames)

    on_stage(play)


def test_who_is_put_out_while_slow_hears_of_no_head_after_it() -> None:
    """Not even that there is one."""

    async def play(stage: Stage) -> None:
        room = stage.room()
        stage.truth.join(ADA, room)
        stage.truth.join(BOB, room)
        stage.lane.clear()
        await stage.connect(ADA)
        of_bob = await stage.connect(BOB, (ROOM, 2))
        of_bob.thinned = of_bob.congested = True
        stage.truth.post(ADA, room)
        stage.truth.dismiss(ADA, BOB, room)
        kick = room.head
        stage.truth.post(ADA, room)
        stage.bring()
        await passing(3.0)
        assert all(head.head <= kick for head in _heads(of_bob))
        of_bob.drain()
        await passing(1.0)
        assert of_bob.entries(ROOM)[-1].seq == kick

    on_stage(play)


def test_who_comes_again_into_a_room_of_its_own_history_is_not_told_that_their_first_time_is_hidden() -> (
    None
):
    """They may read it by REST: it is a gap, not a skip."""

    async def play(stage: Stage) -> None:
        room = stage.room("from_join")
        stage.truth.join(ADA, room)
        stage.truth.join(BOB, room)
        stage.truth.post(ADA, room, 3)
        stage.truth.dismiss(BOB, BOB, room)
        stage.truth.post(ADA, room, 2)
        stage.truth.join(BOB, room)
        of_bob = await stage.connect(BOB, (ROOM, 2))
        assert of_bob.told(ROOM) == [(3, room.head - 1, "gap"), (room.head, room.head, "entry")]

    on_stage(play)


def test_nothing_reaches_a_socket_before_it_is_told_that_it_is_in() -> None:
    """Another device of the same person is in already, and their self log moves."""

    async def play(stage: Stage) -> None:
        first, second = stage.socket(ADA), stage.socket(ADA)
        stage.reader.gate.clear()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(stage.hub.attendance.admit(first))
            await passing(0.1)
            admitting = tasks.create_task(stage.hub.attendance.admit(second))
            stage.reader.gate.set()
            while stage.hub.hub.rooms() == []:
                await passing(0)
            stage.truth.block(ADA, BOB, on=True)
            stage.bring()
            if not admitting.done():
                assert not second.frames

    on_stage(play)


def test_a_doubt_during_a_comparison_is_not_settled_by_it() -> None:
    """The heads were read before the entry was committed that the lanes then lost: they are read again."""

    async def play(stage: Stage) -> None:
        room = stage.room()
        stage.truth.join(ADA, room)
        socket = await stage.connect(ADA, (ROOM, 1))
        stage.lane.clear()
        stage.reader.gate.clear()
        hub, lane = stage.hub.hub, frozenset({lane_of(ROOM.bytes, LANES)})
        hub.doubt(lane)
        await passing(0.1)
        assert stage.reader.waiting
        stage.truth.post(ADA, room)
        stage.lane.clear()  # lost
        hub.doubt(lane)
        stage.reader.gate.set()
        await passing(1.0)
        assert [entry.seq for entry in socket.entries(ROOM)] == [2]

    on_stage(play)


def test_who_went_while_their_membership_was_read_is_not_seated_in_a_room_of_then() -> None:
    """With them the room was forgotten here; what was read of it before that does not bring it back."""

    async def play(stage: Stage) -> None:
        room = stage.room()
        stage.truth.join(ADA, room)
        socket = await stage.connect(ADA, (ROOM, 1))
        stage.lane.clear()
        stage.reader.gate.clear()
        other = stage.socket(ADA)
        async with asyncio.TaskGroup() as tasks:
            asking = Attend(1, [(ROOM, 9)])  # ahead of the hub: it is read again
            tasks.create_task(stage.hub.attendance.admit(other))
            answer = tasks.create_task(stage.hub.attendance.attend(socket, asking))
            await passing(0.1)
            assert stage.reader.waiting
            stage.truth.post(ADA, room)
            stage.truth.dismiss(ADA, ADA, room)
            stage.bring()
            await passing(0.1)
            stage.reader.gate.set()
        assert [state.status for state in answer.result().rooms if state.room == ROOM] == [
            "removed"
        ]
        assert not [one for one in stage.hub.hub.rooms() if one.id == ROOM]

    on_stage(play)
