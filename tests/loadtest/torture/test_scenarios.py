"""The scenarios, each once: short ones beside every change, all of them in `make prove`."""

from __future__ import annotations

from dataclasses import replace

import pytest
import uvloop

from loadtest.torture.campaign import Campaign, Result
from loadtest.torture.scenario import Scenario, Stage
from loadtest.torture.scenarios import BY_NAME_ONLY, SCENARIOS

SEED = 1
SHORT = ("hub_killed", "acks_dropped")


def runs(scenario: Scenario, seeds: range) -> list[Result]:
    """On a loop as it is in the field: what pytest adds to find mistakes takes most of the time."""

    async def all_of_them() -> list[Result]:
        campaign = Campaign(lambda _: lambda _, __: None)
        return [result async for result in campaign.run(scenario, seeds)]

    return uvloop.run(all_of_them())


def told(result: Result) -> str:
    """What is wrong with a run, for people."""
    verdict = result.verdict
    found = [result.failure or "", *result.complaints]
    if verdict is not None:
        found += [*verdict.void, *(example.says for example in verdict.examples)]
    return f"seed {result.seed}, kept in {result.kept}: " + "; ".join(
        each for each in found if each
    )


@pytest.mark.timeout(180)
@pytest.mark.parametrize("name", SHORT)
def test_nothing_is_lost(name: str) -> None:
    """A short run: every promise holds, and the fault bit."""
    scenario = replace(SCENARIOS[name], minimum=900, before=200, after=300)
    [result] = runs(scenario, range(SEED, SEED + 1))
    assert not result.broken, told(result)
    assert not result.void, told(result)


@pytest.mark.prove
@pytest.mark.timeout(180)
def test_a_fault_that_leaves_no_mark_makes_a_run_void() -> None:
    """Neither good nor bad, and its record is kept."""

    async def idle(stage: Stage) -> None:
        async with stage.fault("kill", "nobody"):
            await stage.acks(50)

    scenario = Scenario("idle", "nothing happens", idle, minimum=300, before=50, after=100)
    [result] = runs(scenario, range(SEED, SEED + 1))
    assert not result.broken, told(result)
    assert result.void
    assert result.kept is not None


@pytest.mark.prove
@pytest.mark.timeout(400)
@pytest.mark.parametrize("name", [name for name in SCENARIOS if name not in BY_NAME_ONLY])
def test_nothing_is_lost_in_a_whole_run(name: str) -> None:
    """With as many entries as a run of the record has."""
    [result] = runs(SCENARIOS[name], range(SEED, SEED + 1))
    if result.skipped is not None:
        pytest.skip(result.skipped)
    assert not result.broken, told(result)
    assert not result.void, told(result)
