"""What people do in a run: who, what, where, by seed, a few hundred deeds a second.

Owns the mix and the pace. It goes on whatever the system does, within a bound of deeds that each person waits for. Must
never wait for one deed before it begins another person's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from loadtest.torture.crowd import Crowd, Place
from loadtest.torture.guest import Guest

OUTSTANDING: Final = 25
"""Deeds of one person that have no answer; beyond it they wait."""

EMOJIS: Final = ("+1", "heart", "laugh")
TICK_S: Final = 0.02


@dataclass(frozen=True, slots=True)
class Mix:
    """How often what is done, of 1,000 deeds; the rest are posts over the socket."""

    rest_posts: int = 100
    edits: int = 30
    deletions: int = 15
    reactions: int = 40
    pins: int = 5
    reads: int = 20
    moves: int = 12
    kicks: int = 4
    blocks: int = 3


class Traffic:
    """Deeds, begun at `per_s` until it is told to end."""

    def __init__(self, crowd: Crowd, random: Random, per_s: float, mix: Mix) -> None:
        self.per_s = per_s
        self._crowd = crowd
        self._random = random
        self._mix = mix
        self._ended = asyncio.Event()
        self._hushed = False
        self._said = 0
        self._owed = 0.0
        self._blocking: set[str] = set()

    def end(self) -> None:
        """Begin nothing more."""
        self._ended.set()

    def hush(self, *, on: bool) -> None:
        """Begin nothing for a while, or go on."""
        self._hushed = on
        self._owed = 0.0

    async def run(self) -> None:
        """Until `end`, and then until what was begun is answered (or this is cancelled)."""
        loop = asyncio.get_running_loop()
        last = loop.time()
        async with asyncio.TaskGroup() as tasks:
            while not self._ended.is_set():
                now = loop.time()
                # What could not be begun in time is not caught up in a burst of more than a second's.
                self._owed = min(self._owed + (now - last) * self.per_s, self.per_s)
                last = now
                while not self._hushed and self._owed >= 1.0 and self._begin(tasks):
                    self._owed -= 1.0
                await asyncio.sleep(TICK_S)

    def _begin(self, tasks: asyncio.TaskGroup) -> bool:
        """Begin one deed; false when the one whose turn it is has enough to wait for."""
        place = self._random.choice(self._crowd.places)
        guest = self._random.choice(place.members) if place.members else place.owner
        if guest.outstanding >= OUTSTANDING:
            return False
        tasks.create_task(self._deed(guest, place))
        return True

    def _deed(self, guest: Guest, place: Place) -> Coroutine[Any, Any, object]:
        dice, mix = self._random.randrange(1_000), self._mix
        deeds: tuple[tuple[int, Callable[[Guest, Place], Coroutine[Any, Any, object] | None]], ...]
        deeds = (
            (mix.rest_posts, self._tell),
            (mix.edits, self._edit),
            (mix.deletions, self._delete),
            (mix.reactions, self._react),
            (mix.pins, self._pin),
            (mix.reads, self._read),
            (mix.moves, self._move),
            (mix.kicks, self._kick),
            (mix.blocks, self._block),
        )
        for share, deed in deeds:
            if dice < share:
                return deed(guest, place) or self._say(guest, place)
            dice -= share
        return self._say(guest, place)

    async def _say(self, guest: Guest, place: Place) -> None:
        self._said += 1
        await guest.say(place.room, f"word {self._said} of {guest.handle}")
        mine = guest.said.get(place.room)
        if mine:
            place.newest = max(place.newest, mine[-1][1])

    def _tell(self, guest: Guest, place: Place) -> Coroutine[Any, Any, object]:
        self._said += 1
        return guest.tell(place.room, f"note {self._said} of {guest.handle}")

    def _edit(self, guest: Guest, place: Place) -> Coroutine[Any, Any, object] | None:
        mine = guest.said.get(place.room)
        if not mine:
            return None
        client_id, seq = self._random.choice(mine)
        self._said += 1
        target = self._random.choice((client_id, seq))
        return guest.edit(place.room, target, f"better word {self._said}")

    def _delete(self, guest: Guest, place: Place) -> Coroutine[Any, Any, object] | None:
        mine = guest.said.get(place.room)
        if not mine:
            return None
        client_id, seq = mine.popleft()
        return guest.delete(place.room, self._random.choice((client_id, seq)))

    def _react(self, guest: Guest, place: Place) -> Coroutine[Any, Any, object] | None:
        if not place.newest:
            return None
        on = self._random.random() < 0.7
        return guest.react(place.room, place.newest, self._random.choice(EMOJIS), on=on)

    def _pin(self, guest: Guest, place: Place) -> Coroutine[Any, Any, object] | None:
        if not place.newest:
            return None
        return guest.pin(place.room, place.newest, on=self._random.random() < 0.7)

    def _read(self, guest: Guest, place: Place) -> Coroutine[Any, Any, object] | None:
        return guest.read(place.room, place.newest) if place.newest else None

    def _move(self, guest: Guest, place: Place) -> Coroutine[Any, Any, object] | None:
        """Somebody leaves a public room and comes back a moment later."""
        if place.kind != "public" or not self._may_go(guest, place):
            return None
        place.moving.add(guest.handle)
        return self._out_and_in(guest, place, kicked=False)

    def _kick(self, guest: Guest, place: Place) -> Coroutine[Any, Any, object] | None:
        """The owner of a public room puts somebody out, asks them in again, and they come."""
        if place.kind != "public" or not self._may_go(guest, place):
            return None
        place.moving.add(guest.handle)
        return self._out_and_in(guest, place, kicked=True)

    def _may_go(self, guest: Guest, place: Place) -> bool:
        return guest is not place.owner and guest.handle not in place.moving

    async def _out_and_in(self, guest: Guest, place: Place, *, kicked: bool) -> None:
        """They go on talking all the while: what comes after they went is refused."""
        pause_s = self._random.uniform(0.2, 1.5)
        try:
            if kicked:
                await place.owner.kick(place.room, guest.person)
            else:
                await guest.depart(place.room)
            await asyncio.sleep(pause_s)
            if kicked:
                await place.owner.invite(place.room, guest.person)
            await guest.join(place.room)
        finally:
            place.moving.discard(guest.handle)

    def _block(self, guest: Guest, place: Place) -> Coroutine[Any, Any, object] | None:
        other = self._random.choice(place.members)
        if other is guest or guest.handle in self._blocking:
            return None
        self._blocking.add(guest.handle)
        return self._block_a_while(guest, other)

    async def _block_a_while(self, guest: Guest, other: Guest) -> None:
        pause_s = self._random.uniform(1.0, 4.0)
        try:
            await guest.block(other.person, on=True)
            await asyncio.sleep(pause_s)
            await guest.block(other.person, on=False)
        finally:
            self._blocking.discard(guest.handle)
