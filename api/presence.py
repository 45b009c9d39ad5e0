"""Handlers about presence: what I want others to see, and how my contacts are.

Owns the bodies of these routes. Must never say who is there: the roll does (muster/status.py).
"""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from api.route import Call
from muster.presence import FOR_EVER_MS, STATUS_CHARS, STATUS_EMOJI_CHARS
from muster.status import PeoplePresence, Status, StatusChange, Statuses
from proto.limits import WATCHED_PEOPLE

Until = Annotated[int, Meta(ge=0, le=FOR_EVER_MS)]
"""Unix milliseconds; 0: no longer, 9007199254740991: for ever."""


class ChangeStatus(Struct, frozen=True):
    """What is absent stays. A status is shown until `text_until_ms`."""

    invisible: bool | None = None
    busy_until_ms: Until | None = None
    text: Annotated[str, Meta(max_length=STATUS_CHARS)] | None = None
    emoji: Annotated[str, Meta(max_length=STATUS_EMOJI_CHARS)] | None = None
    text_until_ms: Until | None = None


class AskedPeople(Struct, frozen=True):
    """People in any order; each is answered once."""

    people: Annotated[list[UUID], Meta(min_length=1, max_length=WATCHED_PEOPLE)]


class PresenceHandlers:
    """The routes about presence."""

    def __init__(self, statuses: Statuses) -> None:
        self._statuses = statuses

    async def mine(self, call: Call) -> Status:
        return await self._statuses.mine(call.me)

    async def change(self, call: Call) -> Status:
        wanted = call.body(ChangeStatus)
        change = StatusChange(
            wanted.invisible, wanted.busy_until_ms, wanted.text, wanted.emoji, wanted.text_until_ms
        )
        return await self._statuses.change(call.me, change)

    async def contacts(self, call: Call) -> PeoplePresence:
        return await self._statuses.contacts(call.me)

    async def lookup(self, call: Call) -> PeoplePresence:
        return await self._statuses.of(call.me, call.body(AskedPeople).people)
