"""Self log: what it told a person's devices adds up to what REST shows a client that has no past.

Owns that rule: rooms, contacts and blocks. Only what a device was told of is held against it; the whole log, as rows,
must add up to everything.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Literal
from uuid import UUID

from loadtest.torture import history as h
from loadtest.torture.checker.books import Books
from loadtest.torture.checker.delivery import Followings
from loadtest.torture.checker.findings import Findings, Rule
from loadtest.torture.checker.truth import Truth
from proto.entry import EntryKind

Standing = Literal["in", "invited", "out"]
_STANDINGS: Final[dict[EntryKind, Standing]] = {
    EntryKind.room_added: "in",
    EntryKind.invited: "invited",
    EntryKind.room_removed: "out",
}


@dataclass(slots=True)
class Self:
    """Rooms by how one stands to them, people one knows and hides; False or "removed" where it is over."""

    rooms: dict[UUID, Standing] = field(default_factory=dict)
    contacts: dict[UUID, str] = field(default_factory=dict)
    blocks: dict[UUID, bool] = field(default_factory=dict)

    def take(self, entry: h.Deliver | h.SqlEntry | h.Item) -> None:
        """The next entry of the self log."""
        body, subject = entry.body, entry.subject
        match entry.kind:
            case EntryKind.room_added | EntryKind.room_removed | EntryKind.invited if body.room:
                self.rooms[body.room] = _STANDINGS[entry.kind]
            case EntryKind.contact if subject is not None and body.state is not None:
                self.contacts[subject] = body.state
            case EntryKind.block | EntryKind.unblock if subject is not None:
                self.blocks[subject] = entry.kind is EntryKind.block
            case _:
                pass


def check_selflog(books: Books, truth: Truth, followings: Followings, findings: Findings) -> None:
    """Every person who was read afresh in the end."""
    for fresh in books.fresh_selves:
        room = truth.rooms.get(fresh.person)
        if room is None:
            says = f"{fresh.person} has no self log"
            findings.add(Rule.selflog, says, room=fresh.person)
            continue
        told = Self()
        for seq in sorted(room.rows):
            told.take(room.rows[seq])
        _compare(fresh, told, f"the self log of {fresh.person}", None, findings)
        if room.room.floor == 0:
            _compare_whole(fresh, told, findings)
        for device in books.devices.values():
            following = followings.get((device.device, fresh.person))
            if device.person == fresh.person and following is not None and following.live:
                held = Self()
                since = following.stretches[0].frames if following.stretches else 0
                for entry in _entries(device.frames[fresh.person][since:]):
                    held.take(entry)
                _compare(fresh, held, f"device {device.device}", device.device, findings)


def _entries(frames: Iterable[object]) -> list[h.Deliver | h.Item]:
    """By seq, whatever came first: pages come late."""
    found: dict[int, h.Deliver | h.Item] = {}
    for frame in frames:
        if isinstance(frame, h.Deliver):
            found[frame.seq] = frame
        elif isinstance(frame, h.Fetched):
            found.update((item.seq, item) for item in frame.items)
    return [found[seq] for seq in sorted(found)]


def _compare(
    fresh: h.FreshSelf, told: Self, who: str, device: UUID | None, findings: Findings
) -> None:
    said = [
        *(("room", room, so, _standing(fresh, room)) for room, so in told.rooms.items()),
        *(("block of", who, yes, who in fresh.blocks) for who, yes in told.blocks.items()),
        *(
            ("contact", who, state, fresh.contacts.get(who, "removed"))
            for who, state in told.contacts.items()
        ),
    ]
    for what, which, by_log, by_rest in said:
        if by_log != by_rest:
            says = f"{what} {which} is {by_log} by {who}, {by_rest} by REST"
            findings.add(Rule.selflog, says, room=fresh.person, device=device)


def _standing(fresh: h.FreshSelf, room: UUID) -> Standing:
    if room in fresh.invited:
        return "invited"
    return "in" if room in fresh.rooms else "out"


def _compare_whole(fresh: h.FreshSelf, told: Self, findings: Findings) -> None:
    unsaid = [
        *(f"room {room}" for room in fresh.rooms if room not in told.rooms),
        *(f"contact {who}" for who in fresh.contacts if who not in told.contacts),
        *(f"block of {who}" for who in fresh.blocks if who not in told.blocks),
    ]
    for what in unsaid:
        says = f"{what} is shown to {fresh.person} by REST, and their self log never said so"
        findings.add(Rule.selflog, says, room=fresh.person)
