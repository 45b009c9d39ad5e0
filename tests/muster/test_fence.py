"""Fences: what is one, and how far it is from anywhere."""

from math import cos, hypot, inf, nan, pi, sin
from typing import Any

import pytest
import shapely
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from muster.errors import Refused
from muster.fence import fence_of
from muster.plane import Plane, boxes
from muster.point import Point, distance_m
from muster.venue import Circle, Polygon
from proto.codes import Code

BERLIN = Point(52.52, 13.405)
SUVA = Point(-18.14, 179.9995)
PLACES = [
    BERLIN,
    SUVA,
    Point(0.0, -180.0),
    Point(89.9995, 30.0),
    Point(-90.0, 0.0),
    Point(79.99, 5),
]
ANGLES = st.floats(0, 2 * pi)

Ring = list[tuple[float, float]]


def ring(centre: Point, *corners: tuple[float, float]) -> Ring:
    """A closed ring through corners that are metres east and north of the centre."""
    plane = Plane(centre)
    points = [plane.point(x, y) for x, y in corners]
    return [(point.lon, point.lat) for point in [*points, points[0]]]


def regular(centre: Point, radius_m: float, corners: int) -> Ring:
    """A closed ring of so many corners."""
    turns = (2 * pi * number / corners for number in range(corners))
    return ring(centre, *((radius_m * cos(turn), radius_m * sin(turn)) for turn in turns))


SQUARE = [(-200, -200), (200, -200), (200, 200), (-200, 200)]


def spoiled(shape: str) -> Any:
    """Shapes that are no fences, each for one reason."""
    lon, lat = BERLIN.lon, BERLIN.lat
    square = ring(BERLIN, *SQUARE)
    return {
        "nan radius": Circle(BERLIN, nan),
        "endless radius": Circle(BERLIN, inf),
        "no radius": Circle(BERLIN, 0.0),
        "small circle": Circle(BERLIN, 19.9),
        "continent": Circle(BERLIN, 50_001.0),
        "nowhere": Circle(Point(nan, 13.0), 100.0),
        "beyond the pole": Circle(Point(90.1, 13.0), 100.0),
        "nan corner": Polygon([[*square[:2], (nan, lat), *square[2:]]]),
        "endless corner": Polygon([[*square[:2], (lon, inf), *square[2:]]]),
        "swapped": Polygon([[(lat, lon + 100) for lon, lat in square]]),
        "no ring": Polygon([]),
        "open": Polygon([[*square[:-1], (lon, lat)]]),
        "two corners": Polygon([[square[0], square[1], square[0]]]),
        "empty ring": Polygon([square, []]),
        "bow tie": Polygon([ring(BERLIN, (-200, -200), (200, 200), (200, -200), (-200, 200))]),
        "line": Polygon([ring(BERLIN, (-200, 0), (0, 0), (200, 0))]),
        "one point": Polygon([[(lon, lat)] * 4]),
        "hole outside": Polygon([square, ring(BERLIN, (500, 0), (600, 0), (600, 50))]),
        "small": Polygon([ring(BERLIN, (0, 0), (20, 0), (20, 20), (0, 20))]),
        "far": Polygon([ring(BERLIN, (0, 0), (99_000, 0), (99_000, 60_000))]),
        "half the world": Polygon([[(0.0, 0.0), (120.0, 0.0), (-120.0, 0.0), (0.0, 0.0)]]),
        "many points": Polygon([regular(BERLIN, 300.0, 1000)]),
        "many rings": Polygon([square] * 21),
    }[shape]


@pytest.mark.parametrize(
    ("shape", "sentence"),
    [
        ("nan radius", "a fence's radius is a number of metres"),
        ("endless radius", "a fence's radius is a number of metres"),
        ("no radius", "a fence is at least as large as a circle of radius 20 m"),
        ("small circle", "a fence is at least as large as a circle of radius 20 m"),
        ("continent", "a fence lies within a circle of radius 50 km"),
        ("nowhere", "a fence's points are numbers"),
        ("beyond the pole", "a fence's points are longitude -180 to 180, then latitude -90 to 90"),
        ("nan corner", "a fence's points are numbers"),
        ("endless corner", "a fence's points are numbers"),
        ("swapped", "a fence's points are longitude -180 to 180, then latitude -90 to 90"),
        ("no ring", "a polygon has 1 to 20 rings: the first its border, the others holes"),
        ("open", "a ring is closed: its last point is its first again"),
        ("two corners", "a ring has at least 4 points, the last being the first again"),
        ("empty ring", "a ring has at least 4 points, the last being the first again"),
        ("bow tie", "a fence's border does not cross or touch itself, and its holes lie inside"),
        ("line", "a fence is at least as large as a circle of radius 20 m"),
        ("one point", "a fence's border does not cross or touch itself, and its holes lie inside"),
        (
            "hole outside",
            "a fence's border does not cross or touch itself, and its holes lie inside",
        ),
        ("small", "a fence is at least as large as a circle of radius 20 m"),
        ("far", "a fence lies within a circle of radius 50 km"),
        ("half the world", "a fence lies within a circle of radius 50 km"),
        ("many points", "a polygon has at most 1000 points"),
        ("many rings", "a polygon has 1 to 20 rings: the first its border, the others holes"),
    ],
)
def test_what_is_no_fence_is_refused_with_a_sentence(shape: str, sentence: str) -> None:
    """One for each fault."""
    with pytest.raises(Refused) as refused:
        fence_of(spoiled(shape))
    assert (refused.value.code, refused.value.message) == (Code.bad_request, sentence)


