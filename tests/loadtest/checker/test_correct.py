"""What is right is found right, whatever happens: the checker never cries wolf."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loadtest.torture.checker.verdict import check
from tests.loadtest.checker.model import Model


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**32), steps=st.integers(20, 400))
def test_a_correct_history_passes(seed: int, steps: int) -> None:
    """Gaps, skips, kicks, blocks, lost acks and outcomes never learnt are no faults."""
    verdict = check(Model(seed).live(steps))
    assert verdict.clean, [finding.says for finding in verdict.examples] + verdict.void
    assert verdict.acked
    assert verdict.delivered
