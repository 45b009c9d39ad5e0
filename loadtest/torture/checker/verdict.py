"""The verdict on a run: every rule applied to its history.

Owns the order of the rules and the figures of the report. Must never soften: one finding, and the run is not clean.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from loadtest.torture.checker.bite import voids
from loadtest.torture.checker.blocked import check_blocked
from loadtest.torture.checker.books import Books
from loadtest.torture.checker.delivery import check_delivery
from loadtest.torture.checker.dense import check_dense
from loadtest.torture.checker.durable import check_durable
from loadtest.torture.checker.findings import Finding, Findings, Rule
from loadtest.torture.checker.liveness import check_liveness
from loadtest.torture.checker.membership import check_membership
from loadtest.torture.checker.order import check_order
from loadtest.torture.checker.pushed import Pushes, check_pushed
from loadtest.torture.checker.selflog import check_selflog
from loadtest.torture.checker.silence import Silence
from loadtest.torture.checker.state import State
from loadtest.torture.checker.times import recoveries, staleness_p99_s
from loadtest.torture.checker.truth import Truth
from loadtest.torture.history import AnyRecord, Run


class Verdict(Struct, frozen=True):
    """What a run shows. `acked` counts entries; `delivered` entries on devices, skips not among them.

    `lost` counts acked entries that are not in the log, and entries of the log that a device was owed and did not get:
    also those it was told to skip without cause, or never fetched. `recovered`: outcomes that were unknown, and in the
    end committed. `recovery_s`: of each fault. `other`: findings of all other rules, by rule. `pushes`: to whoever was
    away.
    """

    run: Run
    acked: int
    delivered: int
    lost: int
    duplicated: int
    reordered: int
    phantom: int
    recovered: int
    recovery_s: list[float]
    staleness_p99_s: float
    other: dict[str, int]
    void: list[str]
    examples: list[Finding]
    pushes: Pushes = Pushes()

    @property
    def clean(self) -> bool:
        """Whether every promise held. A void run holds nothing up."""
        return not (self.void or self.broken)

    @property
    def broken(self) -> bool:
        """Whether any promise was broken, void or not: a fault of ours counts in any weather."""
        return bool(
            self.lost
            or self.duplicated
            or self.reordered
            or self.phantom
            or any(self.other.values())
        )


_TOLD = (Rule.lost, Rule.duplicated, Rule.reordered, Rule.phantom)


def check(records: Iterable[AnyRecord], keep: int = 10) -> Verdict:
    """Judge a run by its records, in order of time (`journal.read`). Raises `Unreadable`."""
    books, findings = Books(records), Findings(keep)
    truth, silence = Truth(books), Silence(books)
    acked, recovered = check_durable(books, truth, findings)
    check_dense(books, findings)
    check_order(books, truth, findings)
    check_membership(truth, findings)
    followings, delivered = check_delivery(books, truth, silence, findings)
    check_blocked(books, truth, silence, findings)
    State(books, truth, silence, findings).check(followings)
    check_selflog(books, truth, followings, findings)
    recovery = recoveries(books, followings)
    check_liveness(books, truth, followings, recovery, findings)
    pushes = check_pushed(books, truth, findings)
    counts = findings.counts
    return Verdict(
        run=books.terms,
        acked=acked,
        delivered=delivered,
        lost=counts[Rule.lost] + counts[Rule.skip] + counts[Rule.unfetched],
        duplicated=counts[Rule.duplicated],
        reordered=counts[Rule.reordered],
        phantom=counts[Rule.phantom],
        recovered=recovered,
        recovery_s=[round(seconds, 3) for _, _, seconds in recovery],
        staleness_p99_s=round(staleness_p99_s(books, followings), 3),
        other={rule: counts[rule] for rule in Rule if rule not in _TOLD and counts[rule]},
        void=voids(books),
        examples=findings.examples,
        pushes=pushes,
    )
