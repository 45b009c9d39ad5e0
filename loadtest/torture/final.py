"""Final reads of a run, when everybody is quiet: the log as Postgres has it, and what a client without a past is shown.

Owns these queries. They look directly, through no link. Must never judge what they find.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final
from uuid import UUID

import asyncpg
import msgspec
from msgspec import Struct
from msgspec.structs import replace

from loadtest.client.login import Account, Login
from loadtest.client.rest import Page, Rest
from loadtest.torture import history as h
from loadtest.torture.device import item_of
from loadtest.torture.guest import PASSWORD, Guest
from loadtest.torture.recorder import Recorder
from proto.entry import Body, EntryKind

PAGE: Final = 100
ROOMS_PAGE: Final = 500

_ROOMS: Final = """
    SELECT room_id, kind, history, head, msg_no, floor, (SELECT generation FROM installation) AS generation
    FROM rooms WHERE room_id = ANY ($1::uuid[])
"""
_ENTRIES: Final = """
    SELECT room_id, seq, msg_no, kind, author, subject, client_id, text, body, target, edited_seq, deleted_seq
    FROM entries WHERE room_id = ANY ($1::uuid[]) ORDER BY room_id, seq
"""
_SPANS: Final = (
    "SELECT room_id, person_id, joined, from_seq, to_seq FROM spans WHERE room_id = ANY ($1)"
)
_MEMBERS: Final = (
    "SELECT room_id, person_id, relation, read_seq FROM members WHERE room_id = ANY ($1)"
)
_BLOCKS: Final = "SELECT blocker, blocked FROM blocks WHERE blocker = ANY ($1)"
_HEADS: Final = "SELECT room_id, head FROM rooms WHERE room_id = ANY ($1)"
_NEWEST: Final = """
    SELECT room_id, author, max(seq) AS seq FROM entries
    WHERE room_id = ANY ($1) AND kind = 'post' AND deleted_seq IS NULL GROUP BY room_id, author
"""
_PRESENT: Final = "SELECT room_id, person_id FROM spans WHERE room_id = ANY ($1) AND to_seq IS NULL"


class Truth:
    """Looks past all faults; Postgres may have been another process a moment ago."""

    def __init__(self, url: str, rooms: Iterable[UUID]) -> None:
        self._url = url
        self._connection: asyncpg.Connection | None = None
        self.rooms = list(rooms)

    async def heads(self) -> dict[UUID, int]:
        """Where every room stands."""
        return {row["room_id"]: row["head"] for row in await self._fetch(_HEADS)}

    async def present(self) -> set[tuple[UUID, UUID]]:
        """Who is in which room, as (room, person)."""
        return {(row["room_id"], row["person_id"]) for row in await self._fetch(_PRESENT)}

    async def newest(self) -> list[tuple[UUID, UUID, int]]:
        """The last message of everybody in each room, as (room, author, seq)."""
        return [tuple(row) for row in await self._fetch(_NEWEST)]

    async def close(self) -> None:
        """Look no more."""
        if self._connection is not None:
            self._connection.terminate()

    async def _fetch(self, sql: str) -> list[asyncpg.Record]:
        if self._connection is None or self._connection.is_closed():
            self._connection = await asyncpg.connect(self._url)
        return await self._connection.fetch(sql, self.rooms)

    async def dump(self, recorder: Recorder) -> None:
        """The whole log of the run's rooms."""
        write, now = recorder.write, recorder.now
        for row in await self._fetch(_ROOMS):
            fields = dict(row)
            write(h.SqlRoom(t=now(), room=fields.pop("room_id"), **fields))
        for row in await self._fetch(_ENTRIES):
            write(_entry(now(), row))
        for row in await self._fetch(_SPANS):
            fields = dict(row)
            person, room = fields.pop("person_id"), fields.pop("room_id")
            write(h.SqlSpan(t=now(), room=room, person=person, **fields))
        for room, person, relation, read in await self._fetch(_MEMBERS):
            record = h.SqlMember(
                t=now(), room=room, person=person, relation=relation, read_seq=read
            )
            write(record)
        for blocker, blocked in await self._fetch(_BLOCKS):
            write(h.SqlBlock(t=now(), blocker=blocker, blocked=blocked))


