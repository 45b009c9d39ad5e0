"""Rooms: what they are, who is in them, and what a person's list of them shows.

Owns the rules of making a room and the shapes of lists. Must never change a room or its members: that is an op,
committed by the writer. Every read is cut to what the permission table lets the reader see.
"""

from __future__ import annotations

from typing import Final, Protocol
from uuid import UUID

from msgspec import Struct

from muster import cursor
from muster.errors import Refused, not_found
from muster.ids import PersonId, RoomId, direct_room
from muster.op import NewRoom
from muster.permission import PRESENT, Action, Relation, RoomKind, may
from muster.words import line
from proto.codes import Code
from proto.entry import EntryKind

TITLE_CHARS: Final = 100
TOPIC_CHARS: Final = 500
FIRST_PEOPLE: Final = 100
"""People put into a room as it is made; more are invited. A batch locks the log of each."""

UNREAD_MOST: Final = 100
"""Where counting stops: exact below, and a client shows 99+."""

UNREAD_WINDOW_SEQS: Final = 1_000
"""How far back from the head it looks: somebody who posts and never reads must not cost more and more."""

_HISTORY: Final = {
    RoomKind.direct: "all",
    RoomKind.group: "from_join",
    RoomKind.public: "all",
    RoomKind.announcement: "all",
}
"""What a newcomer sees of what was said before, by kind of room; also the kinds that people make."""


SLOW_MOST_S: Final = 21_600
"""Of slow mode: six hours, as elsewhere."""


class Room(Struct, frozen=True, gc=False):
    """One room, as somebody in it sees it. `peer` is the other person of a direct room.

    `slow_s`: how long members wait between two messages; 0: not at all. `silenced_until_ms`: I may write nothing here
    until then, by its moderators' word or staff's.
    """

    id: RoomId
    kind: RoomKind
    history: str
    title: str
    topic: str
    archived: bool
    created_by: PersonId | None
    created_at_ms: int
    head: int
    msg_no: int
    members: int
    role: Relation
    peer: PersonId | None
    picture: UUID | None = None
    slow_s: int = 0
    silenced_until_ms: int | None = None


class Peer(Struct, frozen=True, gc=False):
    """The other person of a direct room."""

    id: PersonId
    handle: str
    name: str
    picture: UUID | None = None


class LastMessage(Struct, frozen=True, gc=False):
    """The newest message of a room that its reader may see; `text` is its beginning, null once deleted."""

    seq: int
    kind: EntryKind
    author: PersonId
    text: str | None
    at_ms: int


class RoomSummary(Struct, frozen=True, gc=False, kw_only=True):
    """One line of a person's list of rooms. An invitation has role `invited` and shows no content.

    `unread` and `mentions` are exact up to 99; 100 means that many or more, of the room's last 1,000 entries.
    `request`: a direct room somebody made whom I do not let write to me, and that I have not answered.
    `peer_read`: how far the other person of a direct room has read; null where that is not to be told.
    """

    id: RoomId
    kind: RoomKind
    title: str = ""
    peer: Peer | None = None
    last_message: LastMessage | None = None
    head: int
    msg_no: int
    read: int
    peer_read: int | None = None
    unread: int = 0
    mentions: int = 0
    muted_until_ms: int | None = None
    level: str = "all"
    role: Relation
    members: int
    archived: bool = False
    last_at_ms: int
    request: bool = False
    picture: UUID | None = None


