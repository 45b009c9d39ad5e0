"""Why did she not get it? What is known of an entry and a person, and the sentence that follows.

    TracedEntry, TracedRoom            what happened, never what was said
    Standing                           one person, as far as one entry of one room is concerned
    conclude_entry, conclude_person    the sentence

Owns the order in which causes are looked for. Pure, and must never hold a message's text: staff who ask why it did
not arrive need not read it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple
from uuid import UUID

from muster.permission import Relation, RoomKind

LARGE_ROOM: Final = 200
"""As realtime/visibility.py has it; tests/muster/test_trace.py holds the two together."""

WORDS: Final = frozenset({"post", "edit", "delete", "react", "unreact", "vote", "preview"})
"""Kinds that a block hides."""

TRAFFIC: Final = frozenset({"join", "leave"})
"""Kinds that a large room does not tell."""


class TracedRoom(NamedTuple):
    """A room, and where its log stands."""

    room: UUID
    kind: RoomKind
    history: str
    head: int
    floor: int
    members: int
    archived: bool


class TracedEntry(NamedTuple):
    """An entry without its words. `target` is the message an edit, deletion or reaction is about."""

    seq: int
    msg_no: int
    kind: str
    author: UUID
    author_handle: str | None
    subject: UUID | None
    client_id: str | None
    at_ms: int
    target: int | None
    edited_seq: int | None
    deleted_seq: int | None


class Owed(NamedTuple):
    """A lease that covers the entry: committed, and perhaps on no lane yet."""

    writer: UUID
    over_s: float  # negative: its writer still has time


class Span(NamedTuple):
    """One stay in a room: the entries from_seq..to_seq are this person's to see."""

    joined: int
    from_seq: int
    to_seq: int | None


class Device(NamedTuple):
    """A session, the device it is on, and how far that has come in the room that is asked about."""

    session: UUID
    device: UUID
    platform: str
    version: str
    created_at_ms: int
    live: bool
    ended: str  # why it is not live
    received: int | None


class Person(NamedTuple):
    """Somebody, as staff may see them."""

    person: UUID
    handle: str
    name: str
    role: str
    banned_at_ms: int | None
    created_at_ms: int


class Standing(NamedTuple):
    """What one person is to one entry."""

    person: Person
    relation: Relation
    spans: Sequence[Span]
    blocked_at_ms: int | None  # since when this person blocks the author
    read_seq: int
    muted: bool
    devices: Sequence[Device]


class RoomOf(NamedTuple):
    """One room of a person, and how far they and their slowest live device have come."""

    room: UUID
    kind: str
    title: str
    relation: str
    head: int
    read_seq: int
    received: int | None


def conclude_entry(
    room: TracedRoom | None, seq: int, entry: TracedEntry | None, owed: Sequence[Owed]
) -> str:
    """What there is to say of an entry whoever asks."""
    if room is None:
        return "There is no such room."
    if seq < 1 or seq > room.head:
        return f"There is no such entry: the room's log ends at {room.head}."
    if entry is None and seq <= room.floor:
        return f"Retention has removed everything up to {room.floor}; phones are told a gap."
    if entry is None:
        return (
            "The log has a hole here, which must not be: was this database restored or changed"
            " by hand? Declare a new generation, and report it."
        )
    if entry.deleted_seq is not None:
        return (
            f"It was deleted by entry {entry.deleted_seq}: who had not got it by then gets a skip"
            " in its place."
        )
    if overdue := [lease for lease in owed if lease.over_s > 0]:
        return (
            f"It is committed, and its writer has not said for {overdue[0].over_s:.0f} s that it"
            " is published: any hub publishes it again, if one is running and Redis takes it."
        )
    return "It is committed and stands in the log; every present member is owed it."


