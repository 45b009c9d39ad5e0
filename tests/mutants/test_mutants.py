"""Every mutant is caught by its scenario: a harness that passes them would pass anything."""

from __future__ import annotations

from contextlib import aclosing

import pytest
import uvloop

from loadtest.torture.campaign import Campaign, Result
from loadtest.torture.scenarios import SCENARIOS
from tests.mutants.mutants import MUTANTS

pytestmark = [pytest.mark.prove, pytest.mark.timeout(400)]
SEED = 7
RUNS = 10
"""Some breaches are races, which a run of seconds meets in two of five; the first run that meets it is enough."""


@pytest.mark.parametrize("name", MUTANTS)
def test_a_mutant_is_caught(name: str) -> None:
    """One of a few runs of its scenario is broken, in the way that this breach shows."""
    mutant = MUTANTS[name]
    campaign = Campaign(lambda _: lambda _, __: None, ("tests.mutants.run", name))
    scenario = SCENARIOS[mutant.scenario]

    async def said() -> list[str]:
        heard: list[str] = []
        async with aclosing(campaign.run(scenario, range(SEED, SEED + RUNS))) as results:
            async for result in results:
                assert result.failure is None, result.failure
                heard += _said(result)
                if any(mutant.says in each for each in heard):
                    break
        return heard

    heard = uvloop.run(said())
    assert any(mutant.says in each for each in heard), heard


def _said(result: Result) -> list[str]:
    verdict = result.verdict
    assert verdict is not None
    found = list(result.complaints)
    found += [name for name in ("lost", "duplicated", "reordered") if getattr(verdict, name)]
    return [*found, *verdict.other]
