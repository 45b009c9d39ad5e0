"""Who registers comes at a pace, shares a room, and waits where the server asks for it."""

from collections.abc import Mapping
from typing import Any

import pytest

from loadtest.swarm.arrivals import TRIES, Answer, Arrivals, Clock, Refused


class _Api:
    """Answers as the api does, and keeps the time."""

    def __init__(self) -> None:
        self.now = 0.0
        self.asked: list[tuple[float, str, str]] = []
        self.busy: list[Answer] = []

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def ask(self, method: str, path: str, body: Mapping[str, Any], token: str) -> Answer:
        self.asked.append((self.now, method + " " + path, token))
        if self.busy:
            return self.busy.pop()
        count = len(self.asked)
        if path.startswith("/v1/sessions"):
            return Answer(
                201, {"access_token": f"a{count}", "refresh_token": f"r{count}", "expires_in": 900}
            )
        return Answer(201, {"id": f"room-{count}"})

    def arrivals(self, members: int = 2) -> Arrivals:
        return Arrivals(self.ask, Clock(lambda: self.now, self.sleep), 4.0, members)


def test_they_come_at_a_pace_into_rooms() -> None:
    """Four a second; the first makes the room, the next joins it, the third makes another."""
    api = _Api()
    arrivals = api.arrivals()
    passports = [arrivals.arrive() for _ in range(3)]
    rooms = [(at, what) for at, what, _ in api.asked if "rooms" in what]
    assert rooms == [
        (0.0, "POST /v1/rooms"),
        (0.25, "POST /v1/rooms/room-3/join"),
        (0.5, "POST /v1/rooms"),
    ]
    assert [passport.token for passport in passports] == ["a2", "a5", "a8"]


def test_what_is_refused_for_now_is_asked_again_later() -> None:
    """After as long as the server says."""
    api = _Api()
    api.busy = [Answer(429, {}, 7.0), Answer(503, {})]
    assert api.arrivals().arrive().token == "a4"
    assert [at for at, _, _ in api.asked] == [0.0, 1.0, 8.0, 8.0, 8.0]


def test_what_is_refused_for_good_is_told() -> None:
    """At once, or when all tries are used."""
    for status, asked in ((403, 1), (429, TRIES + 1)):
        api = _Api()
        api.busy = [Answer(status, {})] * 100
        with pytest.raises(Refused, match=str(status)):
            api.arrivals().arrive()
        assert len(api.asked) == asked


def test_tokens_are_renewed_before_they_end() -> None:
    """A minute before; from then on the new ones are used."""
    api = _Api()
    arrivals = api.arrivals()
    passport = arrivals.arrive()
    assert passport.renew_at == 840.0
    api.now = 840.0
    arrivals.renew(passport)
    assert (passport.token, passport.refresh_token) == ("a4", "r4")
    assert passport.renew_at == 840.0 + 900.0 - 60.0
    passport.renewed("a", "r", 20.0, 0.0)
    assert passport.renew_at == 10.0, "half of a life that is shorter than two minutes"
