"""Locust's way in: `make load`, or `locust -f loadtest/locustfile.py --host https://api.example.org SteadyChat`.

    SteadyChat       a socket each, a post every `--pace` seconds, every entry watched for
    ReconnectStorm   the same, and every `--storm-every` seconds all sockets drop within one second and come back
    RestMix          the REST api: 70 % pages, 20 % posts, 10 % other writes
    Evening          as SteadyChat, at an event whose doors are open: within `--arrive-within` seconds everybody checks
                     in, and talks in its room too; the first of each process is its host, who looks at the number

`--shape` says how many are there when (swarm/shapes.py). Who plays comes from `--people FILE`, made by `python -m
loadtest people`, or is registered by REST, slowly. Times begin when something was due, not when it got away.

Owns what Locust calls. Importing `locust` patches the whole process for gevent, so nothing but Locust may import this
file. Must never import muster: whoever plays here is a stranger.
"""

from __future__ import annotations

import logging
import re
import secrets
import time
from functools import cache, partial
from pathlib import Path
from random import Random
from time import monotonic
from typing import Any, ClassVar, Final
from uuid import uuid4

import gevent
from locust import FastHttpUser, LoadTestShape, User, argument_parser, events, runners, task
from locust.contrib.fasthttp import FastHttpSession
from locust.env import Environment
from locust.exception import StopUser
from locust.runners import MasterRunner

from loadtest.client.hubs import Hubs
from loadtest.swarm import options, pace, roster, rows, shapes
from loadtest.swarm.arrivals import Answer, Arrivals, Clock, Refused, body_of
from loadtest.swarm.attending import Attending, Evenings
from loadtest.swarm.coming import Coming
from loadtest.swarm.lateness import Lateness
from loadtest.swarm.life import Going, Life, Stopped
from loadtest.swarm.line import Ended
from loadtest.swarm.mix import Mix
from loadtest.swarm.party import NoParty
from loadtest.swarm.passport import Passport
from loadtest.swarm.roster import Roster, RosterError
from loadtest.swarm.stamp import Clocks, stamped, this_machine
from loadtest.swarm.talker import TEXT_CHARS, Manner, Talker
from loadtest.swarm.watch import Watch

LOOK_EVERY_S: Final = 0.5
_ID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
MISSING_AFTER_BEATS: Final = 20
"""A worker that fills its core misses Locust's own three seconds and comes back; that would end the run."""

_log = logging.getLogger("muster.load")
_events: Any = events
"""Locust gives them no types."""


class Stage:
    """What the users of one process share: who plays, where the hubs are, what is recorded."""

    def __init__(self, environment: Environment) -> None:
        """Asks the api where the hubs are. Raises `RosterError`."""
        options: Any = environment.parsed_options
        self._events: Any = environment.events
        self._http = FastHttpSession(environment.host, environment.events.request, None)
        self.options = options
        self.run = secrets.token_hex(3)
        self.machine = this_machine()
        self.watch = Watch()
        self.lateness = Lateness()
        self.hubs = [str(url) for url in self._ask("GET", "/v1/hubs", {}, "").body.get("hubs", ())]
        if not self.hubs:
            raise RosterError(f"{environment.host} does not tell where its hubs are")
        clock = Clock(monotonic, gevent.sleep)
        self.evenings = Evenings(self._ask, options.arrive_within)
        self._arrivals = Arrivals(self._ask, clock, options.register_per_s, options.room_members)
        self._roster: Roster | None = None
        if options.people:
            people = roster.read(Path(options.people), int(time.time() * 1000))
            runner: Any = environment.runner
            workers = options.processes or (options.expect_workers if options.worker else 1)
            self._roster = Roster(people.tokens, len(self.hubs), runner.worker_index, workers)

    def come(self) -> Passport:
        """Somebody new. Raises `RosterError` and `Refused`."""
        return self._roster.borrow() if self._roster else self._arrivals.arrive()

    def go(self, passport: Passport) -> None:
        """They play no longer."""
        if self._roster is not None:
            self._roster.give_back(passport)

    def renew(self, passport: Passport) -> None:
        """New tokens. Raises `Ended`, for without them there is no way in."""
        try:
            self._arrivals.renew(passport)
        except Refused as refused:
            raise Ended(str(refused)) from None

    def record(
        self, name: str, took_s: float | None, size: int = 0, failure: str | None = None, /
    ) -> None:
        """See `rows.Record`; what is no request goes elsewhere."""
        if name == rows.LATE:
            self.lateness.add(took_s or 0.0)
            return
        self._events.request.fire(
            request_type=rows.TYPE,
            name=name,
            response_time=None if took_s is None else took_s * 1000,
            response_length=size,
            exception=None if failure is None else rows.Failure(failure),
            context={},
        )

    def look(self) -> None:
        """Count what was to have come by now, for ever."""
        while True:
            gevent.sleep(LOOK_EVERY_S)
            for _ in self.watch.overdue(monotonic()):
                self.record(rows.DELIVERY, None, 0, "not there 5 s after it was committed")

    def _ask(self, method: str, path: str, body: Any, token: str) -> Answer:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        asked = None if method == "GET" else body
        name = _ID.sub("[id]", path)
        with self._http.request(
            method, path, name=name, json=asked, headers=headers, catch_response=True
        ) as answer:
            told: Any = answer
            told.request_meta["request_type"] = "REST"
            retry_after = str((told.headers or {}).get("retry-after") or "")
        seconds = float(retry_after) if retry_after.isdigit() else 0.0
        return Answer(int(told.status_code or 0), body_of(told.content), seconds)


