"""What takes time for a connection: asking the hub and the writer, and turning what they say into answers.

Owns the tasks of all connections (one group, the process'), and that a request which fails by a fault of ours ends
its own socket and nothing else. Must never keep anything about one connection.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol
from uuid import UUID

from muster import telemetry
from muster.errors import Refused, unavailable
from muster.ids import PersonId, self_room
from muster.op import Op, Outcome
from muster.submit import of_frame
from muster.tokens import Claims
from muster.tolls import FREE, Overdrawn
from muster.trail import trail
from proto import frames
from proto.codes import Close, Code
from realtime.dues import Dues
from realtime.edge import Edge
from realtime.effects import AskRooms, Effects, Submit
from realtime.session import NOTHING, error
from realtime.socket import Rooms
from realtime.within import Within

if TYPE_CHECKING:
    from realtime.connection import Connection

_LOG: Final = telemetry.get_logger()


class Submits(Protocol):
    """The group-commit writer."""

    def ask(self, op: Op, told: Callable[[Outcome | Refused], None]) -> None: ...


class Places(Protocol):
    """Who judges where people are (muster/placing.py)."""

    async def placed(self, person: PersonId, frame: frames.Placing) -> frames.Placed:
        """Raises `Refused`, within its own deadline."""
        ...


class Agrees(Protocol):
    """Who knows whether somebody has accepted the terms in force (muster/agreements.py)."""

    async def check(self, person: PersonId) -> None:
        """Raises `Refused`: `agreement_required` for who has not, where the operator insists."""
        ...


class Checks(NamedTuple):
    """What is asked of a person besides a token, if anything: `agreements` as they come in, `dues` for what they do."""

    agreements: Agrees | None = None
    dues: Dues | None = None


NO_CHECKS: Final = Checks()


class Verifies(Protocol):
    """Who reads access tokens."""

    def verify(self, token: str) -> Claims: ...


@dataclass(frozen=True, slots=True)
class Errands:
    """The hub, the writer and the tokens, as connections use them."""

    edge: Edge
    hub: Rooms
    writer: Submits
    tokens: Verifies
    tasks: asyncio.TaskGroup
    places: Places
    checks: Checks = NO_CHECKS

    def identify(self, connection: Connection, frame: frames.Auth) -> Effects:
        """Read the token. What is wrong with it, or nothing; no database is asked."""
        try:
            claims = self.tokens.verify(frame.token)
        except Refused as why:
            return connection.rules.refused(frame.id, why)
        connection.rules.verified(claims, self.edge.clock)
        return self._shut_out(connection, frame, claims)

    def _shut_out(self, connection: Connection, frame: frames.Auth, claims: Claims) -> Effects:
        if self.hub.banned(claims.person):
            why = Refused(Code.unauthorized, "the account is banned")
            return connection.rules.refused(frame.id, why, Close.banned)
        if self.hub.revoked(claims.session):
            why = Refused(Code.unauthorized, "the session was logged out")
            return connection.rules.refused(frame.id, why, Close.revoked)
        return NOTHING

    def refresh(self, connection: Connection, frame: frames.Refresh) -> Effects:
        """A new token for the same session."""
        try:
            claims = self.tokens.verify(frame.token)
        except Refused as why:
            return (error(frame.id, why.code, why.message),)
        if self.hub.revoked(claims.session):
            return (error(frame.id, Code.unauthorized, "the session was logged out"),)
        return connection.rules.refreshed(frame.id, claims, self.edge.clock)

    async def admit(self, connection: Connection, frame: frames.Auth, peer: str) -> None:
        """Let the hub know of this person, who came from the address `peer`; then they are in."""
        claims = connection.rules.claims
        assert claims is not None, "identify comes first"

        async def ask() -> None:
            agreements, dues = self.checks
            if dues is not None:
                await dues.arrive(claims.session, peer)
            if agreements is not None:
                await agreements.check(claims.person)
            admission = await self.hub.admit(connection)
            # What happened to the session while we waited counts.
            refusal = self._shut_out(connection, frame, claims)
            if refusal:
                connection.perform(refusal)
                return
            connection.authenticated(
                self._ready(connection, frame.id, claims, admission.generation)
            )

        refused = await self._within(connection, ask)
        if refused is not None:
            connection.perform(connection.rules.refused(frame.id, refused))

    def charge(self, connection: Connection, effect: Submit | AskRooms) -> None:
        """Do it if it is paid for, which can nearly always be told at once."""
        dues = self.checks.dues
        standing = FREE if dues is None else dues.spend(connection.person, effect.frame)
        if standing is None:
            connection.run(self._owe(connection, effect))
        elif standing.wait_s:
            self._overdrawn(connection, effect, standing.wait_s)
        else:
            connection.go(effect)

    async def _owe(self, connection: Connection, effect: Submit | AskRooms) -> None:
        """Ask whether this may be done, which nobody here knows."""
        dues = self.checks.dues
        assert dues is not None, "else nothing is owed"
        try:
            await dues.take(connection.person, effect.frame)
        except Overdrawn as why:
            self._overdrawn(connection, effect, why.standing.wait_s)
        else:
            connection.go(effect)

    def _overdrawn(self, connection: Connection, effect: Submit | AskRooms, wait_s: float) -> None:
        now = self.edge.clock.monotonic()
        connection.perform(connection.rules.overdrawn(effect.frame, wait_s, now))

    async def ask_rooms(
        self, connection: Connection, frame: frames.Resume | frames.Attend | frames.Watch
    ) -> None:
        """Where rooms stand, or how people are. What follows from it the hub sends after this answer."""

        async def ask() -> None:
            answer: frames.Server
            match frame:
                case frames.Resume():
                    answer = await self.hub.resume(connection, frame)
                case frames.Attend():
                    answer = await self.hub.attend(connection, frame)
                case frames.Watch():
                    answer = await self.hub.watch(connection, frame)
            connection.send(answer)

        refused = await self._within(connection, ask)
        if refused is not None:
            connection.perform((error(frame.id, *_said(refused)),))

    def submit(self, connection: Connection, frame: frames.Submission) -> None:
        """Commit an op and answer. It is done whether the socket is still there by then or not."""
        try:
            if _LOG.is_enabled_for(logging.DEBUG):
                _LOG.debug(
                    "submitted",
                    entry=trail(connection.person, frame.client_id),
                    session=str(connection.session),
                    room=str(frame.room),
                )
            op = of_frame(connection.person, frame)
            self.writer.ask(op, partial(self._submitted, connection, frame))
        except Refused as why:  # it says nothing: an answer like the writer's
            self._submitted(connection, frame, why)
        except Exception:  # noqa: BLE001  # a fault in one request must not end all sockets of the process
            connection.submitted()
            self._fault(connection)

    def _submitted(
        self, connection: Connection, frame: frames.Submission, answer: Outcome | Refused
    ) -> None:
        try:
            connection.submitted()
            if isinstance(answer, Refused):
                connection.perform((error(frame.id, *_said(answer)),))
            elif frame.id:
                connection.send(_ack(frame.id, answer))
        except Exception:  # noqa: BLE001  # a fault in one answer must not end the writer
            self._fault(connection)

    def place(self, connection: Connection, frame: frames.Placing) -> None:
        """Judge and answer, beside the socket's other requests: what is said in a room does not wait for it."""
        self.tasks.create_task(self._place(connection, frame))

    async def _place(self, connection: Connection, frame: frames.Placing) -> None:
        try:
            placed = await self.places.placed(connection.person, frame)
        except Refused as why:
            connection.submitted()
            connection.perform((error(frame.id, *_said(why)),))
        except Exception:  # noqa: BLE001  # a fault in one request must not end all sockets of the process
            connection.submitted()
            self._fault(connection)
        else:
            connection.submitted()
            if frame.id:
                connection.send(placed)

    async def _within(
        self, connection: Connection, ask: Callable[[], Awaitable[None]]
    ) -> Refused | None:
        edge = self.edge
        try:
            with Within(edge.wheel, edge.clock.monotonic() + edge.terms.answer_within_s):
                return await self._caught(connection, ask)
        except TimeoutError:
            return unavailable("the database")

    async def _caught(
        self, connection: Connection, ask: Callable[[], Awaitable[None]]
    ) -> Refused | None:
        try:
            await ask()
        except Refused as why:
            return why
        except TimeoutError:
            return unavailable("the database")
        except Exception:  # noqa: BLE001  # a fault in one request must not end all sockets of the process
            self._fault(connection)
        return None

    def _fault(self, connection: Connection) -> None:
        self.edge.tally.faults += 1
        _LOG.error("a request failed", exc_info=True)
        connection.close(Close.internal, "a fault of the server's", 1_000)

    def _ready(
        self, connection: Connection, request: int, claims: Claims, generation: UUID
    ) -> frames.Ready:
        terms = self.edge.terms
        return frames.Ready(
            request,
            person=claims.person,
            session=claims.session,
            device=claims.device,
            self_room=self_room(claims.person),
            generation=generation,
            server_time_ms=self.edge.clock.now_ms(),
            heartbeat_ms=int(terms.heartbeat_s * 1000),
            token_expires_ms=claims.expires_at_ms,
            min_version=terms.min_version,
            limits=terms.announced(),
            spread_ms=connection.spread_ms,
        )


def _ack(request: int, outcome: Outcome) -> frames.Ack:
    return frames.Ack(
        request, outcome.room, outcome.seq, outcome.msg_no, outcome.at_ms, outcome.fresh
    )


def _said(why: Refused) -> tuple[Code, str, int | None]:
    return why.code, why.message, why.retry_after_ms
