"""Content: whatever anybody is shown is a row of the log, word for word, and one that they may see.

Owns phantoms (what was never said, or not so) and trespass (what is not for this person). Must never mind when or in
which order it came.
"""

from __future__ import annotations

from uuid import UUID

from loadtest.torture.checker.findings import Findings, Rule
from loadtest.torture.checker.truth import RoomTruth
from loadtest.torture.history import Deliver, Item
from proto.entry import EntryKind


def check_content(
    truth: RoomTruth, shown: Deliver | Item, person: UUID, device: UUID | None, findings: Findings
) -> None:
    """One entry that `person` was shown (on `device`)."""
    room, seq = truth.room.room, shown.seq
    who = f"device {device}" if device else f"a fresh client of {person}"
    row = truth.rows.get(seq)
    if row is None:
        says = f"{who} was shown {shown.kind} {seq} of room {room}: there is no such seq in the log"
        findings.add(Rule.phantom, says, room=room, seq=seq, device=device)
    elif (shown.kind, shown.author, shown.subject, shown.client_id or None) != (
        row.kind,
        row.author,
        row.subject,
        row.client_id or None,
    ):
        says = (
            f"{who} was shown {shown.kind} {seq} of room {room} by {shown.author} as {shown.client_id!r}: "
            f"the log has {row.kind} by {row.author} as {row.client_id!r}"
        )
        findings.add(Rule.phantom, says, room=room, seq=seq, device=device)
    elif not _is_worded(truth, shown):
        says = f"{who} was shown words at {seq} of room {room} that were never sent there"
        findings.add(Rule.phantom, says, room=room, seq=seq, device=device)
    elif not truth.sees(person, seq):
        ends = [span.to_seq for span in truth.spans.get(person, ()) if span.to_seq is not None]
        out = max((end for end in ends if end < seq), default=None)
        why = "never let in to see it" if out is None else f"out of the room since {out}"
        says = f"{who} was shown seq {seq} of room {room}; {person} was {why}"
        findings.add(Rule.trespass, says, room=room, seq=seq, device=device)


def _is_worded(truth: RoomTruth, shown: Deliver | Item) -> bool:
    """Whether a message's text is one it has had. What was deleted since has no words left to compare."""
    target = shown.body.target if shown.kind is EntryKind.edit else shown.seq
    if shown.kind not in (EntryKind.post, EntryKind.edit) or shown.body.text is None:
        return True
    if target is None or target in truth.deletions:
        return True
    return shown.body.text in truth.words.get(target, ())
