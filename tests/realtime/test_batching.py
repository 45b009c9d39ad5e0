"""The claims of realtime/batching.py: who waits, for how long, and that nothing is lost or turned round by it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine
from typing import Any
from uuid import UUID

import pytest

from muster.ids import DeviceId, PersonId, RoomId, SessionId
from muster.lane import LaneEntry
from muster.membership import Membership
from muster.permission import Relation, RoomKind
from proto.entry import EntryKind
from realtime.batching import BURST, Batching, Pace
from realtime.room import Attachment, LocalRoom
from tests.fakes.socket import RecordingSocket
from tests.sim.time import JumpingLoop, LoopClock, passing

PACE = Pace(30.0, 0.010)


class Stage:
    """One room's entries by time: when each came, and when it was handed over."""

    def __init__(self, pace: Pace = PACE) -> None:
        later: Callable[[float, Callable[[], None]], object] = asyncio.get_running_loop().call_later
        self._clock = LoopClock()
        self.batching = Batching(pace, self._clock, later, self._arrive)
        self.came: dict[int, float] = {}
        self.left: dict[int, float] = {}
        self.pushes = 0

    def bring(self, room: LocalRoom) -> None:
        seq = len(self.came) + 1
        self.came[seq] = self._clock.monotonic()
        entry = LaneEntry(room.key, seq, EntryKind.post, bytes(16), None, b"")
        if not self.batching.waits(room, entry, self.batching.now()):
            self._arrive(room, [entry])

    def _arrive(self, _room: LocalRoom, entries: list[LaneEntry]) -> None:
        self.pushes += 1
        for entry in entries:
            self.left[entry.seq] = self._clock.monotonic()

    @property
    def delays(self) -> list[float]:
        return [self.left[seq] - came for seq, came in self.came.items()]


def _room() -> LocalRoom:
    room = RoomId(UUID(int=7))
    return LocalRoom(
        Membership(
            PersonId(UUID(int=1)),
            room,
            RoomKind.group,
            "all",
            Relation.member,
            1,
            0,
            0,
            2,
            False,
        )
    )


def _run(play: Callable[[], Coroutine[Any, Any, None]]) -> None:
    with asyncio.Runner(loop_factory=JumpingLoop) as runner:
        runner.run(play())


def test_a_quiet_room_is_never_delayed() -> None:
    """Twenty a second at random times, and now and then as many at once as laugh in chorus."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    rng = random.Random(seed)

    async def play() -> None:
        stage, room = Stage(), _room()
        for n in range(2_000):
            stage.bring(room)
            if n % 100 == 0:
                await passing(1.0)
                for _ in range(BURST):
                    stage.bring(room)
                await passing(1.0)
            await passing(max(1 / PACE.from_per_s, rng.expovariate(20.0)))
        assert set(stage.delays) == {0.0}

    _run(play)


@pytest.mark.parametrize("per_s", [100, 200, 1_000])
def test_a_busy_room_waits_for_no_longer_than_its_window_and_keeps_its_order(per_s: int) -> None:
    """And what came in a window leaves as one push."""

    async def play() -> None:
        stage, room = Stage(), _room()
        for _ in range(per_s * 2):
            stage.bring(room)
            await passing(1 / per_s)
        await passing(1.0)
        assert len(stage.left) == per_s * 2
        assert list(stage.left) == sorted(stage.left)
        assert max(stage.delays) <= PACE.window_s * 1.01
        most = 2 * per_s / (1 + int(0.9 * PACE.window_s * per_s)) + 2 * BURST
        assert stage.pushes <= most

    _run(play)


def test_a_room_that_fell_silent_is_quiet_again() -> None:
    """After the time a burst takes to be forgotten, however busy it was."""

    async def play() -> None:
        stage, room = Stage(), _room()
        for _ in range(5_000):
            stage.bring(room)
            await passing(0.001)
        await passing(PACE.window_s + (BURST + 1) / PACE.from_per_s)
        before = len(stage.came)
        for _ in range(BURST):
            stage.bring(room)
        assert stage.delays[before:] == [0.0] * BURST

    _run(play)


def test_one_window_is_that_of_all_rooms() -> None:
    """Nobody waits longer because somebody else does."""

    async def play() -> None:
        stage = Stage()
        rooms = [_room() for _ in range(5)]
        for _ in range(BURST + 1):
            for room in rooms:
                stage.bring(room)
                await passing(0.0007)
        await passing(1.0)
        assert len(stage.left) == len(stage.came)
        assert max(stage.delays) <= PACE.window_s * 1.01

    _run(play)


@pytest.mark.parametrize(("sockets", "most_s"), [(100, 0.0091), (500, 0.0055), (2_000, 0.005)])
def test_a_large_room_waits_less_for_it_takes_long_to_write_to(sockets: int, most_s: float) -> None:
    """So much less as writing takes, and never less than half: else nothing would be joined."""

    async def play() -> None:
        stage, room = Stage(), _room()
        for n in range(sockets):
            socket = RecordingSocket(
                PersonId(UUID(int=n)), DeviceId(UUID(int=n)), SessionId(UUID(int=n))
            )
            room.live[socket] = Attachment(socket, room, 0)
        for _ in range(400):
            stage.bring(room)
            await passing(0.004)
        await passing(1.0)
        assert most_s * 0.99 <= max(stage.delays) <= most_s * 1.01
        assert stage.pushes < 300

    _run(play)


def test_without_a_window_nobody_waits() -> None:
    """MUSTER_BATCH_WINDOW_MS=0 means never."""

    async def play() -> None:
        stage, room = Stage(Pace(1.0, 0.0)), _room()
        for _ in range(100):
            stage.bring(room)
        assert set(stage.delays) == {0.0}

    _run(play)
