"""A lane: one Redis stream that carries the entries of many rooms, hashed to it by room id.

Owns which lane a room is on, under which key, and how an entry is packed into one stream field:

    room 16 | seq 8 | kind 1 | author 16 | subject 16 (zeros: none) | the frame as msgpack

so that a hub without the room skips an entry by one dict look-up on 16 bytes. seq 0 marks an ephemeral frame
(typing, pointers): it is no entry, is never held back or filled in, and may be lost.
Must never talk to Redis (stores/redis does) and must never be trusted: Postgres is the truth.
"""

from __future__ import annotations

from binascii import crc32
from struct import Struct as Packing
from typing import Final, NamedTuple
from uuid import UUID

from proto.codec import MSGPACK
from proto.entry import EntryKind
from proto.frames import Entry, Server

_HEADER: Final = Packing(">16sQB16s16s")
_KINDS: Final = tuple(kind for kind in EntryKind if kind is not EntryKind.unknown)
_UNKNOWN: Final = 255
_KIND_NUMBERS: Final = {kind: number for number, kind in enumerate(_KINDS)} | {
    EntryKind.unknown: _UNKNOWN
}
_NO_SUBJECT: Final = bytes(16)


class LaneEntry(NamedTuple):
    """One entry on its way to the hubs. `room`, `author`, `subject` are UUID bytes; `data` is a msgpack frame."""

    room: bytes
    seq: int
    kind: EntryKind
    author: bytes
    subject: bytes | None
    data: bytes


def lane_of(room: bytes, lanes: int) -> int:
    """The lane of a room: crc32 of its 16 bytes."""
    return crc32(room) % lanes


def of_entry(entry: Entry) -> LaneEntry:
    """An entry encoded for the hubs: once, here."""
    return LaneEntry(
        entry.room.bytes,
        entry.seq,
        entry.kind,
        entry.author.bytes,
        entry.subject.bytes if entry.subject is not None else None,
        MSGPACK.encode(entry),
    )


def of_ephemeral(room: UUID, author: UUID, frame: Server) -> LaneEntry:
    """A frame that is no entry, for whoever is looking at `room` now."""
    return LaneEntry(room.bytes, 0, EntryKind.post, author.bytes, None, MSGPACK.encode(frame))


def pack(entry: LaneEntry) -> bytes:
    """A lane entry as the one field of a stream entry."""
    subject = entry.subject or _NO_SUBJECT
    return (
        _HEADER.pack(entry.room, entry.seq, _KIND_NUMBERS[entry.kind], entry.author, subject)
        + entry.data
    )


def unpack(field: bytes) -> LaneEntry:
    """The reverse of `pack`; a kind of a newer release is `unknown`, and its frame passes as it is.

    Raises struct.error on bytes that no release wrote.
    """
    room, seq, kind, author, subject = _HEADER.unpack_from(field)
    return LaneEntry(
        room,
        seq,
        _KINDS[kind] if kind < len(_KINDS) else EntryKind.unknown,
        author,
        None if subject == _NO_SUBJECT else subject,
        field[_HEADER.size :],
    )
