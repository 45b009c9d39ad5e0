"""The terrain measures fences by itself, and agrees with shapely and with the product."""

from math import pi, sqrt
from random import Random

import pytest
import shapely

from loadtest.geofence.machine import HOME, shape_of
from loadtest.geofence.placement import fence_around
from loadtest.geofence.terrain import Fence, Outline, Round, Terrain, exit_margin_m
from muster.fence import fence_of

HOLLOW = Outline(((0, 0), (100, 0), (100, 100), (50, 20), (0, 100)))


def _drawn(fence: Fence) -> shapely.Polygon:
    if isinstance(fence, Round):
        return shapely.Point(fence.x, fence.y).buffer(fence.radius_m, quad_segs=256)
    return shapely.Polygon(fence.corners)


@pytest.mark.parametrize("seed", range(12))
def test_distances_are_those_of_shapely_and_of_the_product(seed: int) -> None:
    """To half a metre; inside they are below 0."""
    random = Random(seed)
    fence = fence_around(random.uniform(-5_000, 5_000), random.uniform(-5_000, 5_000), random)
    drawn, compiled = _drawn(fence), fence_of(shape_of(fence, HOME))
    x0, y0 = fence.middle
    for _ in range(50):
        x, y = x0 + random.uniform(-400, 400), y0 + random.uniform(-400, 400)
        point = shapely.Point(x, y)
        away = drawn.boundary.distance(point) * (-1 if drawn.contains(point) else 1)
        assert fence.beyond_m(x, y) == pytest.approx(away, abs=0.1)
        assert fence.beyond_m(x, y) == pytest.approx(
            compiled.distance_m(*HOME.degrees(x, y)), abs=0.5
        )


def test_a_hollow_polygon_is_outside_where_it_is_hollow() -> None:
    """Between its two towers."""
    assert HOLLOW.beyond_m(50, 60) > 0
    assert HOLLOW.beyond_m(50, 10) == pytest.approx(-10, abs=0.8)
    assert HOLLOW.radius_m == pytest.approx(sqrt(6_000 / pi))


def test_metres_and_degrees_are_the_same_place() -> None:
    """There and back."""
    terrain = Terrain(-33.86, 151.2)
    assert terrain.metres(*terrain.degrees(1234.5, -876.0)) == pytest.approx((1234.5, -876.0))


def test_the_exit_margin_is_at_least_20_m() -> None:
    """And a tenth of a large fence."""
    assert exit_margin_m(Round(0, 0, 60)) == 20
    assert exit_margin_m(Round(0, 0, 900)) == 90
