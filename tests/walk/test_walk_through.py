"""People walk past and through fences through a whole Muster, and hosts see what they were told."""

from random import Random

import pytest

from loadtest.geofence.path import Path
from loadtest.geofence.product import through
from loadtest.geofence.score import match
from loadtest.geofence.sky import recorded
from loadtest.geofence.terrain import Fence, Round, outline
from loadtest.geofence.trace import Spot
from loadtest.geofence.truth import Case, Truth
from loadtest.progress import Progress
from loadtest.stack import Stack

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.prove]
DWELL_S = 4.0
FENCES: tuple[Fence, ...] = (Round(0, 0, 100), outline(0, 0, (120, 90, 110, 95, 130)))


def _walker(number: int, *ways: tuple[float, float]) -> Case:
    """A fix a second; each way: a time, and how far from the middle somebody then is."""
    walk = Path([Spot(at_s, far_m, 0.0) for at_s, far_m in ways])
    spots = [spot for _, spot in walk.seconds() if spot is not None]
    heard = tuple(recorded(spots, walk, Random(number)))
    return Case(f"walker-{number}", FENCES[number % 2], walk, heard)


@pytest.mark.timeout(300)
async def test_what_is_told_is_true_and_hosts_see_it(stack: Stack) -> None:
    """A visitor, somebody who stays, and somebody who walks past; circles and polygons."""
    visit = ((0, 200), (4, 200), (8, 20), (20, 20), (24, 200), (40, 200))
    stays = ((0, 200), (10, 20), (40, 20))
    past = ((0, 250), (40, 150))
    cases = [_walker(n, *ways) for n, ways in enumerate((visit, visit, stays, stays, past, past))]
    sights = await through(cases, stack.api_url, DWELL_S, "through", Progress())
    for sight, edges in zip(sights, (2, 2, 1, 1, 0, 0), strict=True):
        found = match(Truth(sight.played.case, DWELL_S), sight.played.told)
        assert len(found.matched) == edges, sight
        assert not found.missed, sight
        assert not found.false, sight
        assert sight.agrees, sight
