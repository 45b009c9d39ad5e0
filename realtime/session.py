"""The rules of one connection: a frame in, effects out.

    NEW --auth--> CHECKING --admitted--> IN --close--> CLOSING
                      \\--refused------------------------^

Rule 1: everything that decides whether a frame is legal now, or comes too often, lives in this file. Pure: time
is passed in; must never await, touch a socket, or know whether a person may do something in a room (Postgres
judges that, under the room's lock).
"""

from __future__ import annotations

from enum import Enum
from math import inf
from typing import Final, assert_never

from muster.clock import Clock
from muster.errors import Refused
from muster.permission import FRAME_RULES
from muster.tokens import Claims
from muster.versions import check_version
from proto import frames
from proto.codes import TEMPORARY, Close, Code
from realtime import effects
from realtime.bucket import Bucket
from realtime.effects import Answer, CloseWith, Effects
from realtime.terms import Terms

NOTHING: Final[Effects] = ()


class State(Enum):
    """Where a session is."""

    new = "new"
    checking = "checking"
    in_ = "in"
    closing = "closing"


_IN: Final = State.in_  # asked for every frame: a look-up in an Enum costs 0.2 us
_CLOSING: Final = State.closing

_OF_ONE: Final = "too many requests on this socket"
_OF_MANY: Final = "too many requests of this person or in this room, by all sockets together"

_CLOSE_FOR: Final[dict[Code, Close]] = {
    Code.unauthorized: Close.unauthorized,
    Code.token_expired: Close.token_expired,
    Code.upgrade_required: Close.upgrade_required,
    Code.too_many_requests: Close.too_many_requests,
    Code.agreement_required: Close.agreement_required,
}
"""How a refused authentication ends the socket; what is not named here is a fault of ours: come back."""


def error(request: int, code: Code, message: str, retry_after_ms: int | None = None) -> Answer:
    """An `Error` frame in answer to `request`."""
    return Answer(frames.Error(request, code, message, code in TEMPORARY, retry_after_ms))


