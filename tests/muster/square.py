"""A round fence on a square, and somebody whose phone speaks of it: what the tests of place are told with."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from muster.ground import Ground, ground_of
from muster.ids import RoomId
from muster.place import (
    NOWHERE,
    Evidence,
    Fix,
    Judgement,
    Phase,
    State,
    Terms,
    Turn,
    judge,
    on_time,
    pack,
    unpack,
)
from muster.plane import Plane
from muster.point import Point
from muster.venue import Circle, Shape, Venue, Visibility

MIDDLE = Point(48.8566, 2.3522)
ROOM = RoomId(UUID(int=7))
START = 1_700_000_000_000
END = START + 4 * 3_600_000
TERMS = Terms()


def venue(shape: Shape | None = None, **changed: Any) -> Venue:
    """A circle of 100 m around MIDDLE, open from START to END."""
    told: dict[str, Any] = {
        "room": ROOM,
        "version": 1,
        "fence_version": 1,
        "shape": shape or Circle(MIDDLE, 100.0),
        "visibility": Visibility.public,
        "from_ms": START,
        "until_ms": END,
    }
    return Venue(**(told | changed))


def fix(away_m: float, second: float, accuracy_m: float = 8.0, **told: Any) -> Fix:
    """So many metres outside of the fence of 100 m, negative inside, to the north."""
    point = Plane(MIDDLE).point(0.0, 100.0 + away_m)
    return Fix(point.lat, point.lon, accuracy_m, START + int(second * 1000), **told)


class Person:
    """One person's state at one ground. Everything is judged when it is said."""

    def __init__(self, ground: Ground | None = None, terms: Terms = TERMS) -> None:
        self.ground = ground or ground_of(venue())
        self.terms = terms
        self.state: State = NOWHERE
        self.turns: list[Turn] = []
        self.last = Judgement(NOWHERE)

    def says(self, evidence: Evidence, now_ms: int | None = None) -> Judgement:
        """Judge it, now or at its own time."""
        now_ms = evidence.at_ms if now_ms is None else now_ms
        return self._takes(judge(self.state, evidence, self.ground, self.terms, now_ms))

    def is_at(self, away_m: float, *seconds: float, **told: Any) -> Judgement:
        """A fix each at these seconds after START."""
        for second in seconds:
            self.says(fix(away_m, second, **told))
        return self.last

    def waits(self, second: float) -> Judgement:
        """Nothing is said until then."""
        return self._takes(on_time(self.state, self.ground, self.terms, START + int(second * 1000)))

    def comes(self, second: float = 0.0) -> None:
        """Inside, from that second on, and known to be a minute later."""
        self.is_at(-60.0, *(second + 5 * n for n in range(13)))
        assert [turn.is_enter for turn in self.turns] == [True]
        self.turns.clear()

    def phase(self) -> Phase:
        """As it is now."""
        return self.state.phase

    def told(self) -> list[tuple[bool, float]]:
        """The edges so far: whether they came, and at which second."""
        return [(turn.is_enter, (turn.at_ms - START) / 1000) for turn in self.turns]

    def _takes(self, judged: Judgement) -> Judgement:
        assert unpack(pack(judged.state)) == judged.state
        self.state, self.last = judged.state, judged
        self.turns += judged.turns
        return judged
