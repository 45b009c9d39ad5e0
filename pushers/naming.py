"""Names that a push goes by: of itself, of the message it is about, of the room on a phone's screen.

Owns how they are made: from ids alone, so that every attempt and every process makes the same. Must never hold a
room's id in clear where a provider logs headers: `collapse` is a hash.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Final
from uuid import UUID, uuid5

COLLAPSE_BYTES: Final = 64
"""What Apple takes."""


def push_id(device: UUID, room: UUID, seq: int, what: str = "") -> UUID:
    """Of one push to one device, whoever sends it and however often; `what` where it is no alert."""
    return uuid5(device, f"{room}/{seq}/{what}")


def event_id(room: UUID, seq: int) -> UUID:
    """Of the message, on all devices: by it an app knows that it has shown this already."""
    return uuid5(room, str(seq))


def news_of(event: UUID) -> UUID:
    """What an event tells, beside what is said in its room."""
    return uuid5(event, "news")


def collapse(room: UUID) -> str:
    """Of the room: a later alert of the same takes the place of an earlier one, and both stand in one thread."""
    return sha256(room.bytes).hexdigest()[:32]
