"""Read and received pointers of people connected here: gathered for a second, then stored and told together.

Owns what has moved since the last beat. A read pointer goes through the person's self log (so their other
devices learn of it), a received pointer is state per device. Must never move a pointer back, and must never hold
up a socket: pointers are answered before they are stored, and a lost second of them is sent again by the client.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from typing import Final, Protocol

from muster import submit
from muster.errors import Refused
from muster.ids import DeviceId, PersonId, RoomId
from muster.op import Op, Outcome
from muster.pointer import ReceivedMark
from proto.frames import Pointer

BEAT_S: Final = 1.0
TOLD_UP_TO: Final = 100
"""Rooms with more members are not told of pointers: they would be most of their traffic."""

PENDING: Final = 50_000
STORES_AT_ONCE: Final = 200


class PointerStore(Protocol):
    """Where received pointers are kept."""

    async def received_marks(self, marks: Sequence[ReceivedMark]) -> None:
        """Store them; lower ones than stored change nothing. Raises `Refused`."""
        ...


class Submitter(Protocol):
    """The writer, as far as pointers need it."""

    async def submit(self, op: Op) -> Outcome: ...


Tell = Callable[[RoomId, PersonId, Pointer], None]


class Pointers:
    """Pointers that moved since the last beat."""

    def __init__(self, store: PointerStore, writer: Submitter, tell: Tell) -> None:
        """`tell` sends a Pointer frame to the room, wherever its members are."""
        self._store = store
        self._writer = writer
        self._tell = tell
        self._read: dict[tuple[PersonId, RoomId], tuple[int, bool]] = {}
        self._received: dict[tuple[DeviceId, RoomId], tuple[PersonId, int, bool]] = {}

    def read(self, person: PersonId, room: RoomId, seq: int, *, told: bool) -> None:
        """The person has read up to `seq`; `told`: the room is small enough to be told."""
        last = self._read.get((person, room), (0, told))[0]
        if len(self._read) < PENDING:
            self._read[(person, room)] = (max(seq, last), told)

    def received(
        self, person: PersonId, device: DeviceId, room: RoomId, seq: int, *, told: bool
    ) -> None:
        """The device holds everything up to `seq`."""
        last = self._received.get((device, room), (person, 0, told))[1]
        if len(self._received) < PENDING:
            self._received[(device, room)] = (person, max(seq, last), told)

    async def run(self) -> None:
        """Store and tell until cancelled."""
        while True:
            await asyncio.sleep(BEAT_S)
            await self._beat()

    async def _beat(self) -> None:
        read, self._read = self._read, {}
        received, self._received = self._received, {}
        if received:
            try:
                await self._store.received_marks(
                    [ReceivedMark(r, d, seq) for (d, r), (_, seq, _) in received.items()]
                )
            except Refused:
                received = {}
        for (_, room), (person, seq, told) in received.items():
            if told:
                self._tell(room, person, Pointer(0, room, person, None, seq))
        items = list(read.items())
        for start in range(0, len(items), STORES_AT_ONCE):
            await self._store_reads(items[start : start + STORES_AT_ONCE])

    async def _store_reads(
        self, items: Collection[tuple[tuple[PersonId, RoomId], tuple[int, bool]]]
    ) -> None:
        async with asyncio.TaskGroup() as tasks:
            for (person, room), (seq, told) in items:
                tasks.create_task(self._store_read(person, room, seq, told))

    async def _store_read(self, person: PersonId, room: RoomId, seq: int, told: bool) -> None:
        try:
            outcome = await self._writer.submit(submit.read(person, room, seq))
        except Refused:
            return
        if told and outcome.fresh:
            self._tell(room, person, Pointer(0, room, person, seq, None))
