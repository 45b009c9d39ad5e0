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


class Preview(Struct, array_like=True, frozen=True, gc=False):
    """The last message of a room that is not live."""

    author: UUID
    kind: EntryKind
    text: str
    at_ms: int
