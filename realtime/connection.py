"""One connection: performs what the session rules ask for, and is the socket the hub pushes to.

    driver --message--> codec --frame--> session rules --effects--> errands, hub, answers --> outbox --> driver

Owns the order of one socket's requests, how many are under way, and what is written to it. Must never decide
whether a frame is legal (session.py) and must never await: what takes time is an errand (errands.py).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, assert_never

from muster.errors import Refused
from muster.ids import DeviceId, PersonId, RoomId, SessionId
from proto import frames
from proto.codec import JSON, MSGPACK, BadFrame
from proto.codes import Close, may_reconnect
from realtime import effects
from realtime.driver import Driver
from realtime.edge import Edge
from realtime.effects import Effect, Effects
from realtime.errands import Errands
from realtime.outbox import Level, Outbox
from realtime.prepared import BINARY, TEXT, Pushable, framed
from realtime.salvage import request_id
from realtime.session import Session, error
from realtime.socket import Socket
from realtime.state import OPEN

SLOW_RETRY_MS = 1_000


def _nobody_waits(_socket: Socket) -> None:
    """Until the hub wants to know that a socket has drained."""


class Connection:
    """One WebSocket with a client of ours at the other end. It is a `Socket` and a `Receiver`."""

    __slots__ = (
        "_dirty",
        "_driver",
        "_edge",
        "_errands",
        "_in_flight",
        "_open",
        "_outbox",
        "_session",
        "_step",
        "_text",
        "_under_way",
        "attention",
        "congested",
        "device",
        "on_drained",
        "person",
        "registered",
        "session",
        "thinned",
    )

    def __init__(self, edge: Edge, errands: Errands, driver: Driver, text: bool) -> None:
        self._edge = edge
        self._errands = errands
        self._driver = driver
        self._text = text
        self._session = Session(edge.terms, edge.clock.monotonic())
        self._outbox = Outbox(edge.terms.outbox_bytes, edge.terms.drained_within_s)
        self._under_way: set[asyncio.Task[None]] | None = None
        self._in_flight = 0
        self._dirty = False
        self._open = True
        self._step = Level.flowing  # the highest that was counted since all was well
        # Whose it is: known once the token was read, and never asked for before.
        self.person: PersonId
        self.device: DeviceId
        self.session: SessionId
        self.registered = False
        """Whether the hub knows this connection, and must be told when it is gone."""
        self.attention = "active"
        self.thinned = self.congested = False
        self.on_drained: Callable[[Socket], None] = _nobody_waits

    # The hub calls

    @property
    def rules(self) -> Session:
        """The session rules, for errands that have learned something."""
        return self._session

    @property
    def busy(self) -> bool:
        """Whether something was taken that has no answer yet."""
        return bool(self._in_flight or self._under_way)

    @property
    def spread_ms(self) -> int:
        """Over how long its client should come back if it breaks without a word."""
        visitor = self._driver.visitor
        return 0 if visitor is None else visitor.spread_ms

    @property
    def backlog(self) -> int:
        return self._outbox.queued + self._driver.unsent

    @property
    def takes_heads(self) -> bool:
        return self._open and self._outbox.takes_heads

    def push(self, prepared: Pushable) -> None:
        if self._open:  # what `_put` does, without a call more: this is the way of every delivery
            heavy = self._outbox.put(prepared.text if self._text else prepared.binary)
            edge = self._edge
            edge.tally.frames_out += prepared.frames
            if not self._dirty:
                self._dirty = True
                edge.flusher.mark(self)
            if heavy:
                self._look()

    def send(self, frame: frames.Server) -> None:
        if not self._open:
            return
        self._edge.tally.frames_out += 1
        if self._text:
            self._put(framed(TEXT, JSON.encode(frame)))
        else:
            self._put(framed(BINARY, MSGPACK.encode(frame)))

    def close(self, code: int, reason: str, retry_after_ms: int | None = None) -> None:
        if not self._open or self._driver.state is not OPEN:
            return
        self._session.closing()
        if code == Close.slow:
            self._edge.tally.steps["goaway"] += 1
            self._outbox.empty()  # it comes back and resumes from what it has
        self.send(frames.Goaway(0, int(code), reason, retry_after_ms, may_reconnect(code)))
        self._open = False
        self._outbox.unblock()
        self.flush()
        self._driver.close(code, reason)

    # The driver calls

    def message(self, data: bytes, now: float) -> None:
        codec = JSON if self._text else MSGPACK
        try:
            frame = codec.decode(data, self._edge.terms.frame_bytes)
        except BadFrame as bad:
            request = request_id(data, self._text)
            self.perform(self._session.on_bad_frame(request, str(bad), now))
        else:
            self.perform(self._session.on_frame(frame, now))

    def throttled(self, wait_s: float) -> None:
        self.perform(self._session.on_throttled(wait_s))

    def blocked(self, handed: int) -> None:
        self._outbox.block(handed, self._edge.clock.monotonic())
        self._driver.look_at(self._outbox.deadline)
        self._look()

    def unblocked(self) -> None:
        self._outbox.unblock()
        self.flush()

    def flush(self) -> None:
        """Write everything that waits, at once."""
        self._dirty = False
        data = self._outbox.take()
        if data:
            self._driver.write(data)
        if self.thinned:
            self._look()

    def due(self, now: float) -> float:
        self.perform(self._session.due(now))
        if self.thinned:
            self._look()
        return min(self._session.deadline, self._outbox.deadline)

    def lost(self, clean: bool) -> None:
        self._open = False
        self._session.closing()
        self._outbox.empty()
        for task in self._under_way or ():
            task.cancel()
        if self.registered:
            self.registered = False
            self._errands.hub.drop(self, clean)

    # Errands call

    def authenticated(self, ready: frames.Ready) -> None:
        """The hub has let its person in."""
        if self._open:
            self._session.admitted()
            self._driver.authenticated()
            self.send(ready)

    def submitted(self) -> None:
        """A submission has its answer."""
        self._in_flight -= 1
        self._hold_or_release()

    def go(self, effect: effects.Submit | effects.AskRooms) -> None:
        """It is paid for: do it."""
        if not self._open:
            return
        if isinstance(effect, effects.AskRooms):
            self.run(self._errands.ask_rooms(self, effect.frame))
        else:
            self._ask(effect)

    def run(self, errand: Coroutine[Any, Any, None]) -> None:
        """Start an errand that holds up this socket's later requests, and ends with it."""
        task = self._errands.tasks.create_task(errand)
        if self._under_way is None:
            self._under_way = set()
        self._under_way.add(task)
        task.add_done_callback(self._ran)
        self._hold_or_release()

    def perform(self, todo: Effects) -> None:
        """Do what the rules ask for."""
        for effect in todo:
            self._perform(effect)

    def _perform(self, effect: Effect) -> None:
        match effect:
            case effects.Submit() | effects.AskRooms():
                self._errands.charge(self, effect)
            case effects.Place():
                self._ask(effect)
            case effects.Pointers(frame):
                self._point(frame)
            case effects.Typing(frame):
                self._typing(frame)
            case effects.Look(frame):
                self.attention = frame.state
                self._errands.hub.look(self, frame)
                self._ok(frame.id)
            case effects.TellTime(frame):
                self.send(frames.Pong(frame.id, self._edge.clock.now_ms()))
            case effects.Answer(frame):
                if isinstance(frame, frames.Error):
                    self._edge.tally.refuse(frame.code)
                self.send(frame)
            case effects.RefreshToken(frame):
                self.perform(self._errands.refresh(self, frame))
                self._driver.look_at(self._session.deadline)
            case effects.Authenticate(frame):
                self._authenticate(frame)
            case effects.CloseWith(code, reason, retry_after_ms):
                self.close(code, reason, retry_after_ms)
            case _:
                assert_never(effect)

    def _ask(self, effect: effects.Submit | effects.Place) -> None:
        self._in_flight += 1
        if isinstance(effect, effects.Submit):
            self._errands.submit(self, effect.frame)
        else:
            self._errands.place(self, effect.frame)
        self._hold_or_release()

    def _authenticate(self, frame: frames.Auth) -> None:
        visitor = self._driver.visitor
        assert visitor is not None, "nobody authenticates twice"
        turned_away = visitor.authenticate(self._edge.clock.monotonic())
        if turned_away is not None:  # before anything was done for them, the token's signature too
            self.perform(self._session.turned_away(frame.id, turned_away.retry_after_ms))
            return
        refusal = self._errands.identify(self, frame)
        if refusal:
            visitor.bad_token()
            self.perform(refusal)
            return
        claims = self._session.claims
        assert claims is not None, "there is no refusal"
        self.person, self.device, self.session = claims.person, claims.device, claims.session
        self.registered = True
        self.run(self._errands.admit(self, frame, visitor.peer))
        self._driver.look_at(self._session.deadline)

    def _point(self, frame: frames.Received | frames.Read) -> None:
        if isinstance(frame, frames.Read):
            self._errands.hub.read(self, frame.positions)
        else:
            self._errands.hub.received(self, frame.positions)
        self._ok(frame.id)

    def _typing(self, frame: frames.Typing) -> None:
        try:
            self._errands.hub.typing(self, RoomId(frame.room))
        except Refused as why:
            if frame.id:
                self._perform(error(frame.id, why.code, why.message, why.retry_after_ms))

    def _ok(self, request: int) -> None:
        if request:
            self.send(frames.Ok(request))

    def _ran(self, task: asyncio.Task[None]) -> None:
        if self._under_way is not None:
            self._under_way.discard(task)
            self._under_way = self._under_way or None
        self._hold_or_release()

    def _hold_or_release(self) -> None:
        if self._under_way or self._in_flight >= self._edge.terms.in_flight:
            self._driver.hold()
        else:
            self._driver.release()

    def _put(self, data: bytes) -> None:
        heavy = self._outbox.put(data)
        if not self._dirty:
            self._dirty = True
            self._edge.flusher.mark(self)
        if heavy:
            self._look()

    def _look(self) -> None:
        """See where on the ladder this socket stands, and act if that has changed."""
        if not self._open:
            return
        outbox = self._outbox
        was_congested = self.congested
        level = outbox.level(self._edge.clock.monotonic())
        self.thinned = level is not Level.flowing
        self.congested = level >= Level.congested
        if outbox.blocked or not self.thinned:
            self._count(level)  # a burst that is written at the end of the tick makes nobody slow
        if level is Level.over:
            self.close(Close.slow, "the socket did not take what it was sent", SLOW_RETRY_MS)
        elif was_congested and not self.congested:
            self.on_drained(self)

    def _count(self, level: Level) -> None:
        """Each step up is counted once until all is well again."""
        steps = self._edge.tally.steps
        if self._step < Level.thinned <= level < Level.over:
            steps["ephemeral"] += 1
        if self._step < Level.congested is level:
            steps["head_only"] += 1
        self._step = max(self._step, level) if level else Level.flowing
