"""Times: how long after a fault's end everybody had what was said till then, and how late what was said became seen.

Owns these two figures. Pure arithmetic on what following.py noted. Must never call anything lost.
"""

from __future__ import annotations

from bisect import bisect_right
from uuid import UUID

from loadtest.percentiles import percentile
from loadtest.torture.checker.books import ENTRIES, Books
from loadtest.torture.checker.delivery import Followings
from loadtest.torture.checker.following import Following


class Progress:
    """Up to which seq a device was settled, and when."""

    def __init__(self, following: Following) -> None:
        covered = following.covered
        self._seqs = sorted(covered)
        self._by: list[int] = []
        latest = 0
        for seq in self._seqs:
            latest = max(latest, covered[seq])
            self._by.append(latest)

    def settled_at(self, seq: int) -> int:
        """When, in ns, everything it ever got up to `seq` had come; 0 for nothing."""
        place = bisect_right(self._seqs, seq)
        return self._by[place - 1] if place else 0


def recoveries(books: Books, followings: Followings) -> list[tuple[str, UUID, float]]:
    """(fault, the slowest device, seconds) of each fault that ended, over devices that are there in the end."""
    acks: dict[UUID, list[tuple[int, int]]] = {}
    for op in books.ops.values():
        if op.invoke.op in ENTRIES and op.ok and op.ok.seq is not None and op.room:
            acks.setdefault(op.room, []).append((op.ok.t, op.ok.seq))
    heads = {room: _Heads(sorted(said)) for room, said in acks.items()}
    there = [(key, Progress(each)) for key, each in followings.items() if each.live]
    found = []
    for fault, injury in books.faults.items():
        if injury.stop is None:
            continue
        slowest, who = 0, None
        for (device, room), progress in there:
            head = heads[room].at(injury.stop.t) if room in heads else 0
            late = progress.settled_at(head) - injury.stop.t
            if late > slowest:
                slowest, who = late, device
        if there:
            found.append((fault, who or there[0][0][0], slowest / 1e9))
    return found


class _Heads:
    """The highest acked seq of a room at any time."""

    def __init__(self, acks: list[tuple[int, int]]) -> None:
        self._times = [t for t, _ in acks]
        self._seqs: list[int] = []
        for _, seq in acks:
            self._seqs.append(max(seq, self._seqs[-1] if self._seqs else 0))

    def at(self, t: int) -> int:
        place = bisect_right(self._times, t)
        return self._seqs[place - 1] if place else 0


def staleness_p99_s(books: Books, followings: Followings) -> float:
    """Of all deliveries of acked entries: from the ack, or since the device wished to be there, to the delivery."""
    acked = {
        (op.room, op.ok.seq): op.ok.t
        for op in books.ops.values()
        if op.invoke.op in ENTRIES and op.ok and op.ok.seq is not None
    }
    waits = []
    for (_, room), following in followings.items():
        for seq, t in following.delivered.items():
            ack = acked.get((room, seq))
            if ack is not None:
                waits.append(max(0, t - max(ack, following.awaited)) / 1e9)
    return percentile(sorted(waits), 0.99)
