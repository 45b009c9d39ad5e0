"""Membership: spans are what joins, leaves and kicks say, and nobody speaks in a room they are not in.

Owns the exactness of a kick by seq, as far as the log itself shows it; who was shown what is delivery.py's.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

from loadtest.torture.checker.findings import Findings, Rule
from loadtest.torture.checker.truth import RoomTruth, Truth
from proto.entry import EntryKind

_SAID: Final = frozenset(
    {EntryKind.post, EntryKind.edit, EntryKind.react, EntryKind.unreact, EntryKind.delete}
    | {EntryKind.pin, EntryKind.unpin, EntryKind.settings}
)
_OUT: Final = frozenset({EntryKind.leave, EntryKind.kick})


def check_membership(truth: Truth, findings: Findings) -> None:
    """Every room but self and control logs, which have one member for ever, or none."""
    for room in truth.rooms.values():
        if room.room.kind not in ("self", "control") and room.room.floor == 0:
            _check_spans(room, findings)
            _check_authors(room, findings)


def _check_spans(room: RoomTruth, findings: Findings) -> None:
    told: dict[UUID, list[tuple[int, int | None]]] = {}
    for row in room.rows.values():
        if row.subject is None:
            continue
        spans = told.setdefault(row.subject, [])
        if row.kind is EntryKind.join:
            spans.append((row.seq, None))
        elif row.kind in _OUT and spans and spans[-1][1] is None:
            spans[-1] = (spans[-1][0], row.seq)
        elif row.kind in _OUT:
            _add(
                findings, room, row.seq, f"{row.kind} {row.seq} is of {row.subject}, who is not in"
            )
    for person in told.keys() | room.spans.keys():
        held = [(span.joined, span.to_seq) for span in room.spans.get(person, ())]
        said = told.get(person, [])
        if held != said:
            _add(findings, room, None, f"{person} is in {held} by the spans, {said} by the log")


def _check_authors(room: RoomTruth, findings: Findings) -> None:
    for row in room.rows.values():
        if row.kind in _SAID and row.client_id and not room.was_in(row.author, row.seq):
            says = f"{row.kind} {row.seq} is by {row.author}, who was not in at that seq"
            _add(findings, room, row.seq, says)


def _add(findings: Findings, room: RoomTruth, seq: int | None, says: str) -> None:
    findings.add(Rule.membership, f"room {room.room.room}: {says}", room=room.room.room, seq=seq)
