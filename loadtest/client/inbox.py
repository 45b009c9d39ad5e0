"""What a phone shows besides messages: rooms with their counters, contacts, drafts, notices.

    sync        begins it, or brings it forward
    entries     of the self log and of rooms bring it forward from there
    history     of a room from the read pointer on: which messages are the unread ones

Owns the fold, and knows when an entry does not say enough (`stale`: sync again `since`). Pure. Must never
take an entry twice, or one that is older than what sync said.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Any, Final, NamedTuple
from uuid import UUID

from msgspec import structs

from loadtest.client.answers import Last, Line, Me, Synced, Told
from proto.entry import Body, EntryKind
from proto.frames import Entry
from proto.limits import PREVIEW_CHARS

RECENT: Final = 1_000
"""Entries kept to be taken once more after a sync that they overtook."""

NOTICES: Final = 20
_TELLS_TOO_LITTLE: Final = frozenset(
    {
        EntryKind.room_added,
        EntryKind.invited,
        EntryKind.block,
        EntryKind.unblock,
        EntryKind.profile,
        EntryKind.privacy,
    }
)
_BY_OTHERS: Final = frozenset({EntryKind.room_added, EntryKind.room_removed, EntryKind.role})
_BY_ANYONE: Final = frozenset({EntryKind.invited, EntryKind.reminder, EntryKind.unsent})


class Unread(NamedTuple):
    """A message I have not read, by somebody else; whether it mentions me."""

    mentions_me: bool


class Inbox:
    """One device's. `me` is the person, whose self log has the same id."""

    def __init__(self, me: UUID) -> None:
        self.position: Synced | None = None
        self._stale_at: int | None = None
        self._me = me
        self._recent: deque[Entry] = deque(maxlen=RECENT)
        self._forget()

    def _forget(self) -> None:
        self.rooms: dict[UUID, Line] = {}
        self._unread: dict[UUID, dict[int, Unread]] = {}
        self._contacts: dict[UUID, str] = {}
        self._drafts: dict[UUID, tuple[str, int | None]] = {}
        self._notices: dict[int, Told] = {}
        self._blocked: set[UUID] = set()
        self._notices_read = 0
        self._profile: Me | None = None
        self._privacy: dict[str, str] | None = None
        self._seq = 0

    # Sync

    def synced(self, answer: Synced) -> list[tuple[UUID, int]]:
        """Take an answer; the rooms whose history is to be fetched, after these seqs."""
        if answer.anew:
            self._forget()
            self._blocked = set(answer.blocked)
        self._profile = answer.me or self._profile
        self._privacy = answer.privacy or self._privacy
        if answer.notices_read is not None:
            self._notices_read = answer.notices_read
        for room in answer.gone:
            self._drop(room)
        for line in answer.rooms:
            self.rooms[line.id] = line
            self._unread[line.id] = {}
        for known in answer.contacts:
            self._know(known.person, known.state)
        for draft in answer.drafts:
            self._write(draft.room, draft.text, draft.reply_to)
        self._notices |= {told.notice: told for told in answer.notices}
        # What came while the answer was on its way is taken once more, upon it.
        self._seq = answer.seq
        self.position, self._stale_at = answer, None
        for entry in list(self._recent):
            self._take(entry)
        return [(line.id, line.read) for line in answer.rooms if line.unread]

    def fetched(self, room: UUID, entries: Iterable[Entry], deleted: set[int]) -> None:
        """A page of a room's history as it reads now; `deleted` are seqs of tombstones."""
        for entry in entries:
            if entry.kind is EntryKind.post and entry.seq not in deleted:
                self._count(room, entry)

    # Entries

    def entry(self, entry: Entry) -> None:
        """The next entry of the self log or of a room."""
        self._recent.append(entry)
        self._take(entry)

    @property
    def seq(self) -> int:
        """My position in the self log."""
        return self._seq

    @property
    def since(self) -> int:
        """Where to sync from: before the first entry that did not say enough."""
        return self._seq if self._stale_at is None else self._stale_at - 1

    @property
    def stale(self) -> bool:
        """Whether to sync before this can be shown."""
        return self.position is None or self._stale_at is not None

    def _take(self, entry: Entry) -> None:
        if entry.room == self._me:
            if entry.seq > self._seq:
                self._seq = entry.seq
                self._own(entry, entry.body)
            return
        line = self.rooms.get(entry.room)
        if line is not None and entry.seq > line.head:
            self.rooms[entry.room] = structs.replace(line, head=entry.seq)
            self._in_room(self.rooms[entry.room], entry)

    def _own(self, entry: Entry, body: Body) -> None:
        if entry.kind in _TELLS_TOO_LITTLE and self._stale_at is None:
            self._stale_at = entry.seq
        if self._is_notice(entry):
            self._notices[entry.seq] = Told(entry.seq, entry.kind.value, body.room)
        if entry.kind is EntryKind.contact and entry.subject is not None:
            self._know(entry.subject, body.state or "removed")
        elif entry.kind is EntryKind.read and body.room == self._me:
            self._notices_read = body.at_seq or 0
        elif body.room is not None and body.room in self.rooms:
            self._of_mine(entry.kind, self.rooms[body.room], body)

    def _of_mine(self, kind: EntryKind, line: Line, body: Body) -> None:
        """An entry of the self log about one of my rooms."""
        if kind is EntryKind.room_removed:
            self._drop(line.id)
        elif kind is EntryKind.draft:
            self._write(line.id, body.text or "", body.reply_to)
        elif kind is EntryKind.read:
            read = max(line.read, body.at_seq or 0)
            self.rooms[line.id] = structs.replace(line, read=read)
            held = self._unread[line.id]
            self._unread[line.id] = {seq: one for seq, one in held.items() if seq > read}
        elif kind is EntryKind.mute:
            level = body.level or line.level
            self.rooms[line.id] = structs.replace(
                line, muted_until_ms=body.muted_until_ms, level=level
            )
        elif kind is EntryKind.role:
            self.rooms[line.id] = structs.replace(line, role=body.role or line.role)
        elif kind is EntryKind.request:
            self.rooms[line.id] = structs.replace(line, request=body.state == "requested")

    def _in_room(self, line: Line, entry: Entry) -> None:
        body, last = entry.body, line.last_message
        changed: dict[str, Any] = {}
        match entry.kind:
            case EntryKind.post:
                self._count(line.id, entry)
                text = (body.text or "")[:PREVIEW_CHARS]
                changed["last_message"] = Last(entry.seq, entry.author, text)
                if entry.author == self._me:
                    changed["request"] = False
            case EntryKind.edit if body.target is not None:
                if body.target in self._unread[line.id]:
                    self._unread[line.id][body.target] = self._unread_of(body)
                if last is not None and last.seq == body.target:
                    changed["last_message"] = structs.replace(
                        last, text=(body.text or "")[:PREVIEW_CHARS]
                    )
            case EntryKind.delete if body.target is not None:
                self._unread[line.id].pop(body.target, None)
                if last is not None and last.seq == body.target:
                    changed["last_message"] = structs.replace(last, text=None)
            case EntryKind.join | EntryKind.leave | EntryKind.kick:
                changed["members"] = body.members or 0
            case EntryKind.role if entry.subject == self._me and body.role:
                changed["role"] = body.role
            case EntryKind.settings:
                changed["title"] = line.title if body.title is None else body.title
                changed["archived"] = line.archived if body.archived is None else body.archived
            case _:
                return
        self.rooms[line.id] = structs.replace(line, **changed)

    def _count(self, room: UUID, entry: Entry) -> None:
        line = self.rooms.get(room)
        if line is not None and entry.seq > line.read and entry.author != self._me:
            self._unread[room][entry.seq] = self._unread_of(entry.body)

    def _unread_of(self, body: Body) -> Unread:
        return Unread(body.here or self._me in (body.mentions or ()))

    def _know(self, person: UUID, state: str) -> None:
        self._contacts.pop(person, None)
        if state != "removed":
            self._contacts[person] = state

    def _write(self, room: UUID, text: str, reply_to: int | None) -> None:
        self._drafts.pop(room, None)
        if text:
            self._drafts[room] = (text, reply_to)

    def _drop(self, room: UUID) -> None:
        for held in (self.rooms, self._unread, self._drafts):
            held.pop(room, None)

    def _is_notice(self, entry: Entry) -> bool:
        others = entry.author != self._me
        if entry.author in self._blocked:
            return False
        if entry.kind is EntryKind.contact:
            return entry.body.state == "incoming" or (entry.body.state == "accepted" and others)
        if entry.kind is EntryKind.request:
            return entry.body.state == "requested"
        return entry.kind in _BY_ANYONE or (entry.kind in _BY_OTHERS and others)

    # What is on the screen

    def shown(self) -> dict[str, Any]:
        """All of it, in plain values, to be compared."""
        return {
            "rooms": {str(room): self._shown_line(line) for room, line in self.rooms.items()},
            "contacts": {str(person): state for person, state in self._contacts.items()},
            "drafts": {str(room): draft for room, draft in self._drafts.items()},
            "notices": [
                (seq, self._notices[seq].kind, str(self._notices[seq].room_id))
                for seq in sorted(self._notices)[-NOTICES:]
            ],
            "notices_read": self._notices_read,
            "me": self._profile and structs.asdict(self._profile),
            "privacy": self._privacy,
        }

    def _shown_line(self, line: Line) -> dict[str, Any]:
        if line.role == "invited":
            return {"id": line.id, "kind": line.kind, "role": line.role}  # nothing follows of it
        held = self._unread[line.id]
        shown = structs.asdict(line)
        del shown["head"]
        if line.last_message is not None:
            shown["last_message"] = structs.astuple(line.last_message)
        mentions = sum(1 for one in held.values() if one.mentions_me)
        return shown | {"unread": len(held), "mentions": mentions}


def shown_of(me: UUID, answer: Synced) -> dict[str, Any]:
    """What a device that holds nothing but this answer to a cold start shows."""
    inbox = Inbox(me)
    inbox.synced(answer)
    shown = inbox.shown()
    for line in answer.rooms:
        if line.role != "invited":
            shown["rooms"][str(line.id)] |= {"unread": line.unread, "mentions": line.mentions}
    return shown
