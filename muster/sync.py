"""Sync: all a phone must know to begin, or what changed since it last asked, in one answer.

    anew        everything: forget what you hold
    otherwise   what changed after entry `since` of the self log: each line as it is now, so that it replaces the old

What the self log tells is exact. That a room moved is not in it, so rooms are given that moved since about the moment
of the answer the phone holds (`at_ms`; without it, of entry `since`): some it may have already, none is missing.
Owns what an answer is made of. Must never read a log of another generation as if it were this one's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol
from uuid import UUID

from msgspec import Struct

from muster import cursor
from muster.contacts import Contact
from muster.drafts import RoomDraft
from muster.ids import PersonId, RoomId
from muster.notices import Notice, Notices, notice_of
from muster.people import Profile
from muster.privacy import Privacy
from muster.push_wishes import PushWishes
from muster.rooms import RoomLine
from proto.entry import EntryKind

SINCE_MOST: Final = 1_000
"""Entries of the self log that changes are read from; who is farther behind begins anew. As resume's gap."""

OVERLAP_MS: Final = 5_000
"""A room's time is taken before its batch commits, at most 2 s: what was not to be seen then is given now."""

NOTICES: Final = 20
BLOCKED: Final = 1_000
_OF_EVENTS: Final = frozenset({EntryKind.event, EntryKind.visit, EntryKind.notice})
"""They name an event whose room may never have been mine, and change no line of the list: a room that is told moves."""

_EVERYTHING: Final = frozenset({EntryKind.block, EntryKind.unblock})
"""What changes every line at once: unread, last messages, contacts and notices of whoever it is about."""