@pytest.mark.parametrize("centre", PLACES)
@settings(max_examples=20)
@given(angle=ANGLES, away_m=st.floats(-150, 5000))
def test_a_circle_is_as_far_as_it_is_on_the_ground(
    centre: Point, angle: float, away_m: float
) -> None:
    """Also over a pole and over the date line."""
    there = Plane(centre).point((150 + away_m) * cos(angle), (150 + away_m) * sin(angle))
    found = fence_of(Circle(centre, 150.0)).distance_m(there.lat, there.lon)
    assert found == pytest.approx(away_m, abs=0.1)


@pytest.mark.parametrize("corners", [4, 12, 40])
@pytest.mark.parametrize("centre", PLACES)
@settings(max_examples=20)
@given(angle=ANGLES, off_m=st.floats(0, 1500))
@example(angle=0.0, off_m=91.0)  # a ray to the east meets a corner
def test_a_polygon_is_as_far_as_shapely_says(
    corners: int, centre: Point, angle: float, off_m: float
) -> None:
    """With a hole in it; few sides, which are walked, and many, which are not; anywhere."""
    rings = [regular(centre, 400.0, corners), regular(centre, 90.0, 4)]
    plane = Plane(centre)
    border, hole = [[plane.xy(lat, lon) for lon, lat in one] for one in rings]
    drawn = shapely.Polygon(border, [hole])
    x, y = off_m * cos(angle), off_m * sin(angle)
    at = shapely.Point(x, y)
    expected = drawn.boundary.distance(at) * (-1 if drawn.contains(at) else 1)
    there = plane.point(x, y)
    found = fence_of(Polygon(rings)).distance_m(there.lat, there.lon)
    assert found == pytest.approx(expected, abs=0.1)


def test_the_other_side_of_the_earth_is_far() -> None:
    """And a number."""
    assert fence_of(Circle(Point(0.0, 0.0), 100.0)).distance_m(0.0, 180.0) > 2e7


@given(
    angles=st.tuples(ANGLES, ANGLES),
    offs=st.tuples(st.floats(0, 3000), st.floats(0, 3000)),
    where=st.sampled_from(PLACES),
)
def test_distance_changes_no_more_than_somebody_moves(
    angles: tuple[float, float], offs: tuple[float, float], where: Point
) -> None:
    """What the rule against jumps relies on."""
    fence = fence_of(Polygon([ring(where, *SQUARE)]))
    plane = Plane(where)
    spots = [(off * cos(turn), off * sin(turn)) for off, turn in zip(offs, angles, strict=True)]
    one, other = (plane.point(*spot) for spot in spots)
    moved_m = distance_m(one, other)
    assume(moved_m > 0.01)
    change = abs(fence.distance_m(one.lat, one.lon) - fence.distance_m(other.lat, other.lon))
    assert change <= moved_m * 1.001 + 0.2


def test_a_fence_is_watched_from_the_middle_of_its_circle() -> None:
    """The least circle that holds it, so that a phone's region is no larger than it must be."""
    rings = [ring(SUVA, (0, 0), (600, 0), (600, 200), (0, 200))]
    fence = fence_of(Polygon(rings))
    assert fence.reach_m == pytest.approx(hypot(300, 100), abs=0.1)
    assert distance_m(fence.centre, Plane(SUVA).point(300, 100)) < 0.1
    assert fence.size_m == pytest.approx((600 * 200 / pi) ** 0.5, rel=1e-4)


@given(st.floats(-90, 90), st.floats(-180, 180), st.floats(1, 200_000), ANGLES, st.floats(0, 0.999))
def test_boxes_hold_all_within_the_radius(
    lat: float, lon: float, radius_m: float, angle: float, share: float
) -> None:
    """One, or two at the date line; all longitudes at a pole."""
    centre = Point(lat, lon)
    there = Plane(centre).point(radius_m * share * cos(angle), radius_m * share * sin(angle))
    found = boxes(centre, radius_m)
    assert 1 <= len(found) <= 2
    assert all(-180 <= west <= east <= 180 for west, _, east, _ in found)
    assert all(-90 <= south <= north <= 90 for _, south, _, north in found)
    assert any(
        west <= there.lon <= east and south <= there.lat <= north
        for west, south, east, north in found
    )


def test_boxes_are_hardly_larger_than_they_must_be() -> None:
    """100 m are 100 m."""
    ((west, south, east, north),) = boxes(BERLIN, 100.0)
    assert distance_m(Point(south, 13.405), Point(north, 13.405)) == pytest.approx(200, abs=0.1)
    assert distance_m(Point(52.52, west), Point(52.52, east)) == pytest.approx(200, abs=0.1)
    one, other = boxes(SUVA, 500.0)
    assert (one[2], other[0]) == (180.0, -180.0)
