"""Drafts: what somebody has begun to write in a room and not sent, the same on all their devices.

Owns the shape in which they are read. Must never change one: that is an op (change_draft_v1), and the last writer
wins. The entry of the self log carries the whole text, so that a second phone shows it without asking; the entry
before it loses its words as it is written, so that a log holds each room's draft once, however often it changed.
"""

from __future__ import annotations

from typing import Final, Protocol

from msgspec import Struct

from muster.ids import PersonId, RoomId

SHOWN_CHARS: Final = 1_000
"""How much of each draft a list gives; the whole of a longer one is asked for by itself."""


class RoomDraft(Struct, frozen=True, omit_defaults=True, gc=False):
    """A draft; an empty `text`: there is none. `seq` is the entry of my self log that says so.

    `cut`: this is the beginning of a longer one.
    """

    room: RoomId
    text: str = ""
    reply_to: int | None = None
    seq: int = 0
    at_ms: int = 0
    cut: bool = False


class DraftStore(Protocol):
    """Where drafts are read."""

    async def draft(self, person: PersonId, room: RoomId) -> RoomDraft | None: ...
