"""What an event must be like: each rule has its sentence, and a change is judged with what stays."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import UNSET, structs

from muster.attendance import Sharing
from muster.errors import Refused
from muster.event_rules import checked
from muster.events import Event, EventChange, EventState, JoinsOn
from muster.ids import RoomId
from muster.permission import Relation
from muster.point import Point
from muster.venue import Circle, Polygon, Visibility
from proto.codes import Code
from tests.vocabulary import new_id

NOW_MS = 1_800_000_000_000
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
YARD = Circle(Point(48.2, 16.37), 80.0)
BOW = [(16.0, 48.0), (16.01, 48.01), (16.01, 48.0), (16.0, 48.01), (16.0, 48.0)]
STRIP = [(179.99, 0.0), (180.0, 0.0), (180.0, 0.01), (179.99, 0.01), (179.99, 0.0)]


def new(**more: Any) -> EventChange:
    """An event tomorrow, of which all is said."""
    said: dict[str, Any] = {
        "title": "Open air",
        "topic": "",
        "about": "",
        "cover": None,
        "doors_at_ms": NOW_MS + DAY_MS,
        "starts_at_ms": NOW_MS + DAY_MS,
        "ends_at_ms": NOW_MS + DAY_MS + HOUR_MS,
        "zone": "Europe/Vienna",
        "place_name": "",
        "address": "",
        "point": None,
        "fence": None,
        "visibility": Visibility.public,
        "capacity": None,
        "joins_on": JoinsOn.answer,
        "dwell_ms": None,
    }
    return EventChange(**{**said, **more})


def standing(**more: Any) -> Event:
    """The same, as it is read."""
    change = structs.asdict(new(**more))
    return Event(
        id=RoomId(new_id()), state=EventState.scheduled, version=1, over_at_ms=None, owner=None,
        going=1, maybe=0, waitlist=0, invited=0, role=Relation.owner, answer=None, sharing=Sharing.off,
        **{key: value for key, value in change.items() if value is not UNSET},
    )  # fmt: skip


def _check(change: EventChange, current: Event | None = None) -> EventChange:
    return checked(change, current, NOW_MS, lambda zone: zone == "Europe/Vienna")


def test_a_plain_event_is_as_it_was_said() -> None:
    """Blanks around lines are gone; nothing else changes."""
    said = new(title="  Open air ", about=" two\nlines ", point=Point(48.2, 16.37), capacity=1)
    assert _check(said) == structs.replace(said, title="Open air", about="two\nlines")


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"ends_at_ms": NOW_MS + DAY_MS}, "ends after it starts"),
        ({"ends_at_ms": NOW_MS + HOUR_MS}, "ends after it starts"),
        ({"ends_at_ms": NOW_MS + 33 * DAY_MS}, "at most 31 days"),
        ({"doors_at_ms": NOW_MS + DAY_MS + 1}, "open before it starts"),
        ({"doors_at_ms": NOW_MS - 7 * DAY_MS}, "at most 7 days before"),
        ({"doors_at_ms": 0, "starts_at_ms": 0, "ends_at_ms": HOUR_MS}, "in the future"),
        (
            {"doors_at_ms": NOW_MS - 2 * DAY_MS, "starts_at_ms": NOW_MS - 2 * DAY_MS},
            "more than a day ago",
        ),
        (
            {
                "doors_at_ms": 2**53 - 1 - HOUR_MS,
                "starts_at_ms": 2**53 - 1 - HOUR_MS,
                "ends_at_ms": 2**53 - 1,
            },
            "three years",
        ),
        ({"zone": "Middle/Earth"}, "IANA time zone"),
        ({"zone": ""}, "IANA time zone"),
        ({"title": "  "}, "a title has"),
        ({"title": "x" * 101}, "a title has"),
        ({"title": "a\u202eb"}, "cannot be shown"),
        ({"topic": "x" * 501}, "a topic has"),
        ({"about": "x" * 4_001}, "a description has"),
        ({"place_name": "x" * 101}, "the name of a place has"),
        ({"address": "x" * 301}, "an address has"),
        ({"capacity": 0}, "places"),
        ({"capacity": -1}, "places"),
        ({"capacity": 100_001}, "places"),
        ({"dwell_ms": -1}, "minutes"),
        ({"dwell_ms": 2**53 - 1}, "minutes"),
        ({"fence": Circle(Point(48.2, 16.37), 0.0)}, "at least as large"),
        ({"fence": Circle(Point(48.2, 16.37), -5.0)}, "at least as large"),
        ({"fence": Circle(Point(48.2, 16.37), 2_000_000.0)}, "50 km"),
        ({"fence": Circle(Point(48.2, 16.37), float("nan"))}, "a number of metres"),
        ({"fence": Circle(Point(948.2, 16.37), 80.0)}, "latitude -90 to 90"),
        ({"fence": Polygon([BOW])}, "cross or touch itself"),
        ({"fence": Polygon([BOW[:2]])}, "at least 4 points"),
        ({"fence": Polygon([])}, "rings"),
        ({"fence": Polygon([[(0.0, 0.0), (90.0, 0.0), (90.0, 60.0), (0.0, 0.0)]])}, "50 km"),
    ],
)
def test_what_is_wrong_is_said(wrong: dict[str, Any], sentence: str) -> None:
    """A plain sentence, and the code for a request that is not as it must be."""
    with pytest.raises(Refused, match=sentence) as refused:
        _check(new(**wrong))
    assert refused.value.code is Code.bad_request


def test_a_fence_brings_boxes_and_a_point() -> None:
    """Its middle, unless a point is said; across the date line there are two boxes."""
    alone = _check(new(fence=YARD))
    assert alone.point == YARD.centre
    assert isinstance(alone.boxes, list)
    [(west, south, east, north)] = alone.boxes
    assert west < 16.37 < east
    assert 0.0014 < north - south < 0.0015
    elsewhere = Point(48.3, 16.4)
    assert _check(new(fence=YARD, point=elsewhere)).point == elsewhere
    strip = _check(new(fence=Polygon([STRIP])))
    assert isinstance(strip.boxes, list)
    assert len(strip.boxes) == 2


def test_a_change_is_judged_with_what_stays() -> None:
    """New times against the old ones, a fence against the point there is; what is not about times leaves them alone."""
    current = standing(fence=YARD, point=YARD.centre)
    with pytest.raises(Refused, match="ends after it starts"):
        _check(EventChange(starts_at_ms=NOW_MS + DAY_MS + HOUR_MS), current)
    with pytest.raises(Refused, match="take both away together"):
        _check(EventChange(point=None), current)
    assert _check(EventChange(point=None, fence=None), current).boxes is UNSET
    moved = _check(EventChange(fence=Circle(Point(48.3, 16.4), 100.0)), current)
    assert moved.point is UNSET
    begun = standing(doors_at_ms=NOW_MS - 3 * DAY_MS, starts_at_ms=NOW_MS - 3 * DAY_MS)
    assert _check(EventChange(about="new"), begun).about == "new"
    later = EventChange(ends_at_ms=NOW_MS + 2 * DAY_MS)
    assert _check(later, begun) == later
