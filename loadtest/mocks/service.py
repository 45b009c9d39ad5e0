"""One provider with everything that happens to a request of it: verdict, faults, diary.

Owns the order of these. Must never know what carries requests.
"""

from __future__ import annotations

import random
from typing import NamedTuple

from loadtest.mocks.diary import Diary
from loadtest.mocks.fault import (
    Answer,
    Cut,
    Drop,
    Empty,
    Fault,
    Goaway,
    Nonsense,
    Reset,
    Slow,
    Stall,
    Weather,
)
from loadtest.mocks.request import App, Judgement, Reply, Request, Session
from loadtest.mocks.script import Script

_NOTHING = Reply(0, (), b"", "no answer")


class Meeting(NamedTuple):
    """What a wire is to do: send `reply`, after `delay_s`, spoiled by `fault`."""

    reply: Reply
    fault: Fault | None
    delay_s: float


class Service:
    """`name` as the admin API and the diary have it."""

    def __init__(self, name: str, app: App, diary: Diary, rng: random.Random) -> None:
        self.name = name
        self.script = Script()
        self._app = app
        self._diary = diary
        self._rng = rng
        self._weather = Weather()

    @property
    def weather(self) -> Weather:
        return self._weather

    @property
    def streams(self) -> int:
        """How many a client that is known may open at once on a connection."""
        return self._weather.streams or self._app.streams

    def change(self, weather: Weather) -> None:
        self._weather = weather
        self._app.heed(weather)

    def begin(self) -> Session:
        """A new connection."""
        self._diary.count(self.name, "connections")
        return self._app.session()

    def strange(self, what: str) -> None:
        """A client did something that HTTP does not allow, or more than it was told it may."""
        self._diary.count(self.name, what)

    def meet(self, session: Session, request: Request, nth: int) -> Meeting:
        """Judge the `nth` request of a connection (from 1), let it take effect, write it down."""
        judged = session.judge(request)
        fault = self.script.next(judged.token) or self._due(nth)
        reply, takes = self._spoiled(judged, fault)
        if takes and judged.parcel is not None:
            judged.parcel.ring()
        taken = takes and judged.parcel is not None
        self._diary.note(self.name, request, judged, reply, taken=taken)
        return Meeting(reply, fault, self._delay_s(fault))

    def _due(self, nth: int) -> Fault | None:
        every = self._weather.goaway_every
        if every and nth % every == 0:
            self._diary.count(self.name, "goaways")
            return Goaway(how=self._weather.goaway, reason=self._weather.goaway_reason)
        return None

    def _spoiled(self, judged: Judgement, fault: Fault | None) -> tuple[Reply, bool]:
        """The reply, and whether the phone rings."""
        match fault:
            case Answer():
                return self._app.scripted(fault), fault.taken
            case Empty():
                return Reply(fault.status, (), b"", "empty"), fault.taken
            case Nonsense():
                headers = (("content-type", "text/html"),)
                return Reply(fault.status, headers, fault.body.encode(), "nonsense"), fault.taken
            case Reset() | Stall() | Drop():
                return _NOTHING, fault.taken
            case Goaway(how="abrupt"):
                return _NOTHING, fault.taken
            case Cut():
                return judged.reply._replace(reason="cut"), judged.reply.status == 200
            case _:
                return judged.reply, judged.reply.status == 200

    def _delay_s(self, fault: Fault | None) -> float:
        weather = self._weather
        delay_ms = weather.latency_ms + self._rng.random() * weather.jitter_ms
        if isinstance(fault, Slow):
            delay_ms += fault.delay_ms
        return delay_ms / 1_000
