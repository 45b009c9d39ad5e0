"""The books of a replay: what was sent and acked, and what each device was given.

Owns the verdict: every acked message reached every device that was a member at that seq, once and
in order, or it is lost, duplicated or reordered. Pure: times come in. Must never look at a
message's text.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

from loadtest.percentiles import percentile


class Figures(NamedTuple):
    """The keys of `python -m loadtest replay --json`."""

    sent: int
    acked: int
    delivered: int
    lost: int
    duplicated: int
    reordered: int
    phantom: int
    p50_ms: float
    p95_ms: float
    p99_ms: float

    @property
    def clean(self) -> bool:
        """Whether every promise held."""
        return self.sent == self.acked and not (
            self.lost or self.duplicated or self.reordered or self.phantom
        )


@dataclass(slots=True)
class _Device:
    spans: list[tuple[int, int | None]] = field(default_factory=list)
    given: list[int] = field(default_factory=list)
    duplicates: int = 0
    holes: int = 0


class Ledger:
    """One room's messages and any number of devices, each named by a number."""

    def __init__(self) -> None:
        self._sent_at: dict[str, float] = {}
        self._acked: dict[str, int] = {}
        self._devices: dict[int, _Device] = {}
        self._waits_ms: list[float] = []

    def sent(self, client_id: str, at: float) -> None:
        """A message was handed to its author's phone."""
        self._sent_at[client_id] = at

    def acked(self, client_id: str, seq: int) -> None:
        """The server said that it is committed."""
        self._acked[client_id] = seq

    def joined(self, device: int, seq: int) -> None:
        """From this seq on, the device's person is a member."""
        spans = self._device(device).spans
        if not spans or spans[-1][1] is not None:
            spans.append((seq, None))

    def left(self, device: int, seq: int) -> None:
        """This seq is the last that is for the device (until it joins again)."""
        spans = self._device(device).spans
        if spans and (spans[-1][1] is None or spans[-1][1] > seq):
            spans[-1] = (spans[-1][0], seq)

    def told_gone(self, device: int, at: int) -> None:
        """A device that had everything up to `at` learnt that its person has left."""
        spans = self._device(device).spans
        for place, (low, high) in enumerate(spans):
            if low <= at + 1 and (high is None or high > at):
                spans[place] = (low, at)

    def given(self, device: int, seq: int, client_id: str, at: float) -> None:
        """The device's app got a message."""
        self._device(device).given.append(seq)
        if client_id in self._sent_at:
            self._waits_ms.append((at - self._sent_at[client_id]) * 1_000)

    def faults(self, device: int, duplicates: int, holes: int) -> None:
        """What the device's client put right by itself still counts."""
        books = self._device(device)
        books.duplicates, books.holes = duplicates, holes

    def expected(self) -> int:
        """How many deliveries there will be when nothing is lost."""
        seqs = self._acked.values()
        return sum(_member(books, seq) for books in self._devices.values() for seq in seqs)

    def counts(self) -> tuple[int, int, int]:
        """Sent, acked, delivered so far."""
        given = sum(len(books.given) for books in self._devices.values())
        return len(self._sent_at), len(self._acked), given

    def last_seq(self) -> int:
        """The highest seq that was committed for this room, as far as anybody was told."""
        spans = [span for books in self._devices.values() for span in books.spans]
        return max([*self._acked.values(), *(high or low for low, high in spans)], default=0)

    def unanswered(self) -> int:
        """Messages sent and not acked yet."""
        return len(self._sent_at) - len(self._acked)

    def figures(self) -> Figures:
        """The verdict as things stand."""
        messages = set(self._acked.values())
        lost = duplicated = reordered = phantom = delivered = 0
        for books in self._devices.values():
            counts = Counter(books.given)
            delivered += len(books.given)
            lost += sum(seq not in counts for seq in messages if _member(books, seq))
            duplicated += books.duplicates + sum(times - 1 for times in counts.values())
            reordered += books.holes + _falls(books.given)
            phantom += sum(seq not in messages or _gone(books, seq) for seq in counts)
        waits = sorted(self._waits_ms)
        return Figures(
            len(self._sent_at),
            len(self._acked),
            delivered,
            lost,
            duplicated,
            reordered,
            phantom,
            *(round(percentile(waits, share), 2) for share in (0.50, 0.95, 0.99)),
        )

    def _device(self, device: int) -> _Device:
        return self._devices.setdefault(device, _Device())


def _member(books: _Device, seq: int) -> bool:
    return any(low <= seq and (high is None or seq <= high) for low, high in books.spans)


def _gone(books: _Device, seq: int) -> bool:
    """Whether this comes after their last leave: who is in may see what was said before."""
    return all(high is not None and seq > high for _, high in books.spans)


def _falls(seqs: list[int]) -> int:
    """How many came after one that should have followed them."""
    highest, falls = 0, 0
    for seq in seqs:
        falls += seq < highest
        highest = max(highest, seq)
    return falls