class Sync(Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """One page. Its position is `generation` and `seq` of the first page: entries of the self log after it follow.

    `me`, `privacy` and `push` (what I want of pushes) are absent where they did not change. `blocked`: whom I block, at
    most the newest 1,000; whoever blocks or lifts a block begins anew. `gone`: rooms that are no longer mine. `notices`
    are at most the newest 20. Later pages hold rooms, contacts and drafts alone.
    """

    anew: bool
    generation: UUID
    seq: int
    server_time_ms: int
    cursor: str | None
    me: Profile | None = None
    privacy: Privacy | None = None
    push: PushWishes | None = None
    blocked: list[PersonId] = []
    notices_read: int | None = None
    rooms: list[RoomLine] = []
    gone: list[RoomId] = []
    contacts: list[Contact] = []
    drafts: list[RoomDraft] = []
    notices: list[Notice] = []


class Anchor(NamedTuple):
    """Where the self log stands, and whose it is. `notices_read` is its read pointer."""

    generation: UUID
    head: int
    now_ms: int
    me: Profile
    privacy: Privacy
    push: PushWishes
    blocked: list[PersonId]
    notices_read: int


class Change(NamedTuple):
    """One entry of the self log. `mine`: its room is mine now, or I am invited to it."""

    seq: int
    kind: EntryKind
    at_ms: int
    room: RoomId | None
    mine: bool


class Moment(Protocol):
    """Reads that all see one moment. Each is one query, however much it finds."""

    async def anchor(self) -> Anchor | None: ...

    async def changes(self, since: int, limit: int) -> list[Change]:
        """Entry `since` and those after it."""
        ...

    async def rooms(
        self, after: tuple[int, UUID] | None, limit: int, moved: tuple[int, Sequence[UUID]] | None
    ) -> list[RoomLine]:
        """The one that moved last first. `moved`: only those that did since that time, and those named."""
        ...

    async def contacts(
        self, after: tuple[int, UUID], limit: int, *, removed: bool
    ) -> list[Contact]: ...

    async def drafts(self, rooms: Sequence[UUID]) -> dict[UUID, RoomDraft]: ...

    async def notices(self, since: int, limit: int) -> Notices: ...


class Wanted(NamedTuple):
    """What a phone asks. `generation` and `at_ms` are those of the answer it holds, if it says them."""

    since: int | None
    generation: UUID | None
    at_ms: int | None
    cursor: str | None
    limit: int


class News(NamedTuple):
    """What the self log says has changed after `since`; rooms by id."""

    since: int
    at_ms: int
    kinds: frozenset[EntryKind]
    named: list[RoomId]
    gone: list[RoomId]
    drafts: list[RoomId]


def news(since: int, changes: Sequence[Change], me: PersonId) -> News | None:
    """What follows from entry `since` and those after it; `None`: everything, begin anew."""
    if not changes or changes[0].seq != since or len(changes) > SINCE_MOST + 1:
        return None
    fresh = changes[1:]
    kinds = frozenset(change.kind for change in fresh)
    if kinds & _EVERYTHING:
        return None
    rooms: dict[RoomId, bool] = {}
    drafts: dict[RoomId, None] = {}
    for change in fresh:
        if change.room is None or change.room == me or change.kind in _OF_EVENTS:
            continue
        if change.kind is EntryKind.draft:
            drafts[change.room] = None
        if change.kind is not EntryKind.draft or not change.mine:
            rooms[change.room] = change.mine
    return News(
        since,
        changes[0].at_ms,
        kinds,
        named=[room for room, mine in rooms.items() if mine],
        gone=[room for room, mine in rooms.items() if not mine],
        drafts=[room for room in drafts if rooms.get(room, True)],
    )


async def sync(moment: Moment, me: PersonId, wanted: Wanted) -> Sync | None:
    """A page of what `me` asks for; `None` if they do not exist."""
    anchor = await moment.anchor()
    if anchor is None:
        return None
    spot = cursor.read_spot(wanted.cursor) if wanted.cursor else None
    found = None
    if _fits(anchor, wanted) and not (spot is not None and spot.anew):
        assert wanted.since is not None
        found = news(wanted.since, await moment.changes(wanted.since, SINCE_MOST + 2), me)
        if found is None:
            spot = None  # the pages before were changes: they are forgotten with the rest
    elif spot is not None and not spot.anew:
        spot = None
    return await _page(moment, anchor, wanted, found, spot)


def _fits(anchor: Anchor, wanted: Wanted) -> bool:
    """Whether `since` is a place of this log from which changes can be told."""
    return (
        wanted.since is not None
        and wanted.generation in (None, anchor.generation)
        and 0 < wanted.since <= anchor.head
        and anchor.head - wanted.since <= SINCE_MOST
    )


async def _page(
    moment: Moment, anchor: Anchor, wanted: Wanted, found: News | None, spot: cursor.Spot | None
) -> Sync:
    first, limit = spot is None, wanted.limit
    since = 0 if found is None else found.since
    moved: tuple[int, Sequence[UUID]] | None = None
    if found is not None:
        held_ms = found.at_ms if wanted.at_ms is None else max(wanted.at_ms, found.at_ms)
        moved = (held_ms - OVERLAP_MS, found.named)
    at = cursor.Spot(found is None, None, (since, cursor.LAST)) if spot is None else spot
    rooms = [] if at.rooms_done else await moment.rooms(at.rooms, limit, moved)
    contacts = await moment.contacts(at.contacts, limit, removed=found is not None)
    if found is None:
        drafts = list((await moment.drafts([room.id for room in rooms])).values())
    else:
        written = await moment.drafts(found.drafts) if first else {}
        drafts = [written.get(room) or RoomDraft(room) for room in found.drafts] if first else []
    told = await moment.notices(since, NOTICES) if first else None
    whole = first and found is None
    kinds = frozenset() if found is None else found.kinds
    return Sync(
        anew=whole,
        generation=anchor.generation,
        seq=anchor.head,
        server_time_ms=anchor.now_ms,
        cursor=_rest(at, rooms, contacts, limit),
        me=anchor.me if whole or (first and EntryKind.profile in kinds) else None,
        privacy=anchor.privacy if whole or (first and EntryKind.privacy in kinds) else None,
        push=anchor.push if whole or (first and EntryKind.push in kinds) else None,
        blocked=anchor.blocked if whole else [],
        notices_read=anchor.notices_read if first else None,
        rooms=rooms,
        gone=found.gone if first and found is not None else [],
        contacts=contacts,
        drafts=drafts,
        notices=[notice_of(each) for each in told.told] if told is not None else [],
    )


def _rest(
    at: cursor.Spot, rooms: list[RoomLine], contacts: list[Contact], limit: int
) -> str | None:
    """The cursor after these; none where both lists ended."""
    more_rooms, more_contacts = len(rooms) == limit, len(contacts) == limit
    if not (more_rooms or more_contacts):
        return None
    return cursor.write_spot(
        cursor.Spot(
            at.anew,
            (rooms[-1].last_at_ms, rooms[-1].id) if more_rooms else None,
            (contacts[-1].seq, contacts[-1].person) if contacts else at.contacts,
            rooms_done=not more_rooms,
        )
    )
