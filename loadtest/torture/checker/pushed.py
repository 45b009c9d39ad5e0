"""Pushed: whoever was away has on each phone what the rules owe them, in time, once, and nothing else.

Owns the rule, written a second time: a person without a socket is owed every message of others, not deleted and not
hidden, of rooms that ring for all (groups, and direct rooms that they began). A push about a later message of the room
covers it, for alerts collapse. A second push of the same message is only right where a fault left the first without
an answer, and no more of them than the pushers counted; where Redis was lost they cannot know.
Must never believe what a pusher says it sent.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from loadtest.torture.checker.books import Books, Injury
from loadtest.torture.checker.findings import Findings, Rule
from loadtest.torture.checker.truth import RoomTruth, Truth
from loadtest.torture.history import SqlEntry
from loadtest.torture.push_history import Away, Pushed
from proto.entry import EntryKind

LOUD: Final = frozenset({"group", "direct"})
"""Kinds of rooms in which nobody has to be named to be rung."""

ANSWER_NS: Final = 25 * 10**9
"""A push whose answer is still on its way when a fault begins; pushers give up after 20 s."""

AFTER_NS: Final = 2 * 10**9
FORGETFUL: Final = frozenset({"flush", "restart"})
"""After these Redis knows no claims: nobody can count what comes twice."""

GENTLE: Final = frozenset({"goaway"})
"""Nothing may be late for these."""

CUTTING: Final = frozenset({"kill", "reset", "cut", "drop", "stop"})


@dataclass(frozen=True, slots=True)
class Pushes:
    """`accepted` by phones; `again`: of them such as had come before, all for a reason if there are no findings.
    `late_s`: the worst time from when a message was acked, or from the end of the last fault, to its push.
    """

    accepted: int = 0
    again: int = 0
    late_s: float = 0.0


def check_pushed(books: Books, truth: Truth, findings: Findings) -> Pushes:
    """Every phone of everybody who was away."""
    if not books.away:
        return Pushes()
    acked: dict[tuple[UUID | None, int], int] = {
        (op.room, op.ok.seq): op.ok.t
        for op in books.ops.values()
        if op.invoke.op == "post" and op.ok and op.room and op.ok.seq is not None
    }
    asked = {
        (op.room, op.invoke.client_id): op.invoke.t
        for op in books.ops.values()
        if op.invoke.op == "post"
    }
    late_ns = 0
    for away in books.away:
        whole = max(
            (i.stop.t for i in books.faults.values() if i.stop and _hurts(i, away)), default=0
        )
        came: dict[UUID, list[Pushed]] = defaultdict(list)
        for push in books.pushed.get(away.token, ()):
            came[push.room].append(push)
            _check_right(books, truth, away, push, findings)
        for room in truth.rooms.values():
            if room.room.kind in LOUD and away.person in room.spans:
                owed = _owed(books, room, away)
                waits = _Waits(acked, asked, whole, round(books.terms.push_within_s * 1e9))
                late_ns = max(late_ns, waits.check(away, room, owed, came, findings))
    known = {away.token for away in books.away}
    for token, pushes in books.pushed.items():
        if token not in known:
            says = f"a phone that nobody has rang {len(pushes)} times"
            findings.add(Rule.pushed_wrongly, says, room=pushes[0].room, seq=pushes[0].seq)
    again = _check_once(books, findings)
    return Pushes(sum(map(len, books.pushed.values())), again, round(late_ns / 1e9, 3))


def _hurts(injury: Injury, away: Away) -> bool:
    """Whether a push of this provider may be late for it: not for a kind goodbye, nor for what the other one has."""
    other = "fcm" if away.provider == "apns" else "apns"
    return injury.start.kind not in GENTLE and other not in injury.start.target


def _owed(books: Books, room: RoomTruth, away: Away) -> list[SqlEntry]:
    """What this person is to be rung for, the newest first."""
    return [
        row
        for row in sorted(room.rows.values(), key=lambda row: -row.seq)
        if row.deleted_seq is None and _rings(books, room, away, row)
    ]


def _rings(books: Books, room: RoomTruth, away: Away, row: SqlEntry) -> bool:
    """Whether it did, or would, if it was not deleted first."""
    return (
        row.kind is EntryKind.post
        and row.author != away.person
        and (away.person, row.author) not in books.blocks
        and room.sees(away.person, row.seq)
        and room.room.kind in LOUD
    )


@dataclass(frozen=True, slots=True)
class _Waits:
    """`acked`: when, by room and seq; `asked`: when, by room and client id. `whole`: since when nothing hurts."""

    acked: dict[tuple[UUID | None, int], int]
    asked: dict[tuple[UUID | None, str | None], int]
    whole: int
    within: int

    def check(
        self,
        away: Away,
        room: RoomTruth,
        owed: list[SqlEntry],
        came: dict[UUID, list[Pushed]],
        findings: Findings,
    ) -> int:
        """The longest wait, in ns, of what came.

        What nobody saw acked is owed from the end of a fault that came after it was asked for; where none did, nobody
        knows since when, only that it is.
        """
        left = sorted(came.get(room.room.room, ()), key=lambda push: push.seq)
        first: int | None = None
        longest = 0
        for row in owed:
            while left and left[-1].seq >= row.seq:
                push = left.pop()
                first = push.t if first is None else min(first, push.t)
            since = self._since(room.room.room, row)
            late = 0 if first is None or not since else first - since
            longest = max(longest, late)
            if first is None or (self.within and late > self.within):
                when = "never" if first is None else f"only {late / 1e9:.1f} s too late"
                findings.add(
                    Rule.unpushed,
                    f"phone {away.device} ({away.provider}) rang {when} for seq {row.seq} of room {room.room.room}",
                    room=room.room.room,
                    seq=row.seq,
                    device=away.device,
                )
        return longest

    def _since(self, room: UUID, row: SqlEntry) -> int:
        """0: nobody knows."""
        acked = self.acked.get((room, row.seq))
        if acked is not None:
            return max(self.whole, acked)
        return self.whole if self.whole > self.asked.get((room, row.client_id), 0) else 0


def _check_right(books: Books, truth: Truth, away: Away, push: Pushed, findings: Findings) -> None:
    room = truth.rooms.get(push.room)
    row = room.rows.get(push.seq) if room is not None else None
    if room is None or row is None or not _rings(books, room, away, row):
        says = (
            f"phone {away.device} rang for seq {push.seq} of room {push.room}, which is not for it"
        )
        findings.add(Rule.pushed_wrongly, says, room=push.room, seq=push.seq, device=away.device)


def _check_once(books: Books, findings: Findings) -> int:
    """How many came again; each needs a cause, and all of a provider's a pusher that counted it."""
    counted = Counter[str]()
    for unsure in books.unsure.values():
        counted[unsure.provider] += unsure.count
    devices = {away.token: away.device for away in books.away}
    again = 0
    known = Counter[str]()
    for token, pushes in books.pushed.items():
        seen: dict[tuple[UUID, int], Pushed] = {}
        for push in sorted(pushes, key=lambda push: (push.t, push.number)):
            before = seen.setdefault((push.room, push.seq), push)
            if before is push:
                continue
            again += 1
            seen[push.room, push.seq] = push
            causes = [i.start.kind for i in books.faults.values() if _may_have_cut(i, before)]
            if causes and not FORGETFUL.intersection(causes):
                known[push.provider] += 1
            if not causes:
                findings.add(
                    Rule.pushed_twice,
                    f"phone {devices.get(token)} rang again for seq {push.seq} of room {push.room},"
                    f" {(push.t - before.t) / 1e9:.1f} s later, and nothing had gone wrong",
                    room=push.room,
                    seq=push.seq,
                    device=devices.get(token),
                )
    for provider, times in known.items():
        if times > counted[provider]:
            findings.add(
                Rule.pushed_twice,
                f"{times} pushes came again at {provider}, and its pushers were unsure of {counted[provider]} alone",
            )
    return again


def _may_have_cut(injury: Injury, push: Pushed) -> bool:
    """Whether this fault may have come between a push and its answer, or have had its claim forgotten."""
    start, stop = injury.start, injury.stop
    if start.kind in CUTTING:
        is_near = push.provider in start.target or start.target == "redis"
    else:
        is_near = start.kind in FORGETFUL
    if not is_near:
        return False
    return start.t - ANSWER_NS <= push.t and (stop is None or push.t <= stop.t + AFTER_NS)
