"""Notices: what the service has to tell somebody that is no message.

Invitations, Requests, contacts asked and accepted, reminders, scheduled messages that were refused, rooms one was put
into or out of, what one became there, and what events tell whoever is on their rosters. Each is an entry of the self
log, seen once more: there is no other state than how far its reader has read, which is the read pointer of their self
log.
Owns which entries are notices, and their shape. Must never write an entry.
"""

from __future__ import annotations

from typing import Final, Protocol
from uuid import UUID

from msgspec import Struct

from muster import cursor
from muster.ids import PersonId, RoomId
from muster.rooms import Peer
from proto.entry import Body, EntryKind

KINDS: Final = frozenset(
    {
        EntryKind.invited,
        EntryKind.request,
        EntryKind.contact,
        EntryKind.reminder,
        EntryKind.unsent,
        EntryKind.room_added,
        EntryKind.room_removed,
        EntryKind.role,
        EntryKind.notice,
    }
)
"""Kinds that may be notices; the index entries_notices holds just these."""

_BY_OTHERS: Final = frozenset(
    {EntryKind.room_added, EntryKind.room_removed, EntryKind.role, EntryKind.notice}
)
_SAYS_STATE: Final = frozenset({EntryKind.contact, EntryKind.notice})


class Notice(Struct, frozen=True, omit_defaults=True, gc=False, kw_only=True):
    """One notice. `notice` is its seq in my self log; `link` is where in an app it leads.

    `room_id` and `seq` (in that room) say what it is about, `event_id` that this room is an event's: these four
    are always there. `person`: who did it. `state`: of a contact, `incoming` or `accepted`; of a `notice` (what an
    event tells me) `invited`, `changed`, `starts_soon`, `cancelled` or `waitlist_up`, and `changed`: the names of what
    did; without a room `export_ready`: the copy I asked for is there. `role`: what I became. `text`: a reminder's note,
    or the words of a message that was not sent, `code` why not.
    """

    notice: int
    kind: EntryKind
    at_ms: int
    link: str
    room_id: RoomId | None
    seq: int | None
    event_id: UUID | None
    person: Peer | None = None
    title: str | None = None
    state: str | None = None
    role: str | None = None
    text: str | None = None
    code: int | None = None
    changed: list[str] | None = None


class NoticePage(Struct, frozen=True, gc=False):
    """A page of notices, the newest first. `seq`: where my self log stood; `read`: how far I have read it."""

    notices: list[Notice]
    seq: int
    read: int
    cursor: str | None


class Told(Struct, frozen=True, gc=False):
    """An entry of somebody's self log, with the names of who and what it is about; `is_event`: that of an event."""

    seq: int
    kind: EntryKind
    author: PersonId
    subject: PersonId | None
    at_ms: int
    body: Body
    person: Peer | None
    title: str | None
    is_event: bool = False


class Notices(Struct, frozen=True, gc=False):
    """Entries that may be notices, the head of the self log and its read pointer, from one moment."""

    told: list[Told]
    head: int
    read: int


class NoticeStore(Protocol):
    """Where they are read, without those of people whom their reader blocks."""

    async def notices(
        self, person: PersonId, since: int, before: int | None, limit: int
    ) -> Notices: ...


def is_notice(kind: EntryKind, author: UUID, me: UUID, state: str | None) -> bool:
    """Whether an entry of my self log is news to me, and not the echo of what I did myself."""
    match kind:
        case EntryKind.contact:
            return state == "incoming" or (state == "accepted" and author != me)
        case EntryKind.request:
            return state == "requested"
        case _:
            return kind in KINDS and not (kind in _BY_OTHERS and author == me)


def notice_of(told: Told) -> Notice:
    """The notice that an entry is."""
    body, room = told.body, None if told.body.room is None else RoomId(told.body.room)
    return Notice(
        notice=told.seq,
        kind=told.kind,
        at_ms=told.at_ms,
        link=_link(told, room),
        room_id=room,
        seq=body.at_seq,
        event_id=room if told.is_event else None,
        person=told.person,
        title=told.title,
        state=body.state if told.kind in _SAYS_STATE else None,
        role=body.role,
        text=body.text,
        code=body.code,
        changed=body.changed,
    )


def _link(told: Told, room: RoomId | None) -> str:
    if told.kind is EntryKind.notice:
        return "/me/exports" if room is None else f"/events/{room}"
    if room is not None:
        return f"/rooms/{room}" + (f"/{told.body.at_seq}" if told.body.at_seq else "")
    return f"/people/{told.subject or told.author}"


async def page_of(
    store: NoticeStore, person: PersonId, since: int, at: str | None, limit: int
) -> NoticePage:
    """A page of somebody's notices that came after `since`."""
    before = cursor.read(at)[0] if at else None
    found = await store.notices(person, since, before, limit)
    last = found.told[-1] if len(found.told) == limit else None
    return NoticePage(
        [notice_of(told) for told in found.told],
        found.head,
        found.read,
        cursor.write(last.seq, person) if last else None,
    )
