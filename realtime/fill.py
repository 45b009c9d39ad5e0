"""Reading from Postgres what the lanes did not bring: holes, and entries that nothing later points to.

    hole      something arrived ahead of what is missing: wait a moment, then read
    behind    a head in Postgres is above ours: read at once
    check     heads compared: after any doubt, every second while lanes cannot be read, all of them now and then

Owns when to read and what is read again. Must never deliver: it hands entries to the hub in order.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable
from typing import Final

from muster.clock import Clock
from muster.errors import Refused
from muster.ids import Random, RoomId
from muster.membership import Found, HubReader, Membership, Wanted
from muster.telemetry import get_logger
from realtime.counts import HubCounts
from realtime.room import REPLAY_ENTRIES, LocalRoom

HOLD_S: Final = 0.15
"""How long a hole may be filled by the lanes themselves: two publishers raced, or a lane was read later."""

ROOMS_PER_QUERY: Final = 100
HEADS_PER_QUERY: Final = 2_000
CHECK_ALL_S: Final = 30.0
"""All heads are compared every CHECK_ALL_S to twice that, so that hubs do not ask in step."""

CHECK_UNREAD_S: Final = 1.0
RETRY_S: Final = 0.3

_WHATEVER: Final = -1
"""Stands for the position of a hole where the room is to be read in any case."""

Filled = Callable[[LocalRoom, list[Found]], None]
Jump = Callable[[LocalRoom, list[Membership]], None]


class GenerationEnded(Exception):
    """Postgres has less than was delivered: it was restored, or failed over with loss. The hub must start anew."""


class Fill:
    """The rooms that are behind Postgres, or may be."""

    def __init__(
        self,
        reader: HubReader,
        rooms: Callable[[], Iterable[LocalRoom]],
        filled: Filled,
        jump: Jump,
        clock: Clock,
        counts: HubCounts,
    ) -> None:
        """`rooms` lists all local rooms; `filled` and `jump` are the hub's."""
        self._reader = reader
        self._rooms = rooms
        self._filled = filled
        self._jump = jump
        self._clock = clock
        self._counts = counts
        # When to read a room, and where it stood when its hole was seen.
        self._due: dict[LocalRoom, tuple[float, int]] = {}
        self._heads: dict[LocalRoom, int] = {}
        self._unchecked: dict[RoomId, LocalRoom] = {}
        self._woken = asyncio.Event()
        self._log = get_logger()

    def hole(self, room: LocalRoom) -> None:
        """Something before a held entry is missing."""
        if room not in self._due:
            self._due[room] = (self._clock.monotonic() + HOLD_S, room.position)
            self._woken.set()

    def behind(self, room: LocalRoom, head: int) -> None:
        """Postgres has entries up to `head`."""
        self._heads[room] = max(head, self._heads.get(room, 0))
        self._due[room] = (0.0, _WHATEVER)
        self._woken.set()

    def check(self, rooms: Iterable[LocalRoom]) -> None:
        """Compare the heads of these rooms with Postgres, soon."""
        self._unchecked.update((room.id, room) for room in rooms)
        self._woken.set()

    async def run(self) -> None:
        """Fill and check until cancelled."""
        while True:
            try:
                await self._wait()
                while self._unchecked:
                    await self._check_heads()
                await self._fill_due()
            except Refused as refused:
                self._log.warning("fill_unread", code=refused.code.name)
                self._woken.set()
                await asyncio.sleep(RETRY_S)

    async def run_checks(self, random: Random, unread: Callable[[], Collection[LocalRoom]]) -> None:
        """Compare all heads now and then, and those of lanes that cannot be read every second."""
        next_all = self._clock.monotonic() + CHECK_ALL_S
        while True:
            await asyncio.sleep(CHECK_UNREAD_S)
            self.check(unread())
            if self._clock.monotonic() >= next_all:
                self.check(self._rooms())
                next_all = self._clock.monotonic() + CHECK_ALL_S * (
                    1 + random.getrandbits(10) / 1024
                )

    async def _wait(self) -> None:
        first = min((when for when, _ in self._due.values()), default=None)
        if first is None or first > self._clock.monotonic():
            pause = None if first is None else first - self._clock.monotonic()
            try:
                async with asyncio.timeout(pause):
                    await self._woken.wait()
            except TimeoutError:
                pass
        self._woken.clear()

    async def _check_heads(self) -> None:
        page = dict(list(self._unchecked.items())[:HEADS_PER_QUERY])
        # Before the query: who doubts while it is under way doubts what it finds.
        for room_id in page:
            del self._unchecked[room_id]
        try:
            heads = await self._reader.heads(page)
        except Refused:
            self._unchecked = page | self._unchecked
            raise
        lower = []
        for room_id, room in page.items():
            head, _ = heads.get(room_id, (0, 0))
            if head > room.position:
                self.behind(room, head)
            elif head < room.position:
                lower.append(room_id)
        if lower:
            await self._look_again({room_id: page[room_id] for room_id in lower})
        self._counts.heads_checked += len(page)

    async def _look_again(self, rooms: dict[RoomId, LocalRoom]) -> None:
        """A head below ours is an older snapshot, unless a later look finds it below what we had even then."""
        before = {room_id: room.position for room_id, room in rooms.items()}
        heads = await self._reader.heads(rooms)
        for room_id, position in before.items():
            if heads.get(room_id, (0, 0))[0] < position:
                raise GenerationEnded("the log is shorter than what was delivered from it")

    async def _fill_due(self) -> None:
        now = self._clock.monotonic()
        due = [room for room, (when, _) in self._due.items() if when <= now][:ROOMS_PER_QUERY]
        wanted: dict[LocalRoom, Wanted] = {}
        far: list[LocalRoom] = []
        for room in due:
            _, at = self._due.pop(room)
            upto = max(self._heads.get(room, 0), max(room.held, default=0))
            if room.forgotten or upto <= room.position:
                self._heads.pop(room, None)
            elif at != _WHATEVER and at < room.position:
                # The lanes filled that hole; if there is another, it has its own time.
                self.hole(room)
            elif upto - room.position > 2 * REPLAY_ENTRIES:
                far.append(room)
            else:
                wanted[room] = Wanted(room.id, room.position, upto)
        try:
            for room in far:
                await self._jump_to_head(room)
            if wanted:
                self._take(await self._reader.entries([*wanted.values()], REPLAY_ENTRIES), wanted)
        except Refused:
            for room in (*far, *wanted):
                self._due[room] = (0.0, _WHATEVER)
            raise

    def _take(self, found: list[Found], rooms: Iterable[LocalRoom]) -> None:
        by_room: dict[RoomId, list[Found]] = {}
        for one in found:
            by_room.setdefault(RoomId(one.entry.room), []).append(one)
        self._counts.filled += len(found)
        for room in rooms:
            self._filled(room, by_room.get(room.id, []))
            self._go_on(room)

    def _go_on(self, room: LocalRoom) -> None:
        """See whether there is more to read of a room that was just read."""
        if room.forgotten or self._heads.get(room, 0) <= room.position:
            self._heads.pop(room, None)
            if room.has_hole:
                self.hole(room)
        else:
            self._due[room] = (0.0, _WHATEVER)
            self._woken.set()

    async def _jump_to_head(self, room: LocalRoom) -> None:
        """Members and head in one snapshot: who was put out among what is jumped over gets nothing after it."""
        standing = await self._reader.memberships([(person, room.id) for person in room.members])
        if not standing:
            self._heads.pop(room, None)  # nobody waits for what comes next
            return
        self._jump(room, standing)
        self._go_on(room)