def _entry(at: int, row: asyncpg.Record) -> h.SqlEntry:
    fields: dict[str, Any] = dict(row)
    room, kind = fields.pop("room_id"), EntryKind(fields.pop("kind"))
    text, target, stored = fields.pop("text"), fields.pop("target"), fields.pop("body")
    body = msgspec.json.decode(stored, type=Body) if stored else Body()
    if text is not None or target is not None:
        body = replace(body, text=text, target=target)
    return h.SqlEntry(t=at, room=room, kind=kind, body=body, **fields)


class _Line(Struct):
    id: UUID
    head: int
    msg_no: int
    unread: int
    role: str
    mentions: int = 0
    read: int = 0
    muted_until_ms: int | None = None


class _Lines(Struct):
    rooms: list[_Line]
    cursor: str | None = None


class _Member(Struct):
    id: UUID
    role: str


class _Members(Struct):
    members: list[_Member]
    cursor: str | None = None


class _Known(Struct):
    person: UUID
    state: str


class _Contacts(Struct):
    contacts: list[_Known]
    cursor: str | None = None


class _Someone(Struct):
    id: UUID


class _Blocked(Struct):
    people: list[_Someone]
    cursor: str | None = None


async def read_fresh(guest: Guest, rest: Rest, recorder: Recorder) -> None:
    """Everything that a new session of this person is shown."""
    await Login(Account(guest.handle, PASSWORD), rest).token()
    person, write, now = guest.person, recorder.write, recorder.now
    lines: list[_Line] = []
    at: str | None = ""
    while at is not None:
        page = await rest.read(f"/v1/me/rooms?limit={ROOMS_PAGE}{at}", _Lines)
        lines += page.rooms
        at = f"&cursor={page.cursor}" if page.cursor else None
    for line in lines:
        fields = msgspec.structs.asdict(line)
        write(h.FreshRoom(t=now(), person=person, room=fields.pop("id"), **fields))
    for line in lines:
        if line.role != "invited":
            await _read_room(person, line.id, rest, recorder)
    await _read_pages(person, person, rest, recorder)
    contacts = await rest.read("/v1/me/contacts?limit=100", _Contacts)
    blocked = await rest.read("/v1/me/blocks?limit=100", _Blocked)
    write(
        h.FreshSelf(
            t=now(),
            person=person,
            rooms=[line.id for line in lines],
            contacts={each.person: each.state for each in contacts.contacts},
            blocks=[each.id for each in blocked.people],
            invited=[line.id for line in lines if line.role == "invited"],
        )
    )


async def _read_room(person: UUID, room: UUID, rest: Rest, recorder: Recorder) -> None:
    members: dict[UUID, str] = {}
    at: str | None = ""
    while at is not None:
        page = await rest.read(f"/v1/rooms/{room}/members?limit=100{at}", _Members)
        members |= {member.id: member.role for member in page.members}
        at = f"&cursor={page.cursor}" if page.cursor else None
    recorder.write(h.FreshMembers(t=recorder.now(), person=person, room=room, members=members))
    await _read_pages(person, room, rest, recorder)


async def _read_pages(person: UUID, room: UUID, rest: Rest, recorder: Recorder) -> None:
    page: Page | None = None
    while page is None or page.more:
        after = 0 if page is None else page.to_seq
        page = await rest.history(room, after=after, limit=PAGE)
        recorder.write(
            h.FreshPage(
                t=recorder.now(),
                person=person,
                room=room,
                from_seq=page.from_seq,
                to_seq=page.to_seq,
                items=[item_of(item) for item in page.entries],
            )
        )