def conclude_for(
    room: TracedRoom, entry: TracedEntry, owed: Sequence[Owed], standing: Standing
) -> str:
    """Why this person has it, or has not; the first cause that explains it all."""
    who = f"@{standing.person.handle}"
    if why := _not_theirs(room, entry, standing):
        return f"{who} does not get it: {why}"
    if why := _hidden(room, entry, standing):
        return f"{who} gets a skip in its place: {why}"
    if entry.deleted_seq is not None:
        return (
            f"{who} gets a skip in its place unless it had arrived before: it was deleted by entry"
            f" {entry.deleted_seq}."
        )
    if room.kind is not RoomKind.self_ and not _was_there(entry.seq, standing.spans):
        # Joining counts all that came before as read, so pointers say nothing here.
        return (
            f"{who} was not in the room then. They may see it, since this room shows all its"
            " history: a phone gets it when somebody reads back, not by itself."
        )
    if standing.read_seq >= entry.seq:
        return f"{who} has it: they have read up to {standing.read_seq}."
    holding = [d for d in standing.devices if (d.received or 0) >= entry.seq]
    if holding:
        return (
            f"{who} has it: device {holding[0].device} says that it holds everything up to"
            f" {holding[0].received}."
        )
    return f"{who} has not confirmed it: {_not_yet(owed, standing)}"


def _not_theirs(room: TracedRoom, entry: TracedEntry, standing: Standing) -> str:
    """Membership cuts everything: live, resume and history alike."""
    if room.kind is RoomKind.self_:
        return "" if room.room == standing.person.person else "it is in somebody else's own log."
    if room.kind is RoomKind.control:
        return "the control log is told to servers, to nobody's phone."
    if not standing.spans:
        if standing.relation is Relation.invited:
            return "they are invited and have not joined."
        return "they were never a member of this room."
    if any(_covers(span, entry.seq) for span in standing.spans):
        return ""
    first = standing.spans[0]
    if entry.seq < first.from_seq:
        return (
            f"they joined later, at {first.joined}, and this room shows its history from joining"
            " only."
        )
    gone = [s for s in standing.spans if s.to_seq is not None and s.to_seq < entry.seq]
    word = "were kicked" if standing.relation is Relation.kicked else "left"
    back = next((s for s in standing.spans if s.joined > entry.seq), None)
    if back is not None:
        return (
            f"they were out of the room since {gone[-1].to_seq} and joined again at {back.joined}."
        )
    return f"they {word} at {gone[-1].to_seq}, before it."


def _covers(span: Span, seq: int) -> bool:
    return span.from_seq <= seq and (span.to_seq is None or seq <= span.to_seq)


def _was_there(seq: int, spans: Sequence[Span]) -> bool:
    return any(_covers(span, seq) and span.joined <= seq for span in spans)


def _hidden(room: TracedRoom, entry: TracedEntry, standing: Standing) -> str:
    """As realtime/visibility.py decides, for somebody who is a member."""
    if entry.kind in WORDS and standing.blocked_at_ms is not None:
        return "they block its author."
    mine = entry.subject == standing.person.person
    if room.members > LARGE_ROOM and entry.kind in TRAFFIC and not mine:
        return (
            f"with {room.members} members, more than {LARGE_ROOM}, joins and leaves are numbered"
            " and not told."
        )
    return ""


def _not_yet(owed: Sequence[Owed], standing: Standing) -> str:
    if standing.person.banned_at_ms is not None:
        return "the account is banned."
    live = [device for device in standing.devices if device.live]
    if not live:
        return "they are logged out everywhere; it is there when they log in."
    if any(lease.over_s > 0 for lease in owed):
        return "it is committed and not surely published; is a hub running, and Redis well?"
    behind = ", ".join(f"{d.platform or 'a device'} at {d.received or 0}" for d in live)
    return (
        f"nothing stands in the way. Their {len(live)} live session(s) ({behind}) are offline,"
        " or do not say what they received; it comes with the next resume."
    )


def conclude_person(person: Person, devices: Sequence[Device], rooms: Sequence[RoomOf]) -> str:
    """Whether this person can get anything at all, and where they are behind."""
    who = f"@{person.handle}"
    if person.banned_at_ms is not None:
        return f"{who} gets nothing: the account is banned."
    live = [device for device in devices if device.live]
    if not live:
        return f"{who} gets nothing now: no session is live. All is there when they log in."
    behind = [room for room in rooms if room.received is not None and room.received < room.head]
    if behind:
        return (
            f"{who} can get everything. In {len(behind)} of the {len(rooms)} rooms shown a live"
            " device is behind what was committed: it is offline or slow."
        )
    return f"{who} can get everything, and no live device says that it is behind."
