"""Blocked: within seconds of a block its author is hidden from the blocker on every hub, and cannot tell.

Owns that rule. Only what cannot have been on its way before is held against anybody: the entry was asked for, and the
device began to follow, after the block had to be in force.
"""

from __future__ import annotations

from collections import defaultdict
from uuid import UUID

from loadtest.torture.checker.books import Books
from loadtest.torture.checker.findings import Findings, Rule
from loadtest.torture.checker.silence import FOREVER, WORDS, Silence
from loadtest.torture.checker.truth import Truth
from loadtest.torture.history import Deliver, Resumed

Pair = tuple[UUID, UUID]
_DENIED = frozenset({102, 103})
"""not_found, permission_denied: what a block would look like to the blocked."""


def check_blocked(books: Books, truth: Truth, silence: Silence, findings: Findings) -> None:
    """Blocks made in the run."""
    windows = _certain(books)
    if not windows:
        return
    for device in books.devices.values():
        for frames in device.frames.values():
            followed = 0
            for frame in frames:
                if isinstance(frame, Resumed):
                    followed = frame.t
                elif isinstance(frame, Deliver) and frame.kind in WORDS:
                    room = truth.rooms.get(frame.room)
                    row = room.rows.get(frame.seq) if room else None
                    asked = silence.asked_at(row) if row else 0
                    _check(device.person, frame, max(asked, followed), windows, findings)
    _check_silence(books, truth, windows, findings)


def _certain(books: Books) -> dict[Pair, list[tuple[int, int]]]:
    """(from, to) in ns during which a block was in force for certain, on every hub."""
    slack = round(books.terms.block_within_s * 1e9)
    windows: dict[Pair, list[tuple[int, int]]] = defaultdict(list)
    for op in books.ops.values():
        subject = op.invoke.subject
        if op.invoke.op not in ("block", "unblock") or subject is None or op.fail:
            continue
        pair = (op.invoke.author, subject)
        if op.invoke.op == "unblock" and windows[pair]:
            windows[pair][-1] = (windows[pair][-1][0], min(windows[pair][-1][1], op.invoke.t))
        elif op.invoke.op == "block" and op.ok is not None:
            windows[pair].append((op.ok.t + slack, FOREVER))
    return windows


def _check(
    person: UUID,
    frame: Deliver,
    since: int,
    windows: dict[Pair, list[tuple[int, int]]],
    findings: Findings,
) -> None:
    for start, end in windows.get((person, frame.author), ()):
        if start < since and frame.t < end:
            findings.add(
                Rule.block,
                f"device {frame.device} was shown seq {frame.seq} of room {frame.room} by {frame.author}, whom "
                f"its person had blocked {(since - start) / 1e9:.1f} s before, the time allowed not counted",
                room=frame.room,
                seq=frame.seq,
                device=frame.device,
            )
            return


def _check_silence(
    books: Books, truth: Truth, windows: dict[Pair, list[tuple[int, int]]], findings: Findings
) -> None:
    """A post into a direct room with whoever blocks me is committed like any other."""
    for op in books.ops.values():
        room = truth.rooms.get(op.room) if op.room else None
        if op.invoke.op != "post" or op.fail is None or op.fail.code not in _DENIED or room is None:
            continue
        if room.room.kind != "direct" or op.invoke.author not in room.spans:
            continue
        for other in room.spans:
            for start, end in windows.get((other, op.invoke.author), ()):
                if start < op.invoke.t < end:
                    says = f"{op.name} was refused with {op.fail.code} in direct room {op.room}: the block shows"
                    findings.add(Rule.block, says, room=op.room)
