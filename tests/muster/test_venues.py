"""The index of venues: nobody's event is overlooked, and no crowd of them makes a look-up long."""

from __future__ import annotations

from math import cos, pi, sin
from random import Random
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from muster.attendance import Sharing
from muster.errors import Refused
from muster.fence import fence_of
from muster.ids import RoomId
from muster.plane import Plane
from muster.point import Point
from muster.spots import Spots
from muster.venue import Circle, Leave, Polygon, Venue, Visibility
from muster.venues import CANDIDATES_MOST, CROWD_MOST, Venues, watched_m
from tests.muster.square import END, MIDDLE, START, venue

NOBODY = Leave({}, Sharing.off)
PLACES = [
    MIDDLE,
    Point(-18.14, 179.9995),
    Point(51.9, -179.9999),
    Point(89.999, 0.0),
    Point(-90.0, 0.0),
    Point(64.7, 10.536),  # a pentagon of H3
    Point(0.0, 0.0),
]


def room(number: int) -> RoomId:
    """The nth."""
    return RoomId(UUID(int=number))


def circle(number: int, centre: Point, radius_m: float = 100.0, **changed: Any) -> Venue:
    """The nth venue."""
    return venue(Circle(centre, radius_m), room=room(number), **changed)


def rooms(venues: Venues, point: Point, **asked: Any) -> set[int]:
    """The numbers of those that a fix there is judged against."""
    found = venues.candidates(point.lat, point.lon, asked.pop("now_ms", START), **asked)
    assert len({ground.room for ground in found}) == len(found)
    return {ground.room.int for ground in found}


@settings(max_examples=60, deadline=None)
@given(
    centre=st.sampled_from(PLACES),
    spread_m=st.sampled_from([500.0, 20_000.0, 300_000.0]),
    seed=st.integers(0, 2**32),
)
def test_the_index_finds_what_looking_at_all_of_them_finds(
    centre: Point, spread_m: float, seed: int
) -> None:
    """Circles and polygons of all sizes, at the date line, at the poles, at a pentagon; put, moved and removed."""
    random = Random(seed)
    plane = Plane(centre)
    venues = Venues()

    def somewhere() -> Point:
        off, turn = spread_m * random.random(), 2 * pi * random.random()
        return plane.point(off * cos(turn), off * sin(turn))

    def some(number: int) -> Venue:
        middle, reach = somewhere(), 10 ** random.uniform(1.5, 4.6)
        if random.random() < 0.5:
            return circle(number, middle, reach)
        flat = Plane(middle)
        corners = [flat.point(reach * cos(turn), reach * sin(turn)) for turn in (0.1, 2.2, 4.3)]
        ring = [(corner.lon, corner.lat) for corner in [*corners, corners[0]]]
        return venue(Polygon([ring]), room=room(number))

    for number in range(12):
        venues.put(some(number))
    for number in range(0, 12, 3):
        venues.put(some(number))
    for number in range(1, 12, 5):
        assert venues.remove(room(number))
    assert len(venues) == 9
    for _ in range(25):
        point = somewhere()
        found = rooms(venues, point)
        for ground in venues.grounds():
            away_m = ground.fence.distance_m(point.lat, point.lon)
            assert away_m > venues.margin_m(ground) or ground.room.int in found
        near = venues.nearest(point, 5, START)
        by_distance = sorted(
            ground.fence.distance_m(point.lat, point.lon) for ground in venues.grounds()
        )
        assert [one.away_m for one in near] == pytest.approx(by_distance[:5])


def test_far_away_nothing_is_found() -> None:
    """What is looked at is hardly larger than the fence and its margin."""
    venues = Venues()
    venues.put(circle(1, MIDDLE))
    plane = Plane(MIDDLE)
    assert rooms(venues, plane.point(0, 144)) == {1}
    assert rooms(venues, plane.point(0, 147)) == set()
    assert rooms(venues, plane.point(108, 108)) == set()


def test_only_what_is_judged_now() -> None:
    """From when doors open until the end."""
    venues = Venues()
    venues.put(circle(1, MIDDLE))
    assert rooms(venues, MIDDLE, now_ms=START - 1) == set()
    assert rooms(venues, MIDDLE, now_ms=START) == {1}
    assert rooms(venues, MIDDLE, now_ms=END - 1) == {1}
    assert rooms(venues, MIDDLE, now_ms=END) == set()
    assert venues.nearest(MIDDLE, 5, START - 1) != []
    assert venues.nearest(MIDDLE, 5, END) == []


