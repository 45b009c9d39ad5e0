"""A fault that did not bite makes a run void, which is neither good nor bad; what a run is made of must be readable."""

from __future__ import annotations

from uuid import UUID

import msgspec
import pytest
from msgspec.structs import replace

from loadtest.torture import history as h
from loadtest.torture.checker.bite import PROOFS
from loadtest.torture.checker.books import Unreadable
from loadtest.torture.checker.verdict import Verdict, check
from tests.loadtest.checker.model import Model

Records = list[h.AnyRecord]


def _records() -> Records:
    return Model(3).live(120)


def _with_stops(records: Records, **proof: int | str) -> Verdict:
    return check(
        [replace(r, proof=dict(proof)) if isinstance(r, h.FaultStop) else r for r in records]
    )


def test_a_fault_that_did_not_bite_makes_the_run_void_and_breaks_nothing() -> None:
    """Each fault is named with the proof it lacks; the promises still held."""
    verdict = _with_stops(_records(), connections_cut=0, exit_code=0)
    assert verdict.void
    assert not verdict.clean
    assert not verdict.broken
    assert all("did not bite" in why for why in verdict.void)


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("kill", {"exit_code": -9}, {"exit_code": 0}),
        ("term", {"exit_code": 0}, {}),
        ("stop", {"stopped_s": 0.5}, {"stopped_s": 0}),
        ("cut", {"bytes_held": 1}, {"bytes_held": 0, "connections_cut": 0}),
        ("flush", {"keys_before": 3, "epoch_before": 1, "epoch_after": 2}, {"keys_before": 3}),
        ("restart", {"run_id_before": "a", "run_id_after": "b"}, {"run_id_before": "a", "run_id_after": "a"}),
        ("acks_dropped", {"acks_dropped": 4}, {"acks_dropped": 0}),
        ("clock", {"jumped_s": -3600}, {"jumped_s": 0}),
    ],
)  # fmt: skip
def test_each_kind_of_fault_has_its_own_proof(
    kind: str, good: dict[str, int], bad: dict[str, int]
) -> None:
    """What proves one fault proves no other, and zero proves nothing."""
    records = [replace(r, kind=kind) if isinstance(r, h.FaultStart) else r for r in _records()]
    assert _with_stops(records, **good).clean
    assert _with_stops(records, **bad).void


def test_every_kind_says_what_its_proof_is() -> None:
    """Nobody's proof is empty: {} proves no fault of any kind."""
    assert not [kind for kind, (says, holds) in PROOFS.items() if not says or holds({})]


def test_an_unknown_fault_one_without_end_and_none_at_all_are_void() -> None:
    """There is no default that counts as proof."""
    records = _records()
    strange = [replace(r, kind="gremlins") if isinstance(r, h.FaultStart) else r for r in records]
    assert "nothing says how" in check(strange).void[0]
    endless = [r for r in records if not isinstance(r, h.FaultStop)]
    assert all("never ended" in why for why in check(endless).void)
    calm = [r for r in records if not isinstance(r, h.FaultStart | h.FaultStop)]
    assert check(calm).void == ["no fault was tried"]


def test_a_fault_that_met_no_traffic_is_void() -> None:
    """A hub may be killed while nobody speaks; it shows nothing."""
    records = _records()
    end = max(record.t for record in records)
    later: Records = [
        h.FaultStart(t=end + 1, fault="late", kind="kill", target="hub-1"),
        h.FaultStop(t=end + 2, fault="late", proof={"exit_code": -9}),
    ]
    quiet = [r for r in records if not isinstance(r, h.Info)]
    answered = {(r.process, r.n) for r in quiet if isinstance(r, h.Ok | h.Fail)}
    asked = [r for r in quiet if not isinstance(r, h.Invoke) or (r.process, r.n) in answered]
    void = check(asked + later).void
    assert any("late" in why and "nobody asked" in why for why in void)
    assert "nobody asked for anything after the last fault" in void


def test_a_history_that_contradicts_itself_has_no_verdict() -> None:
    """A torn or doctored record is not judged, whatever it would show."""
    records = _records()
    invoke = next(r for r in records if isinstance(r, h.Invoke))
    for wrong in (
        [r for r in records if not isinstance(r, h.Run)],
        [*records, invoke],
        [*records, h.Ok(t=0, process="nobody", n=1)],
        [*records, h.FaultStop(t=0, fault="none", proof={})],
        [*records, h.Disconnected(t=0, device=UUID(int=1), connection="none")],
        [r for r in records if not isinstance(r, h.Device)],
    ):
        with pytest.raises(Unreadable):
            check(wrong)


def test_a_verdict_is_one_json_object() -> None:
    """The harness keeps it beside the history."""
    verdict = check(_records())
    assert msgspec.json.decode(msgspec.json.encode(verdict))["acked"] == verdict.acked
