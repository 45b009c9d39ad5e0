"""Durable: what was acked is in the log where the ack said; what was refused is not; what is unknown at most once.

Owns that rule, and the count of unknown outcomes that turn out to have been committed.
"""

from __future__ import annotations

from collections import defaultdict
from uuid import UUID

from loadtest.torture.checker.books import ENTRIES, Books, Op
from loadtest.torture.checker.findings import Findings, Rule
from loadtest.torture.checker.truth import RoomTruth, Truth
from loadtest.torture.history import SqlEntry
from proto.entry import EntryKind


def check_durable(books: Books, truth: Truth, findings: Findings) -> tuple[int, int]:
    """How many entries were acked, and how many unknown ones are in the log all the same."""
    acked = recovered = 0
    known_by: dict[UUID, list[tuple[int, int]]] = defaultdict(list)
    for op in books.ops.values():
        if op.invoke.op in ENTRIES and op.ok and op.ok.seq is not None and op.room:
            known_by[op.room].append((op.ok.seq, op.ok.t))
    latest = {room: _earliest_above(acks) for room, acks in known_by.items()}
    invited = {
        (op.room, op.invoke.subject, op.invoke.t)
        for op in books.ops.values()
        if op.invoke.op == "invite"
    }
    for op in books.ops.values():
        room = truth.rooms.get(op.room) if op.room else None
        if op.invoke.op not in ENTRIES:
            continue
        row = None if room is None else _row_of(room, op)
        if op.ok:
            acked += 1
            if row is None and room is not None and _ends_an_invitation(room, op, invited):
                continue  # the invitation is no entry of the room, and neither is its end: the head is told
            _check_ok(truth, room, op, row, findings)
        elif op.fail and room is not None and row is not None:
            _check_fail(op, row, latest.get(room.room.room, []), findings)
        elif row is not None:
            recovered += 1
    _check_unsaid(books, truth, findings)
    return acked, recovered


def _row_of(room: RoomTruth, op: Op) -> SqlEntry | None:
    client_id = op.invoke.client_id
    return room.by_client.get((op.invoke.author, client_id)) if client_id else None


def _check_ok(
    truth: Truth, room: RoomTruth | None, op: Op, row: SqlEntry | None, findings: Findings
) -> None:
    ok, invoke = op.ok, op.invoke
    assert ok is not None
    if ok.seq is None or op.room is None or truth.rewound(op.room, ok.seq, ok.t):
        return
    stands = None if room is None else room.rows.get(ok.seq)
    if row is None and stands is not None and (not ok.fresh or not invoke.client_id):
        if stands.kind == invoke.op and (not ok.fresh or stands.author == invoke.author):
            return  # a change of nothing: the seq in force, made by another request
        if not ok.fresh and invoke.op in ("unreact", "unpin", "join", "leave", "kick", "role"):
            return  # there was nothing to take back, or they were in (or out) already: the head is told
    elif row is not None and row.seq == ok.seq and row.kind == invoke.op:
        return
    where = "nowhere in the log" if row is None else f"{row.kind} {row.seq}"
    findings.add(
        Rule.lost,
        f"{op.name} was acked as seq {ok.seq} of room {op.room}; it is {where}",
        room=op.room,
        seq=ok.seq,
        device=invoke.device,
    )


def _ends_an_invitation(
    room: RoomTruth, op: Op, invited: set[tuple[UUID | None, UUID | None, int]]
) -> bool:
    """Whether somebody who was invited, and not in, declined or was no longer wanted."""
    ok, invoke = op.ok, op.invoke
    if invoke.op not in ("leave", "kick") or ok is None or ok.seq not in room.rows:
        return False
    who = invoke.author if invoke.op == "leave" else invoke.subject
    if who is None or room.was_in(who, ok.seq):
        return False
    return any(place == op.room and whom == who and t < ok.t for place, whom, t in invited)


def _check_fail(op: Op, row: SqlEntry, acks: list[tuple[int, int]], findings: Findings) -> None:
    """After an unknown outcome an earlier attempt may still have landed later than the refusal: only what was
    certainly there when it was refused is held against it.
    """
    assert op.fail is not None
    if op.infos:
        at = _first_above(acks, row.seq)
        if at is None or at >= op.fail.t:
            return
    findings.add(
        Rule.phantom,
        f"{op.name} was refused with {op.fail.code}, yet it is seq {row.seq} of room {row.room}",
        room=row.room,
        seq=row.seq,
    )


def _earliest_above(acks: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """(seq, the earliest time at which anything from this seq on was acked), highest seq first."""
    found: list[tuple[int, int]] = []
    for seq, t in sorted(acks, reverse=True):
        found.append((seq, min(t, found[-1][1]) if found else t))
    return found


def _first_above(acks: list[tuple[int, int]], seq: int) -> int | None:
    at = None
    for higher, t in acks:
        if higher <= seq:
            break
        at = t
    return at


def _check_unsaid(books: Books, truth: Truth, findings: Findings) -> None:
    """Every post in the log was asked for by somebody."""
    asked = {(op.invoke.author, op.invoke.client_id) for op in books.ops.values()}
    for room in truth.rooms.values():
        for row in room.rows.values():
            if row.kind is EntryKind.post and (row.author, row.client_id) not in asked:
                findings.add(
                    Rule.phantom,
                    f"seq {row.seq} of room {row.room} is a post that nobody sent",
                    room=row.room,
                    seq=row.seq,
                )
