"""Every mutant is caught by its scenario: a harness that passes them would pass anything."""

from __future__ import annotations

import pytest
import uvloop

from loadtest.torture.campaign import Campaign, Result
from loadtest.torture.scenarios import SCENARIOS
from tests.mutants.mutants import MUTANTS

pytestmark = [pytest.mark.prove, pytest.mark.timeout(400)]
SEED = 7


@pytest.mark.parametrize("name", MUTANTS)
def test_a_mutant_is_caught(name: str) -> None:
    """A run of its scenario is broken, in the way that this breach shows."""
    mutant = MUTANTS[name]
    campaign = Campaign(lambda _: lambda _, __: None, ("tests.mutants.run", name))
    scenario = SCENARIOS[mutant.scenario]

    async def runs() -> list[Result]:
        return [result async for result in campaign.run(scenario, range(SEED, SEED + 1))]

    [result] = uvloop.run(runs())
    assert result.failure is None, result.failure
    assert any(mutant.says in said for said in _said(result)), _said(result)


def _said(result: Result) -> list[str]:
    verdict = result.verdict
    assert verdict is not None
    found = list(result.complaints)
    found += [name for name in ("lost", "duplicated", "reordered") if getattr(verdict, name)]
    return [*found, *verdict.other]
