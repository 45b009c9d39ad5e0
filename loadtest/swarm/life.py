"""One person's life on the wire: online, off, and online again.

Owns the order of things over one socket after another, and the pauses between them (those of the protocol). Must never
decide what is recorded of a conversation: talker.py does.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from math import inf
from random import Random
from time import monotonic
from typing import Final, NamedTuple

import gevent

from loadtest.client.backoff import Backoff
from loadtest.client.hubs import Hubs
from loadtest.swarm import pace, rows
from loadtest.swarm.line import Ended, Line
from loadtest.swarm.passport import Passport
from loadtest.swarm.rows import Record
from loadtest.swarm.stamp import Clocks
from loadtest.swarm.talker import Talker
from proto.codec import MSGPACK, BadFrame
from proto.codes import Close, may_reconnect

FINISH_WITHIN_S: Final = 2.0
"""The server answers everything within 2 s, so whoever leaves waits no longer for an answer."""


class Stopped(Exception):
    """The server said not to come back; the message says why."""


class Going(NamedTuple):
    """How somebody goes online: by these hubs, and off in a storm every `storm_every_s` (0: never)."""

    hubs: Hubs
    renew: Callable[[Passport], None]
    storm_every_s: float


class Life:
    """One person, from their first socket to their last."""

    def __init__(
        self, talker: Talker, passport: Passport, going: Going, record: Record, random: Random
    ) -> None:
        self._talker = talker
        self._passport = passport
        self._going = going
        self._record = record
        self._random = random
        self._line: Line | None = None

    def live(self) -> None:
        """Until the greenlet is killed. Raises `Stopped`."""
        backoff = Backoff(self._random)
        while True:
            code = self._online()
            now, since, goaway = monotonic(), self._talker.lived_since, self._talker.goaway
            if code == Close.token_expired:
                self._passport.expired(now)
            elif not may_reconnect(code):
                raise Stopped(f"the server closed with {code}")
            self._talker.ended(now)
            lived_s = 0.0 if since is None else now - since
            gevent.sleep(
                backoff.pause_s(lived_s, None if goaway is None else goaway.retry_after_ms)
            )

    def finish(self) -> None:
        """Say goodbye, once what was said is answered or it is too late for it."""
        self._talker.quiet()
        until = monotonic() + FINISH_WITHIN_S
        if self._line is not None:
            with suppress(Ended):
                while self._waits() and monotonic() < until:
                    self._turn(self._line, until)
            self._line.hang_up()
        self._talker.leave()

    def _online(self) -> int | None:
        """One socket, to its end: the code it was closed with, None where there was none."""
        dialled_at = monotonic()
        talker = self._talker
        try:
            if dialled_at >= self._passport.renew_at:
                self._going.renew(self._passport)
            self._line = Line.dial(self._going.hubs.url)
            self._line.send(talker.begin(dialled_at, self._passport.token))
            storm_at = self._storm_at()
            while not talker.dead(monotonic()):
                if monotonic() >= storm_at:
                    if talker.live:
                        self._drop()
                        return None
                    storm_at = self._storm_at()
                self._turn(self._line, storm_at)
            raise Ended("dead: nothing was heard for too long, or it did not come live")
        except Ended as ended:
            self._tell(ended, monotonic() - dialled_at)
            self._going.hubs.failed()
            self._drop()
            return ended.code

    def _waits(self) -> bool:
        return self._talker.waits and self._talker.live and not self._talker.dead(monotonic())

    def _drop(self) -> None:
        if self._line is not None:
            self._line.drop()
            self._line = None

    def _turn(self, line: Line, until: float) -> None:
        """Say what is due, hear what came. Raises `Ended`."""
        for said in self._talker.due(_clocks()):
            line.send(said)
        renew_at = self._passport.renew_at if self._talker.live else inf
        if monotonic() >= renew_at:
            self._going.renew(self._passport)
            line.send(self._talker.renewed(self._passport.token))
        messages = line.receive(min(until, renew_at, self._talker.next_at()))
        self._talker.alive(line.heard_at)
        now = _clocks()
        for message in messages:
            try:
                frame = MSGPACK.decode_server(message)
            except BadFrame:
                continue  # a kind from a later version
            for answer in self._talker.heard(frame, len(message), now):
                line.send(answer)

    def _tell(self, ended: Ended, took_s: float) -> None:
        if self._talker.live:
            self._record(rows.ENDED, None, 0, str(ended))
        else:
            self._record(rows.CONNECT, took_s, 0, self._talker.refused or str(ended))

    def _storm_at(self) -> float:
        wall_s = time.time()
        at = pace.next_storm(wall_s, self._going.storm_every_s, self._random)
        return monotonic() + (at - wall_s) if at < inf else inf


def _clocks() -> Clocks:
    return Clocks(monotonic(), time.time())
