"""Tidings: what a webhook tells of one thing that happened.

Owns the kinds of events, their stable ids and the JSON that is sent. It tells how things are when they are sent: a
message deleted meanwhile is told without its words. Must never read anything: the store brings what is known.
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

import msgspec
from msgspec import UNSET, Struct, UnsetType

from proto.entry import Body
from proto.frames import Entry


class EventType(StrEnum):
    """What happened, named as peers name it."""

    message_created = "message.created"
    message_updated = "message.updated"
    message_deleted = "message.deleted"
    member_joined = "member.joined"
    member_left = "member.left"
    member_kicked = "member.kicked"
    room_created = "room.created"
    room_updated = "room.updated"
    room_archived = "room.archived"
    room_restored = "room.restored"
    person_created = "person.created"
    person_banned = "person.banned"
    person_unbanned = "person.unbanned"
    report_created = "report.created"


class Happened(Struct, frozen=True, omit_defaults=True, gc=False):
    """The data of an event about an entry. `author_external` and `subject_external`: what the app calls them."""

    room: UUID
    seq: int
    msg_no: int
    author: UUID
    at_ms: int
    body: Body
    room_kind: str = ""
    room_title: str = ""
    subject: UUID | None = None
    client_id: str = ""
    author_external: str | None = None
    subject_external: str | None = None
    erased: bool = False


class Appeared(Struct, frozen=True, omit_defaults=True, gc=False):
    """The data of `person.created`."""

    person: UUID
    handle: str
    name: str
    external: str | None = None


class Reported(Struct, frozen=True, omit_defaults=True, gc=False):
    """The data of `report.created`."""

    report: UUID
    reporter: UUID
    subject: UUID
    reason: str
    note: str = ""
    room: UUID | None = None
    seq: int | None = None
    subject_external: str | None = None


class Event(Struct, frozen=True, gc=False):
    """One event: where it can be read, and when it was committed."""

    id: int
    type: EventType
    room: UUID
    seq: int
    at_ms: int

    @property
    def word(self) -> str:
        """Its id for receivers: the same however often it is sent. No dots: they divide what is signed."""
        return f"{self.type.replace('.', '-')}_{self.room.hex}_{self.seq}"


class _Message(Struct, frozen=True, gc=False):
    type: str
    timestamp: str
    data: Any


_UNKNOWN: Final[dict[str, str]] = {}


def of_entry(entry: Entry, *, erased: bool, **known: Any) -> Happened:
    """The data of an entry; `known`: room_kind, room_title, author_external, subject_external."""
    return Happened(
        room=entry.room,
        seq=entry.seq,
        msg_no=entry.msg_no,
        author=entry.author,
        at_ms=entry.at_ms,
        body=entry.body,
        subject=entry.subject,
        client_id=entry.client_id,
        erased=erased,
        **known,
    )


def payload(event: Event, data: Happened | Appeared | Reported | UnsetType = UNSET) -> bytes:
    """What is sent: type, ISO 8601 time of the commit, data (empty where nothing is known any more)."""
    at = datetime.fromtimestamp(event.at_ms / 1_000, UTC).isoformat(timespec="milliseconds")
    told = _UNKNOWN if data is UNSET else data
    return msgspec.json.encode(_Message(event.type.value, at.replace("+00:00", "Z"), told))