def test_nobody_is_judged_against_what_they_gave_no_leave_for() -> None:
    """Public ones by their default, others by their roster; off is off, and ghosts are judged."""
    venues = Venues()
    for number, visibility in enumerate(
        [Visibility.public, Visibility.link, Visibility.invited, Visibility.public]
    ):
        venues.put(circle(number, MIDDLE, visibility=visibility))
    listed: dict[UUID, Sharing] = {
        room(1): Sharing.ghost,
        room(2): Sharing.on,
        room(3): Sharing.off,
    }
    for leave, expected in [
        (None, {0, 1, 2, 3}),
        (NOBODY, set()),
        (Leave({}, Sharing.ghost), {0, 3}),
        (Leave(listed, Sharing.on), {0, 1, 2}),
        (Leave(listed, Sharing.off), {1, 2}),
    ]:
        assert rooms(venues, MIDDLE, leave=leave) == expected
        near = venues.nearest(MIDDLE, 9, START, leave)
        assert {one.ground.room.int for one in near} == expected


def test_a_venue_that_changed_is_in_one_place_only() -> None:
    """And one that is no fence any more leaves the old one as it was."""
    venues = Venues()
    there = Plane(MIDDLE).point(90_000, 0)
    venues.put(circle(1, MIDDLE))
    venues.put(circle(1, there, 9_000.0, version=2, fence_version=2))
    assert (rooms(venues, MIDDLE), rooms(venues, there)) == (set(), {1})
    ground = venues.get(room(1))
    assert ground is not None
    assert ground.fence_version == 2
    with pytest.raises(Refused):
        venues.put(circle(1, MIDDLE, 1.0))
    assert rooms(venues, there) == {1}
    assert venues.remove(room(1))
    assert not venues.remove(room(1))
    assert (len(venues), venues.get(room(1)), rooms(venues, there)) == (0, None, set())
    assert venues.nearest(there, 5, START) == []


def test_a_crowd_in_one_place_is_bounded_and_hides_nothing_somebody_is_listed_for() -> None:
    """However many others lie there; those of the roster come first."""
    venues = Venues()
    for number in range(CROWD_MOST + 50):
        venues.put(circle(number, MIDDLE))
    last = CROWD_MOST + 49
    assert len(rooms(venues, MIDDLE)) == CANDIDATES_MOST
    found = rooms(venues, MIDDLE, leave=Leave({room(last): Sharing.on}, Sharing.on))
    assert last in found
    assert len(found) == CANDIDATES_MOST
    assert rooms(venues, MIDDLE, leave=Leave({room(last): Sharing.on}, Sharing.off)) == {last}
    found = rooms(venues, MIDDLE, leave=Leave({room(3): Sharing.on}, Sharing.off))
    assert found == {3}


class Asked(dict[UUID, Sharing]):
    """A roster that counts how often it is looked at."""

    times = 0

    def get(self, key: UUID, default: Any = None) -> Any:
        """As a dictionary's."""
        self.times += 1
        return super().get(key, default)


def test_no_look_up_goes_through_a_whole_crowd() -> None:
    """Of three times as many as are looked at, no more are asked about than that."""
    venues = Venues()
    for number in range(3 * CROWD_MOST):
        venues.put(circle(number, MIDDLE))
    roster = Asked({room(3 * CROWD_MOST - 1): Sharing.on})
    assert len(rooms(venues, MIDDLE, leave=Leave(roster, Sharing.off))) == 1
    assert roster.times <= CROWD_MOST + 1


def test_of_too_many_the_nearest_are_judged() -> None:
    """By the middle of the fence."""
    venues = Venues()
    plane = Plane(MIDDLE)
    for number in range(CANDIDATES_MOST + 4):
        venues.put(circle(number, plane.point(5.0 * number, 0)))
    assert rooms(venues, MIDDLE) == set(range(CANDIDATES_MOST))


def test_a_phone_watches_no_region_that_is_too_small() -> None:
    """100 m at least, and the whole fence."""
    venues = Venues()
    assert watched_m(venues.put(circle(1, MIDDLE, 30.0))) == 100.0
    assert watched_m(venues.put(circle(1, MIDDLE, 3000.0))) == 3000.0


def test_spots_are_given_outwards_each_once() -> None:
    """Also when thousands lie in the same place, and after some are gone."""
    random = Random(5)
    spots = Spots()
    for number in range(700):
        centre = MIDDLE if number % 2 else Point(random.uniform(-90, 90), random.uniform(-180, 180))
        spots.put(room(number), centre, random.choice([0.0, 5000.0]))
    for number in range(0, 700, 7):
        spots.remove(room(number))
    spots.remove(room(0))
    found = list(spots.outwards(MIDDLE))
    assert {found_room.int for _, found_room in found} == {n for n in range(700) if n % 7}
    assert len(found) == 600
    assert [away for away, _ in found] == sorted(away for away, _ in found)
    assert found[0][0] == pytest.approx(-5000, abs=1)


def test_a_ground_knows_its_fence() -> None:
    """What is indexed is what was compiled."""
    ground = Venues().put(circle(1, MIDDLE))
    assert ground.fence.distance_m(MIDDLE.lat, MIDDLE.lon) == pytest.approx(-100)
    assert fence_of(Circle(MIDDLE, 100.0)).reach_m == ground.fence.reach_m
