"""What stands inside frames: shapes that are no frames themselves.

Owns them; `frames.py` tells them anew under its own name. Must never hold a rule.
"""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from msgspec import Struct

from proto.entry import EntryKind


class Limits(Struct, frozen=True, gc=False):
    """The bounds that hold for this socket."""

    frame_bytes: int
    text_chars: int
    rooms_per_frame: int
    posts_per_s: float
    posts_burst: int


PresenceState = Literal["active", "idle", "background", "offline"]
PresenceForm = Literal["names", "sample", "count"]
RoomStatus = Literal["live", "head", "gap", "removed", "joined"]


class RoomState(Struct, array_like=True, frozen=True, gc=False):
    """Where one room stands, in an answer to `Resume` or `Attend`.

    live: entries follow from `from_seq`. head: mine, but not live; `Head` frames follow. joined:
    mine, and not named by the client. gap: too much to replay, fetch up to `from_seq` - 1 by REST;
    entries follow from `from_seq`. removed: not mine (any more), or never existed.
    """

    room: UUID
    status: RoomStatus
    from_seq: int
    head: int
    msg_no: int


class PersonPresence(Struct, array_like=True, frozen=True, gc=False):
    """How somebody is, over all their devices. Times are when it ends by itself; 0: there is none.

    `busy_until_ms`: do not disturb. `text`, `emoji`: a status of their own. `room`: one I watch that they look at.
    """

    person: UUID
    state: PresenceState
    busy_until_ms: int = 0
    text: str = ""
    emoji: str = ""
    text_until_ms: int = 0
    room: UUID | None = None


class Preview(Struct, array_like=True, frozen=True, gc=False):
    """The last message of a room that is not live."""

    author: UUID
    kind: EntryKind
    text: str
    at_ms: int
