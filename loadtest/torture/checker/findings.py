"""What the checker found: how often by rule, and the first few of each in a sentence.

Owns the names of the rules. Must never leave a finding uncounted, however many there are.
"""

from __future__ import annotations

from collections import Counter
from enum import StrEnum
from uuid import UUID

from msgspec import Struct


class Rule(StrEnum):
    """What a finding breaks."""

    lost = "lost"
    duplicated = "duplicated"
    reordered = "reordered"
    phantom = "phantom"
    dense = "dense"
    order = "order"
    trespass = "trespass"
    membership = "membership"
    block = "block"
    skip = "skip"
    stray = "stray"
    unfetched = "unfetched"
    state = "state"
    selflog = "selflog"
    liveness = "liveness"
    unpushed = "unpushed"
    pushed_twice = "pushed_twice"
    pushed_wrongly = "pushed_wrongly"


class Finding(Struct, frozen=True, omit_defaults=True):
    """One breach of a rule."""

    rule: Rule
    says: str
    room: UUID | None = None
    seq: int | None = None
    device: UUID | None = None


class Findings:
    """All breaches of a run; of each rule the first `keep` are kept whole, the others counted."""

    def __init__(self, keep: int = 10) -> None:
        self.counts: Counter[Rule] = Counter()
        self.examples: list[Finding] = []
        self._keep = keep

    def add(
        self,
        rule: Rule,
        says: str,
        *,
        room: UUID | None = None,
        seq: int | None = None,
        device: UUID | None = None,
    ) -> None:
        """`says` is a sentence that names what it is about."""
        self.counts[rule] += 1
        if self.counts[rule] <= self._keep:
            self.examples.append(Finding(rule, says, room, seq, device))
