"""One person's part in an evening, and the evening that all people of one process share.

Whoever is first is the host, stays and counts; everybody else comes once, when they are due. Owns who is what, and the
greenlets beside their sockets. Must never decide what a number has to be: party.py does.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from random import Random
from time import monotonic
from typing import Final
from uuid import UUID

import gevent
from gevent.event import Event

from loadtest.swarm.arrivals import Ask, Clock
from loadtest.swarm.coming import Coming
from loadtest.swarm.party import NoParty, Party
from loadtest.swarm.passport import Passport
from proto.place import PhoneFix

COUNT_EVERY_S: Final = 5.0
OPENS_WITHIN_S: Final = 10.0


class Evenings:
    """The event of one process, made for whoever asks first."""

    def __init__(self, ask: Ask, within_s: float) -> None:
        """`within_s`: in so long all come."""
        self.within_s = within_s
        self._ask = ask
        self._party: Party | None = None
        self._opened = Event()

    def party(self, passport: Passport) -> Party:
        """Who asks first is its host. Raises `NoParty`."""
        if self._party is None:
            clock = Clock(monotonic, gevent.sleep)
            self._party = Party(self._ask, clock, _wall_ms, passport, Random())
            try:
                self._party.open()
            finally:
                self._opened.set()
        elif not self._opened.wait(OPENS_WITHIN_S) or not self._party.event:
            raise NoParty("there is no event to come to")
        return self._party


class Attending:
    """Host or guest; `coming` is what their socket has to say, where they come by fixes."""

    def __init__(
        self, evenings: Evenings, passport: Passport, wrong: Callable[[str], None]
    ) -> None:
        """Guests say that they come. `wrong` is told what is wrong with the number. Raises `NoParty`."""
        self.coming: Coming | None = None
        self._party = party = evenings.party(passport)
        self._passport = passport
        self._wrong = wrong
        self._beside: gevent.Greenlet | None = None
        if passport is party.host:
            self._beside = gevent.spawn(self._count)
            return
        way = party.invite(passport)
        due_at = max(monotonic(), party.known_at) + Random().random() * evenings.within_s
        if way == "fixes":
            self.coming = Coming(due_at, UUID(party.event), self._gathered, self._let_in)
        else:
            self._beside = gevent.spawn(self._come, way, due_at)

    def end(self) -> None:
        """Nothing more is asked."""
        if self._beside is not None:
            self._beside.kill()

    def _gathered(self) -> list[PhoneFix]:
        self._party.asks(self._passport)
        return self._party.fixes(_wall_ms())

    def _let_in(self) -> None:
        self._party.lets_in(self._passport)

    def _come(self, way: str, due_at: float) -> None:
        gevent.sleep(max(0.0, due_at - monotonic()))
        with suppress(NoParty):  # it is in its row
            self._party.come(self._passport, way)

    def _count(self) -> None:
        while True:
            gevent.sleep(COUNT_EVERY_S)
            with suppress(NoParty):
                if (wrong := self._party.look()) is not None:
                    self._wrong(wrong)


def _wall_ms() -> int:
    return int(time.time() * 1000)
