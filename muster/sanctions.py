"""Sanctions: who is silenced in a room, and who is banned from it, for those who may do that there.

Owns what they are shown. Must never change one: ops do (muster/moderation.py).
"""

from __future__ import annotations

from typing import Protocol
from uuid import UUID

from msgspec import Struct

from muster import cursor
from muster.ids import PersonId, RoomId


class Silenced(Struct, frozen=True, gc=False):
    """Somebody who may write nothing until then."""

    person: PersonId
    handle: str
    name: str
    until_ms: int


class SilencePage(Struct, frozen=True, gc=False):
    """People silenced in a room by its moderators, by when that ends."""

    silences: list[Silenced]
    cursor: str | None


class RoomBan(Struct, frozen=True, gc=False):
    """Somebody who may not come in; `until_ms` null: until it is lifted."""

    person: PersonId
    handle: str
    name: str
    until_ms: int | None
    banned_by: PersonId
    at_ms: int
    reason: str


class BanPage(Struct, frozen=True, gc=False):
    """People banned from a room, the latest first."""

    bans: list[RoomBan]
    cursor: str | None


class SanctionStore(Protocol):
    """Where they are read."""

    async def silences(
        self, room: RoomId, after: tuple[int, UUID] | None, limit: int
    ) -> list[Silenced]: ...

    async def bans(
        self, room: RoomId, before: tuple[int, UUID] | None, limit: int
    ) -> list[RoomBan]: ...


async def silences_of(
    store: SanctionStore, room: RoomId, at: str | None, limit: int
) -> SilencePage:
    """A page of them. Whoever asks may be told."""
    found = await store.silences(room, cursor.read(at) if at else None, limit)
    last = found[-1] if len(found) == limit else None
    return SilencePage(found, cursor.write(last.until_ms, last.person) if last else None)


async def bans_of(store: SanctionStore, room: RoomId, at: str | None, limit: int) -> BanPage:
    """A page of them. Whoever asks may be told."""
    found = await store.bans(room, cursor.read(at) if at else None, limit)
    last = found[-1] if len(found) == limit else None
    return BanPage(found, cursor.write(last.at_ms, last.person) if last else None)