def _start(environment: Environment, **_: Any) -> None:
    if isinstance(environment.runner, MasterRunner):
        return
    try:
        stage = Stage(environment)
    except RosterError as problem:
        _log.error("%s", problem)
        _Person.problem = str(problem)
        return
    _Person.stage, _Person.problem = stage, ""
    _Person.looking = gevent.spawn(stage.look)


def _stop(**_: Any) -> None:
    if _Person.looking is not None:
        _Person.looking.kill()
        _Person.looking = None
        _log.info("%s", _Person.stage.lateness)


def _quitting(environment: Environment, **_: Any) -> None:
    """A run that lost a process lost what it measured: that is no success, whatever the others say."""
    runner = environment.runner
    if isinstance(runner, MasterRunner) and runner.clients.missing:
        _log.error("%d of the load's processes went missing", len(runner.clients.missing))
        environment.process_exit_code = 1


def _fail(name: str, why: str) -> None:
    """Count somebody who cannot play."""
    _events.request.fire(
        request_type=rows.TYPE,
        name=name,
        response_time=None,
        response_length=0,
        exception=rows.Failure(why),
        context={},
    )


class _Person:
    """What every user begins and ends with."""

    stage: ClassVar[Stage]
    looking: ClassVar[gevent.Greenlet | None] = None
    problem: ClassVar[str] = "the run has not begun"
    passport: Passport | None = None

    def enter(self) -> Passport:
        """Become somebody. Raises `StopUser` where nobody is left, and counts it."""
        try:
            if self.problem:
                raise RosterError(self.problem)
            self.passport = self.stage.come()
        except (RosterError, Refused) as problem:
            _fail(rows.CONNECT, str(problem))
            raise StopUser from None
        return self.passport

    def exit(self) -> None:
        """Be somebody no longer."""
        if self.passport is not None:
            self.stage.go(self.passport)
            self.passport = None


class SteadyChat(_Person, User):
    """Somebody with a socket, who posts and listens."""

    storms = False

    @task
    def live(self) -> None:
        """Become somebody, until the run ends or the server says to stay away."""
        passport = self.enter()
        try:
            self.play(passport)
        finally:
            self.exit()

    def play(self, passport: Passport) -> None:
        """What they do."""
        self.talk(passport)

    def talk(self, passport: Passport, coming: Coming | None = None) -> None:
        """Be online as them, and come to an event while they are."""
        stage, random = self.stage, Random()
        manner = Manner(stage.options.pace, stage.machine, stage.run)
        talker = Talker(str(passport.number), manner, stage.watch, stage.record, random, coming)
        hubs = Hubs(stage.hubs, passport.number)
        going = Going(hubs, stage.renew, stage.options.storm_every if self.storms else 0.0)
        life = Life(talker, passport, going, stage.record, random)
        try:
            life.live()
        except Stopped as stopped:
            _log.warning("person %s: %s", passport.number, stopped)
            raise StopUser from None
        finally:
            life.finish()


