"""Pins: the messages that a room keeps in sight.

Owns the shape of their list. Must never pin or unpin: those are ops, committed by the writer.
"""

from __future__ import annotations

from typing import Final, Protocol

from msgspec import Struct

from muster.errors import not_found
from muster.history import Item, Window
from muster.ids import PersonId, RoomId
from muster.rooms import may_see

PINS_MOST: Final = 50
"""Of one room; change_pin_v1 holds it."""


class Pin(Struct, frozen=True, gc=False):
    """A message in sight: who pinned it, by which entry, and how it reads now."""

    pinned_by: PersonId
    pinned_seq: int
    message: Item


class PinList(Struct, frozen=True, gc=False):
    """All pins of a room that its reader may see, the newest first, as of `head`."""

    room: RoomId
    head: int
    pins: list[Pin]


class PinStore(Protocol):
    """Where pins are read from, cut to the reader's spans and blocks. `None`: no such room for them."""

    async def of_room(
        self, room: RoomId, reader: PersonId, limit: int
    ) -> tuple[Window, list[Pin]] | None: ...


class Pins:
    """Reads pins for somebody."""

    def __init__(self, store: PinStore) -> None:
        self._store = store

    async def of_room(self, room: RoomId, reader: PersonId) -> PinList:
        """What a room keeps in sight. Raises `Refused`: `not_found`."""
        found = await self._store.of_room(room, reader, PINS_MOST)
        if found is None:
            raise not_found()
        window, pins = found
        may_see(window.kind, window.relation)
        return PinList(room, window.head, pins)
