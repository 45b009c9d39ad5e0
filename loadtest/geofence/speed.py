"""How many fixes one core judges, beside what merely finding the fences costs.

Ours: a decoded fix -> candidate venues, as the person's leave allows -> the machine of each -> its state kept. The
floor: the same points asked of shapely's STRtree of the same fences, one by one and at once: it finds, and judges
nothing. Time is what the system says this process used; both take turns, and the median counts. Owns the measurement.
Must never leave out of ours what a hub does to a fix between decoding it and keeping a changed state.
"""

from __future__ import annotations

import gc
from collections.abc import Sequence
from random import Random
from statistics import median
from time import process_time
from typing import Final, NamedTuple

import shapely

from loadtest.geofence.crowd import EDGE_M, Place, fences, homes, places
from loadtest.geofence.machine import BEGAN_MS, HOME, venue_of
from loadtest.geofence.terrain import Fence, Round
from loadtest.progress import Progress
from muster.attendance import Sharing
from muster.evidence import Fix
from muster.ground import Ground
from muster.ids import RoomId
from muster.place import NOWHERE, Phase, State, judge
from muster.terms import Terms
from muster.venue import Leave
from muster.venues import Venues

PEOPLE: Final = 2_000
FIX_EVERY_MS: Final = 5_000
LATE_MS: Final = 300
"""From the phone to the hub."""

_HELD: Final = frozenset({Phase.pending_in, Phase.inside, Phase.pending_out})
_LEAVE: Final = Leave({}, Sharing.on)


class Speed(NamedTuple):
    """Processor time in us per fix; the others say what was measured. `near_share`: of the fixes, how many were
    within EDGE_M of the border of some candidate; `concerned_share`: how many had a candidate. `turns`: edges of one
    round."""

    fixes_per_s_core: int
    us_per_fix: float
    floor_us_per_fix: float
    floor_batch_us_per_fix: float
    candidates_per_fix: float
    near_share: float
    concerned_share: float
    turns: int


class _Sent(NamedTuple):
    person: int
    fix: Fix
    now_ms: int


class _Person:
    """What a hub knows of somebody. `held`: where they are or are about to be, judged wherever they are now."""

    __slots__ = ("held", "states")

    def __init__(self) -> None:
        self.states: dict[RoomId, State] = {}
        self.held: dict[RoomId, Ground] = {}

    def hold(self, ground: Ground, phase: Phase) -> None:
        """They are there from now on, or no longer."""
        if phase in _HELD:
            self.held[ground.room] = ground
        else:
            self.held.pop(ground.room, None)


class _City:
    """Everything that is ready before a fix comes."""

    def __init__(self, around: Sequence[Fence], terms: Terms) -> None:
        self.terms = terms
        self.venues = Venues(terms)
        for number, fence in enumerate(around, 1):
            self.venues.put(venue_of(number, fence))
        self.tree = shapely.STRtree([_drawn(fence) for fence in around])
        self.people = [_Person() for _ in range(PEOPLE)]


class _Spent(NamedTuple):
    """Seconds of one round."""

    ours: float
    single: float
    batch: float
    turns: int


def measured(
    count: int, per_km2: float, fixes: int, rounds: int, seed: int, progress: Progress
) -> Speed:
    """`rounds` of so many fixes each, after one that is not counted; so many fences."""
    random = Random(seed)
    around = fences(count, per_km2, random)
    progress.show(0, rounds + 1, f"{count:,} fences")
    city = _City(around, Terms())
    people = homes(around, PEOPLE, random)
    each = max(1, fixes // PEOPLE)
    spent: list[_Spent] = []
    sent: list[_Sent] = []
    for number in range(rounds + 1):
        points = places(people, each, random)
        sent = _sent(points, number * each)
        spent.append(_round(city, points, sent))
        progress.show(number + 1, rounds + 1, "judging fixes")
    progress.end()
    counted, each_us = spent[1:], 1e6 / len(sent)
    ours = median(one.ours for one in counted)
    looked = _look(city, sent)
    return Speed(
        round(len(sent) / ours),
        round(ours * each_us, 2),
        round(median(one.single for one in counted) * each_us, 2),
        round(median(one.batch for one in counted) * each_us, 2),
        *looked,
        round(median(one.turns for one in counted)),
    )


def _round(city: _City, points: Sequence[Place], sent: Sequence[_Sent]) -> _Spent:
    gc.collect()
    gc.freeze()  # as a hub does with what its start has made
    try:
        began = process_time()
        turns = _judged(city, sent)
        ours = process_time() - began
        single, batch = _floor(city.tree, points)
    finally:
        gc.unfreeze()
    return _Spent(ours, single, batch, turns)


def _judged(city: _City, sent: Sequence[_Sent]) -> int:
    """How many edges there were."""
    turns = 0
    terms, candidates, people = city.terms, city.venues.candidates, city.people
    for number, fix, now_ms in sent:
        person = people[number]
        grounds = candidates(fix.lat, fix.lon, now_ms, _LEAVE)
        if person.held:
            near = {ground.room for ground in grounds}
            grounds += [ground for room, ground in person.held.items() if room not in near]
        for ground in grounds:
            before = person.states.get(ground.room, NOWHERE)
            judged = judge(before, fix, ground, terms, now_ms)
            if judged.state is not before:
                person.states[ground.room] = judged.state
                if judged.state.phase is not before.phase:
                    person.hold(ground, judged.state.phase)
            turns += len(judged.turns)
    return turns


def _floor(tree: shapely.STRtree, points: Sequence[Place]) -> tuple[float, float]:
    """Seconds for all, one by one and at once; making the points is not in it."""
    made = shapely.points([(place.x, place.y) for place in points])
    query = tree.query
    began = process_time()
    for point in made:
        query(point)
    between = process_time()
    query(made)
    return between - began, process_time() - between


def _look(city: _City, sent: Sequence[_Sent]) -> tuple[float, float, float]:
    """Candidates of a fix; the shares of fixes near a border, and of those that have one."""
    count = near = concerned = 0
    for _, fix, now_ms in sent:
        grounds = city.venues.candidates(fix.lat, fix.lon, now_ms, _LEAVE)
        count += len(grounds)
        concerned += bool(grounds)
        near += any(abs(ground.fence.distance_m(fix.lat, fix.lon)) <= EDGE_M for ground in grounds)
    all_of_them = len(sent)
    return (
        round(count / all_of_them, 2),
        round(near / all_of_them, 3),
        round(concerned / all_of_them, 4),
    )


def _sent(points: Sequence[Place], first: int) -> list[_Sent]:
    sent = []
    for number, place in enumerate(points):
        at_ms = BEGAN_MS + (first + number // PEOPLE) * FIX_EVERY_MS
        lat, lon = HOME.degrees(place.x, place.y)
        sent.append(_Sent(place.person, Fix(lat, lon, 8.0, at_ms), at_ms + LATE_MS))
    return sent


def _drawn(fence: Fence) -> shapely.Geometry:
    if isinstance(fence, Round):
        return shapely.Point(fence.x, fence.y).buffer(fence.radius_m)
    return shapely.Polygon(fence.corners)