class Evening(SteadyChat):
    """The same, at an event: everybody comes to it once, and its host counts."""

    def play(self, passport: Passport) -> None:
        """Be the host, or a guest."""
        attending: Attending | None = None
        try:
            wrong = partial(_fail, rows.NUMBER)
            attending = Attending(self.stage.evenings, passport, wrong)
            self.talk(passport, attending.coming)
        except NoParty as problem:
            _fail(rows.NUMBER, str(problem))
            raise StopUser from None
        finally:
            if attending is not None:
                attending.end()


class ReconnectStorm(SteadyChat):
    """The same, whose socket drops with everybody's."""

    storms = True


class RestMix(_Person, FastHttpUser):
    """Somebody without a socket, who asks the REST api."""

    @task
    def ask(self) -> None:
        """Become somebody, then ask at a pace: what is due has its own time, however long the one before took."""
        self.enter()
        try:
            self._go_on()
        except Ended as problem:
            _fail(rows.CONNECT, str(problem))
            raise StopUser from None
        finally:
            self.exit()

    def _go_on(self) -> None:
        rooms = self._call("GET", "/v1/me/rooms?limit=100", "my rooms", None, monotonic())
        ids = [str(room["id"]) for room in rooms.get("rooms", ())]
        if not ids:
            raise Ended("there is no room to ask about")
        mix = Mix(ids, Random())
        pacing = pace.begin(self.stage.options.pace, monotonic(), Random())
        while True:
            gevent.sleep(max(0.0, pacing.next_at() - monotonic()))
            for due_at in pacing.due(monotonic()):
                self._ask(mix, due_at)

    def _ask(self, mix: Mix, due_at: float) -> None:
        now = Clocks(monotonic(), time.time())
        text = stamped(self.stage.machine, due_at, now, TEXT_CHARS)
        asked = mix.next(uuid4().hex, text)
        answer = self._call(asked.method, asked.path, asked.name, asked.body, due_at)
        if asked.room and "seq" in answer:
            mix.posted(asked.room, int(answer["seq"]))

    def _call(self, method: str, path: str, name: str, body: Any, due_at: float) -> dict[str, Any]:
        passport = self.passport
        assert passport is not None
        if monotonic() >= passport.renew_at:
            self.stage.renew(passport)
        late_ms = (monotonic() - due_at) * 1000
        with self.client.request(
            method,
            path,
            name=name,
            json=body,
            headers={"Authorization": f"Bearer {passport.token}"},
            catch_response=True,
        ) as answer:
            told: Any = answer
            told.request_meta["request_type"] = "REST"
            told.request_meta["response_time"] += max(0.0, late_ms)
        return body_of(told.content)


class Shape(LoadTestShape):
    """What `--shape` says."""

    use_common_options = True

    def tick(self) -> tuple[int, float] | None:
        """What there should be now."""
        runner: Any = self.runner
        options = runner.environment.parsed_options
        users, per_s = options.num_users or 1, options.spawn_rate or 1.0
        elapsed_s = float(self.get_run_time())  # type: ignore[no-untyped-call]
        target = shapes.target(options.shape, elapsed_s, users, per_s, options.run_time)
        if target is None:
            if isinstance(runner, MasterRunner):
                runner.stop()  # and wait: to quit gives workers half a second, and loses what they tell later
            return None
        return target.users, target.per_s


_events.init_command_line_parser.add_listener(options.add)
runners.HEARTBEAT_LIVENESS = MISSING_AFTER_BEATS
# A worker asks for the defaults once per option at every step of a ramp, and each answer builds the parser anew: 130 ms
# in which no socket of the process is served. They never change.
argument_parser.default_args_dict = cache(argument_parser.default_args_dict)
_events.quitting.add_listener(_quitting)
_events.test_start.add_listener(_start)
_events.test_stop.add_listener(_stop)