class Session:
    """One connection's state, its deadlines and its buckets."""

    __slots__ = (
        "_auth_by",
        "_bad",
        "_frames",
        "_places",
        "_posts",
        "_refuse_until",
        "_resumes",
        "_strikes",
        "_terms",
        "_token_until",
        "_typing",
        "claims",
        "state",
    )

    def __init__(self, terms: Terms, now: float) -> None:
        self._terms = terms
        self._auth_by = now + terms.auth_within_s
        self._token_until = inf
        self._refuse_until = 0.0
        self._frames = Bucket(terms.frames_rate)
        # Made when first needed: most sockets are idle most of the time.
        self._bad: Bucket | None = None
        self._places: Bucket | None = None
        self._posts: Bucket | None = None
        self._resumes: Bucket | None = None
        self._strikes: Bucket | None = None
        self._typing: Bucket | None = None
        self.claims: Claims | None = None
        self.state = State.new

    # What comes from the client

    def on_frame(self, frame: frames.ClientFrame, now: float) -> Effects:
        """The client sent `frame`."""
        if self.state is _CLOSING:
            return NOTHING
        rule = FRAME_RULES.get(type(frame))
        if rule is None:
            return (
                error(frame.id, Code.permission_denied, "this server does not take such frames"),
            )
        if self.state is not _IN and not rule.before_auth:
            return self.refused(
                frame.id, Refused(Code.unauthorized, "the first frame must be auth")
            )
        wait = self._frames.take(now)
        if wait:
            return self._too_many(frame, wait, now)
        return self._on_legal_frame(frame, now)

    def _on_legal_frame(self, frame: frames.ClientFrame, now: float) -> Effects:
        match frame:
            case (
                frames.Post()
                | frames.Edit()
                | frames.Delete()
                | frames.React()
                | frames.Unreact()
                | frames.Vote()
                | frames.ClosePoll()
            ):
                return self._on_submission(frame, now)
            case frames.Received() | frames.Read():
                return (effects.Pointers(frame),)
            case frames.Typing():
                self._typing = self._typing or Bucket(self._terms.typing_rate)
                wait = self._typing.take(now)
                return self._too_many(frame, wait, now) if wait else (effects.Typing(frame),)
            case frames.Fixes() | frames.Crossings():
                self._places = self._places or Bucket(self._terms.places_rate)
                wait = self._places.take(now)
                return self._too_many(frame, wait, now) if wait else (effects.Place(frame),)
            case frames.Resume() | frames.Attend() | frames.Watch() | frames.Refresh():
                return self._on_costly(frame, now)
            case frames.Attention():
                return (effects.Look(frame),)
            case frames.Ping():
                return (effects.TellTime(frame),)
            case frames.Auth():
                return self._on_auth(frame)
            case _:
                assert_never(frame)

    def _on_costly(
        self, frame: frames.Resume | frames.Attend | frames.Watch | frames.Refresh, now: float
    ) -> Effects:
        """Each of these is a query or a signature to be checked."""
        self._resumes = self._resumes or Bucket(self._terms.resumes_rate)
        wait = self._resumes.take(now)
        if wait:
            return self._too_many(frame, wait, now)
        if isinstance(frame, frames.Refresh):
            return (effects.RefreshToken(frame),)
        return (effects.AskRooms(frame),)

    def _on_auth(self, frame: frames.Auth) -> Effects:
        if self.state is not State.new:
            return (error(frame.id, Code.bad_request, "this socket has authenticated already"),)
        try:
            check_version(frame.version, self._terms.min_version)
        except Refused as too_old:
            return self.refused(frame.id, too_old)
        self.state = State.checking
        self._auth_by = inf
        return (effects.Authenticate(frame),)

    def _on_submission(self, frame: frames.Submission, now: float) -> Effects:
        # Once one is refused, so are those that follow it on the wire: else they would overtake it.
        wait = self._refuse_until - now
        if wait <= 0.0:
            self._posts = self._posts or Bucket(self._terms.posts_rate)
            wait = self._posts.take(now)
            if not wait:
                return (effects.Submit(frame),)
            wait = max(wait, self._terms.refuse_for_s)
            self._refuse_until = now + wait
        return self._too_many(frame, wait, now)

    def overdrawn(self, frame: frames.ClientFrame, wait: float, now: float) -> Effects:
        """It is legal here, and too much of what others have a share in: a person, a room."""
        if self.state is _CLOSING:
            return NOTHING
        if isinstance(frame, frames.Submission):
            wait = max(wait, self._terms.refuse_for_s)
            self._refuse_until = now + wait
        return self._too_many(frame, wait, now, _OF_MANY)

    def _too_many(
        self, frame: frames.ClientFrame, wait: float, now: float, sentence: str = _OF_ONE
    ) -> Effects:
        self._strikes = self._strikes or Bucket(self._terms.strikes_rate)
        if self._strikes.take(now):
            return self._end(Close.flood, "frames kept coming far above the limits")
        if frame.id == 0 and isinstance(frame, frames.Typing):
            return NOTHING
        return (error(frame.id, Code.too_many_requests, sentence, _ms(wait)),)

    def on_bad_frame(self, request: int, why: str, now: float) -> Effects:
        """The client sent what is no frame. A few are answered; more, or the first, end the socket."""
        if self.state is _CLOSING:
            return NOTHING
        answer = error(request, Code.bad_request, why)
        self._bad = self._bad or Bucket(self._terms.bad_frames_rate)
        if self.state is _IN and not self._bad.take(now):
            return (answer,)
        return (answer, *self._end(Close.bad_frame, why))

    def on_throttled(self, wait: float) -> Effects:
        """Reading pauses, because too many bytes or control frames came."""
        if self.state is not _IN:
            return NOTHING
        sentence = "too much was sent; reading goes on after a pause"
        return (error(0, Code.too_many_requests, sentence, _ms(wait)),)

    # What comes from the server

    def verified(self, claims: Claims, clock: Clock) -> None:
        """The token is good; the hub has yet to admit its person."""
        self.claims = claims
        self._set_token_end(claims, clock)

    def admitted(self) -> None:
        """The hub has let them in."""
        if self.state is State.checking:
            self.state = State.in_

    def refused(self, request: int, why: Refused, close: Close | None = None) -> Effects:
        """Authentication failed: say why, and close."""
        answer = error(request, why.code, why.message, why.retry_after_ms)
        code = close if close is not None else _CLOSE_FOR.get(why.code, Close.internal)
        return (answer, *self._end(code, why.message, why.retry_after_ms))

    def turned_away(self, request: int, retry_after_ms: int) -> Effects:
        """Too many people come in just now: nobody has looked at the token yet."""
        later = "too many people come in just now"
        return self.refused(
            request, Refused(Code.too_many_requests, later, retry_after_ms=retry_after_ms)
        )

    def refreshed(self, request: int, claims: Claims, clock: Clock) -> Effects:
        """A new token is good; it must go on where the old one ends."""
        old = self.claims
        if old is None or (claims.person, claims.session) != (old.person, old.session):
            return (error(request, Code.unauthorized, "the new token is of another session"),)
        self.claims = claims
        self._set_token_end(claims, clock)
        return (Answer(frames.Ok(request)),)

    def closing(self) -> None:
        """The connection is being closed, for whatever reason."""
        self.state = State.closing
        self._auth_by = self._token_until = inf

    def due(self, now: float) -> Effects:
        """Do what is due by now."""
        if now >= self._auth_by:
            return self._end(Close.stale, "no authentication arrived in time")
        if now >= self._token_until:
            return self._end(Close.token_expired, "the access token has expired")
        return NOTHING

    @property
    def deadline(self) -> float:
        """When to ask `due` next."""
        return min(self._auth_by, self._token_until)

    def _set_token_end(self, claims: Claims, clock: Clock) -> None:
        left_s = (claims.expires_at_ms - clock.now_ms()) / 1000
        self._token_until = clock.monotonic() + left_s + self._terms.token_grace_s

    def _end(self, code: Close, reason: str, retry_after_ms: int | None = None) -> Effects:
        self.closing()
        return (CloseWith(code, reason, retry_after_ms),)


def _ms(seconds: float) -> int:
    return int(seconds * 1000) + 1
