"""One event whose doors are open, of one process of the load: its host, who comes how, and whether its number is true.

    invite   an event at a place of its own; everybody says that they come and may be seen to
    come     by the code at the door, by their own word, or ticked off by the host; who comes by fixes does so by socket
    look     the host's number lies between those who were let in and those who asked

Owns these requests. Waiting and asking are passed in. Must never count somebody as let in who was not told so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Any, Final

from loadtest.swarm.arrivals import Answer, Ask, Clock
from loadtest.swarm.passport import Passport
from proto.place import PhoneFix

WAYS: Final = ("fixes", "fixes", "code", "hand", "host")
"""By turns."""

KNOWN_WITHIN_S: Final = 3.0
"""A new event is known to every hub within two seconds."""

RADIUS_M: Final = 100
_AGO_MS: Final = (80_000, 40_000, 0)
_SPREAD_DEGREES: Final = 0.0004
_HOUR_MS: Final = 3_600_000


class NoParty(Exception):
    """The event could not be made, or somebody could not be asked to it; the message says why."""


class Party:
    """An event, from its making on. `event` is its id, `known_at` when every hub knows it (monotonic)."""

    def __init__(
        self, ask: Ask, clock: Clock, wall_ms: Callable[[], int], host: Passport, random: Random
    ) -> None:
        self.event = ""
        self.known_at = 0.0
        self.host = host
        self._ask = ask
        self._clock = clock
        self._wall_ms = wall_ms
        self._random = random
        self._lat = random.uniform(-60.0, 60.0)
        self._lon = random.uniform(-170.0, 170.0)
        self._asked: set[int] = set()
        self._let_in: set[int] = set()
        self._people = 0

    def open(self) -> None:
        """Make the event. Raises `NoParty`."""
        now_ms = self._wall_ms()
        circle = {"type": "circle", "centre": {"lat": self._lat, "lon": self._lon}}
        terms = {
            "title": "an evening", "zone": "Europe/Vienna", "visibility": "public", "joins_on": "entry",
            "starts_at_ms": now_ms - _HOUR_MS, "ends_at_ms": now_ms + 24 * _HOUR_MS,
            "fence": {**circle, "radius_m": RADIUS_M},
        }  # fmt: skip
        self.event = str(self._done("POST", "/v1/events", terms, self.host)["id"])
        self.known_at = self._clock.now() + KNOWN_WITHIN_S

    def invite(self, guest: Passport) -> str:
        """They say that they come; the way they do, one of WAYS. Raises `NoParty`."""
        said = {"answer": "going", "sharing": "on"}
        self._done("PUT", f"/v1/events/{self.event}/rsvp", said, guest)
        number, self._people = self._people, self._people + 1
        return WAYS[number % len(WAYS)]

    def come(self, guest: Passport, way: str) -> None:
        """Check in by REST. Raises `NoParty`."""
        event = f"/v1/events/{self.event}"
        self.asks(guest)
        if way == "host":
            me = self._done("GET", "/v1/me", {}, guest)["id"]
            self._done("POST", f"{event}/roster/{me}/check-in", {}, self.host)
        elif way == "code":
            code = self._done("GET", f"{event}/code", {}, self.host)["code"]
            self._done("POST", f"{event}/check-in", {"code": code}, guest)
        else:
            self._done("POST", f"{event}/check-in", {}, guest)
        self.lets_in(guest)

    def asks(self, guest: Passport) -> None:
        """They are about to say that they are there."""
        self._asked.add(guest.number)

    def lets_in(self, guest: Passport) -> None:
        """They were told that they are."""
        self._let_in.add(guest.number)

    def fixes(self, now_ms: int) -> list[PhoneFix]:
        """What a phone has gathered that has been there for more than a minute."""
        lat = self._lat + self._random.uniform(-_SPREAD_DEGREES, _SPREAD_DEGREES)
        lon = self._lon + self._random.uniform(-_SPREAD_DEGREES, _SPREAD_DEGREES)
        return [PhoneFix(lat, lon, 10.0, now_ms - ago_ms) for ago_ms in _AGO_MS]

    def look(self) -> str | None:
        """What is wrong with the number that the host is told, if anything. Raises `NoParty`."""
        least = len(self._let_in)
        count = self._done("GET", f"/v1/events/{self.event}/here", {}, self.host)["count"]
        if count < least:
            return "the event counts fewer than were let in"
        return "the event counts more than ever came" if count > len(self._asked) else None

    def _done(self, method: str, path: str, body: Mapping[str, Any], who: Passport) -> Any:
        answer: Answer = self._ask(method, path, body, who.token)
        if not 200 <= answer.status < 300:
            raise NoParty(f"{method} {path} was answered {answer.status}")
        return answer.body
