"""The claims of muster/leaves.py."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from uuid import UUID, uuid4

from muster.attendance import Sharing
from muster.ids import PersonId, RoomId
from muster.leaves import KEEP_S, READ_MOST, Leaves, lets
from muster.point import Point
from muster.venue import Circle, Leave, Venue, Visibility


class Clock:
    """Moved by hand."""

    def __init__(self) -> None:
        self.at = 100.0

    def now_ms(self) -> int:
        return int(self.at * 1000)

    def monotonic(self) -> float:
        return self.at


class Store:
    """What people let be judged, and every reading of it; the gate holds one up."""

    def __init__(self) -> None:
        self.sharing = Sharing.off
        self.readings: list[list[PersonId]] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def leave(self, people: Collection[PersonId]) -> dict[PersonId, Leave]:
        self.readings.append(list(people))
        found = {person: Leave({}, self.sharing) for person in people}
        await self.gate.wait()
        return found

    async def venues(self, from_ms: int, until_ms: int) -> list[Venue]:
        raise NotImplementedError

    async def venue(self, room: RoomId) -> Venue | None:
        raise NotImplementedError


async def test_leave_is_believed_for_a_while_and_not_after_word_that_it_changed() -> None:
    """Half a minute, or until a self log tells."""
    store, clock, ada = Store(), Clock(), PersonId(uuid4())
    leaves = Leaves(store, clock)
    assert (await leaves.of(ada)).otherwise is Sharing.off
    store.sharing = Sharing.on
    clock.at += KEEP_S
    assert (await leaves.of(ada)).otherwise is Sharing.off
    clock.at += 0.1
    assert (await leaves.of(ada)).otherwise is Sharing.on
    store.sharing = Sharing.off
    leaves.drop(ada)
    assert (await leaves.of(ada)).otherwise is Sharing.off
    assert len(store.readings) == 3


async def test_word_that_comes_while_it_is_read_is_not_forgotten() -> None:
    """What was read before the change is no answer after it."""
    store, ada = Store(), PersonId(uuid4())
    leaves = Leaves(store, Clock())
    store.gate.clear()
    async with asyncio.TaskGroup() as tasks:
        asking = tasks.create_task(leaves.of(ada))
        while not store.readings:  # noqa: ASYNC110  # there is no event to wait for
            await asyncio.sleep(0)
        store.sharing = Sharing.ghost
        leaves.drop(ada)
        store.gate.set()
    assert asking.result().otherwise is Sharing.ghost


async def test_a_crowd_is_read_in_two_questions() -> None:
    """Whoever comes while one is under way shares the next; nobody asks twice."""
    store = Store()
    leaves = Leaves(store, Clock())
    people = [PersonId(uuid4()) for _ in range(READ_MOST + 50)]
    store.gate.clear()
    async with asyncio.TaskGroup() as tasks:
        for person in people * 2:
            tasks.create_task(leaves.of(person))
        while not store.readings:  # noqa: ASYNC110  # there is no event to wait for
            await asyncio.sleep(0)
        store.gate.set()
    assert [len(reading) for reading in store.readings[:2]] == [1, READ_MOST]
    assert len(store.readings) == 3


def test_what_is_let_is_the_rosters_word_before_the_default() -> None:
    """And nothing is by default where the event is not for everybody."""
    room = RoomId(uuid4())

    def asked(visibility: Visibility, otherwise: Sharing, roster: Sharing | None = None) -> bool:
        venue = Venue(
            room=room,
            version=1,
            fence_version=1,
            shape=Circle(Point(0, 0), 50),
            visibility=visibility,
            from_ms=0,
            until_ms=1,
        )
        by_event: dict[UUID, Sharing] = {} if roster is None else {room: roster}
        return lets(Leave(by_event, otherwise), venue)

    assert asked(Visibility.public, Sharing.on)
    assert asked(Visibility.public, Sharing.ghost)
    assert not asked(Visibility.public, Sharing.off)
    assert not asked(Visibility.link, Sharing.on)
    assert asked(Visibility.invited, Sharing.off, roster=Sharing.ghost)
    assert not asked(Visibility.public, Sharing.on, roster=Sharing.off)
