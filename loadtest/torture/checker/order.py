"""Order: the log agrees with real time across senders, and with the order each sender sent in.

Owns the rule about numbers; the order of arrival is following.py's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from uuid import UUID

from loadtest.torture.checker.books import ENTRIES, Books, Op
from loadtest.torture.checker.findings import Findings, Rule
from loadtest.torture.checker.truth import Truth


def check_order(books: Books, truth: Truth, findings: Findings) -> None:
    """By the rows, so that a second answer to an old request proves nothing wrong."""
    numbered: dict[UUID, list[tuple[int, Op]]] = defaultdict(list)
    for op in books.ops.values():
        room = truth.rooms.get(op.room) if op.room else None
        if room is None or op.invoke.op not in ENTRIES or not op.invoke.client_id:
            continue
        row = room.by_client.get((op.invoke.author, op.invoke.client_id))
        if row is not None:
            numbered[room.room.room].append((row.seq, op))
    for room_id, ops in numbered.items():
        ops.sort(key=lambda pair: pair[0])
        _check_real_time(room_id, ops, findings)
        _check_program(room_id, ops, findings)


def _check_real_time(room: UUID, ops: list[tuple[int, Op]], findings: Findings) -> None:
    """Acked before another was begun: numbered before it."""
    first: tuple[int, int, Op] | None = None
    for seq, op in reversed(ops):
        if first is not None and first[0] < op.invoke.t:
            findings.add(
                Rule.order,
                f"room {room}: {first[2].name} was acked as {first[1]} before {op.name} was begun, which is {seq}",
                room=room,
                seq=seq,
            )
        if op.ok and (first is None or op.ok.t < first[0]):
            first = (op.ok.t, seq, op)


def _check_program(room: UUID, ops: Iterable[tuple[int, Op]], findings: Findings) -> None:
    """Sent one after the other on one socket, neither ever in doubt: numbered in that order."""
    last: dict[tuple[UUID | None, str], tuple[int, Op]] = {}
    for seq, op in ops:
        connection = op.invoke.connection
        if connection is None or op.infos or op.ok is None:
            continue
        before = last.get((op.invoke.device, connection))
        if before is not None and before[1].invoke.n > op.invoke.n:
            findings.add(
                Rule.order,
                f"room {room}: {op.name} was sent before {before[1].name}, and is {seq} after {before[0]}",
                room=room,
                seq=seq,
                device=op.invoke.device,
            )
        else:
            last[op.invoke.device, connection] = (seq, op)
