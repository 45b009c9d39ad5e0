"""An event of the load: who comes how, and that its number is held against who came."""

from collections.abc import Mapping
from random import Random
from typing import Any

import pytest

from loadtest.swarm.arrivals import Answer, Clock
from loadtest.swarm.party import KNOWN_WITHIN_S, WAYS, NoParty, Party
from loadtest.swarm.passport import Passport

HOST = Passport(0, "host")


class _Api:
    """Answers as the api does; `count` is what hosts are told."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.count = 0
        self.status = 200

    def ask(self, method: str, path: str, body: Mapping[str, Any], token: str) -> Answer:
        self.asked.append((token, f"{method} {path}"))
        told = {"id": "it", "code": "now", "count": self.count}
        return Answer(self.status, told)

    def party(self) -> Party:
        party = Party(self.ask, Clock(lambda: 7.0, lambda _: None), lambda: 0, HOST, Random(1))
        party.open()
        return party


def test_guests_say_that_they_come_and_come_in_turns() -> None:
    """By every way there is, after every hub has heard of the event."""
    api = _Api()
    party = api.party()
    assert (party.event, party.known_at) == ("it", 7.0 + KNOWN_WITHIN_S)
    guests = [Passport(number, f"g{number}") for number in range(1, 6)]
    assert [party.invite(guest) for guest in guests] == list(WAYS)
    api.asked.clear()
    party.come(guests[2], "code")
    party.come(guests[4], "host")
    assert api.asked == [
        ("host", "GET /v1/events/it/code"),
        ("g3", "POST /v1/events/it/check-in"),
        ("g5", "GET /v1/me"),
        ("host", "POST /v1/events/it/roster/it/check-in"),
    ]


def test_the_number_is_between_who_was_let_in_and_who_asked() -> None:
    """Who asked and has no answer yet may be in it or not; who comes again is not counted twice."""
    api = _Api()
    party = api.party()
    ada, bob = Passport(1, "a"), Passport(2, "b")
    for _ in range(2):
        party.asks(ada)
        party.lets_in(ada)
    party.asks(bob)
    said = []
    for api.count in range(4):
        said.append(party.look())
    assert said == [
        "the event counts fewer than were let in", None, None, "the event counts more than ever came",
    ]  # fmt: skip


def test_who_is_refused_was_not_let_in() -> None:
    """And it is told."""
    api = _Api()
    party = api.party()
    api.status = 409
    with pytest.raises(NoParty, match="409"):
        party.come(Passport(1, "a"), "hand")
    api.status = 200
    assert party.look() is None, "they asked, and are not there"