class RoomLine(RoomSummary, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """The same line, in which what has its default is left out: a phone has hundreds of them."""


class RoomPage(Struct, frozen=True, gc=False):
    """A page of a person's rooms, the one that moved last first."""

    rooms: list[RoomSummary]
    cursor: str | None


class Member(Struct, frozen=True, gc=False):
    """Somebody in a room."""

    id: PersonId
    handle: str
    name: str
    role: Relation
    since_ms: int
    picture: UUID | None = None


class MemberPage(Struct, frozen=True, gc=False):
    """A page of a room's members, in order of their ids."""

    members: list[Member]
    cursor: str | None


class PublicRoom(Struct, frozen=True, gc=False):
    """A room that anyone may join."""

    id: RoomId
    kind: RoomKind
    title: str
    topic: str
    members: int
    picture: UUID | None = None


class PublicRoomPage(Struct, frozen=True, gc=False):
    """A page of rooms that anyone may join, the newest first."""

    rooms: list[PublicRoom]
    cursor: str | None


class RoomStore(Protocol):
    """Where rooms are read from. `fresh` asks the primary, where a replica might not know yet."""

    async def room(self, room: RoomId, reader: PersonId, *, fresh: bool) -> Room | None:
        """The room and what `reader` is to it; `None` if it does not exist or they never were in it."""
        ...

    async def of_person(
        self, person: PersonId, before: tuple[int, UUID] | None, limit: int
    ) -> list[RoomSummary]:
        """In one query, however many rooms there are."""
        ...

    async def members(
        self, room: RoomId, reader: PersonId, after: UUID | None, limit: int
    ) -> tuple[RoomKind, Relation, list[Member]] | None: ...

    async def public(self, before: UUID | None, limit: int) -> list[PublicRoom]: ...


def new_room(
    author: PersonId, kind: RoomKind, title: str, topic: str, people: list[UUID]
) -> NewRoom:
    """A room of `kind` that `author` may make. Raises `Refused`."""
    if kind not in _HISTORY:
        raise Refused(Code.bad_request, f"rooms of kind {kind} are not made this way")
    others = list(dict.fromkeys(person for person in people if person != author))
    if kind is RoomKind.direct:
        if len(others) != 1 or title or topic:
            raise Refused(
                Code.bad_request, "a direct room is made of one `peer`, and has no title or topic"
            )
    elif len(others) > FIRST_PEOPLE:
        raise Refused(
            Code.limit_exceeded, f"a new room begins with at most {FIRST_PEOPLE} other people"
        )
    return NewRoom(
        kind=kind.value,
        history=_HISTORY[kind],
        title=title if kind is RoomKind.direct else check_title(title),
        topic=check_topic(topic),
        people=others,
    )


def room_id(author: PersonId, new: NewRoom, otherwise: RoomId) -> RoomId:
    """A direct room has the one id of its pair; any other gets `otherwise`."""
    if new.kind == RoomKind.direct.value:
        return direct_room(author, PersonId(new.people[0]))
    return otherwise


def check_title(title: str) -> str:
    """`title` if a room may have it. Raises `Refused`."""
    return line("a title", title, TITLE_CHARS, least=1)


def check_topic(topic: str) -> str:
    """`topic` if a room may have it. Raises `Refused`."""
    return line("a topic", topic, TOPIC_CHARS, breaks=True)


def may_see(kind: RoomKind, relation: Relation) -> None:
    """Raises `Refused`: `not_found`, whatever the reason, so that nobody learns which rooms there are."""
    if not may(Action.see, kind, relation):
        raise not_found()


class Rooms:
    """Reads rooms for somebody."""

    def __init__(self, store: RoomStore) -> None:
        self._store = store

    async def room(self, room: RoomId, reader: PersonId, *, fresh: bool = False) -> Room:
        """One room. Raises `Refused`: `not_found`."""
        found = await self._store.room(room, reader, fresh=fresh)
        if found is None:
            raise not_found()
        may_see(found.kind, found.role)
        return found

    async def allowed(self, room: RoomId, person: PersonId, action: Action) -> Room:
        """A room in which somebody may do this now. Raises `Refused`, as the room's log would."""
        found = await self._store.room(room, person, fresh=False)
        if found is None:
            raise not_found()
        if not may(action, found.kind, found.role):
            if found.role in PRESENT or found.role is Relation.invited:
                raise Refused(Code.permission_denied, "your role in this room does not allow that")
            raise not_found()
        if found.archived:
            raise Refused(Code.archived, "this room is archived")
        return found

    async def of_person(self, person: PersonId, at: str | None, limit: int) -> RoomPage:
        """A page of somebody's rooms. A room that moves meanwhile is on the first page again."""
        before = cursor.read(at) if at else None
        rooms = await self._store.of_person(person, before, limit)
        last = rooms[-1] if len(rooms) == limit else None
        return RoomPage(rooms, cursor.write(last.last_at_ms, last.id) if last else None)

    async def members(
        self, room: RoomId, reader: PersonId, at: str | None, limit: int
    ) -> MemberPage:
        """A page of who is in a room."""
        after = cursor.read(at)[1] if at else None
        found = await self._store.members(room, reader, after, limit)
        if found is None:
            raise not_found()
        kind, relation, members = found
        may_see(kind, relation)
        last = members[-1] if len(members) == limit else None
        return MemberPage(members, cursor.write(0, last.id) if last else None)

    async def public(self, at: str | None, limit: int) -> PublicRoomPage:
        """A page of the rooms that anyone may join."""
        before = cursor.read(at)[1] if at else None
        rooms = await self._store.public(before, limit)
        last = rooms[-1] if len(rooms) == limit else None
        return PublicRoomPage(rooms, cursor.write(0, last.id) if last else None)
