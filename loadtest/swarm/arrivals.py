"""People who register by REST as they come, on a Muster about which nothing is known but its address.

Owns the pace (registering hashes a password twice, and is limited by address) and who shares a room: those who
come after one another in one process. Waiting and asking are passed in. Must never hurry: what is refused for now is
asked again when it may be.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Final, NamedTuple

import msgspec

from loadtest.swarm.passport import Passport

TRIES: Final = 20
RETRY_AFTER_S: Final = 1.0
_LATER: Final = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})


class Answer(NamedTuple):
    """What a request got; `status` is 0 where there was none. `retry_after_s` is 0 where nothing was said."""

    status: int
    body: Mapping[str, Any]
    retry_after_s: float = 0.0


def body_of(content: bytes | None) -> dict[str, Any]:
    """A JSON object; an empty one for everything else."""
    try:
        return msgspec.json.decode(content or b"", type=dict[str, Any])
    except msgspec.DecodeError:
        return {}


class Refused(Exception):
    """Somebody could not come in; the message says why."""


Ask = Callable[[str, str, Mapping[str, Any], str], Answer]
"""Method, path, body, access token (or nothing)."""


class Clock(NamedTuple):
    """Monotonic seconds, and waiting for some."""

    now: Callable[[], float]
    sleep: Callable[[float], object]


class Arrivals:
    """Those who come to one process, `per_s` of them, in rooms of `members`."""

    def __init__(self, ask: Ask, clock: Clock, per_s: float, members: int) -> None:
        self._ask = ask
        self._clock = clock
        self._every_s = 1.0 / per_s
        self._members = members
        self._run = secrets.token_hex(4)
        self._come = 0
        self._next_at = 0.0
        self._room = ""

    def arrive(self) -> Passport:
        """A new person, in a room. Raises `Refused`."""
        number, self._come = self._come, self._come + 1
        self._wait_in_line()
        handle, password = f"load_{self._run}_{number}", secrets.token_urlsafe(18)
        name = {"handle": handle, "password": password}
        self._done("POST", "/v1/people", {**name, "name": handle})
        install = {"install": self._run, "app": "muster-load", "platform": "python"}
        grant = self._done("POST", "/v1/sessions", {**name, **install})
        passport = Passport(number, "")
        self._keep(passport, grant)
        if number % self._members == 0:
            room = {"kind": "public", "title": f"load {self._run} {number // self._members}"}
            self._room = self._done("POST", "/v1/rooms", room, passport.token)["id"]
        else:
            self._done("POST", f"/v1/rooms/{self._room}/join", {}, passport.token)
        return passport

    def renew(self, passport: Passport) -> None:
        """New tokens for somebody who registered here. Raises `Refused`."""
        asked = {"refresh_token": passport.refresh_token}
        self._keep(passport, self._done("POST", "/v1/sessions/refresh", asked))

    def _wait_in_line(self) -> None:
        now = self._clock.now()
        at, self._next_at = max(now, self._next_at), max(now, self._next_at) + self._every_s
        self._clock.sleep(at - now)

    def _keep(self, passport: Passport, grant: Mapping[str, Any]) -> None:
        passport.renewed(
            grant["access_token"],
            grant["refresh_token"],
            float(grant["expires_in"]),
            self._clock.now(),
        )

    def _done(
        self, method: str, path: str, body: Mapping[str, Any], token: str = ""
    ) -> Mapping[str, Any]:
        answer = self._ask(method, path, body, token)
        for _ in range(TRIES):
            if answer.status not in _LATER:
                break
            self._clock.sleep(answer.retry_after_s or RETRY_AFTER_S)
            answer = self._ask(method, path, body, token)
        if not 200 <= answer.status < 300:
            raise Refused(f"{method} {path} was answered {answer.status}")
        return answer.body
