"""Talking to services that people log in by: small requests and JSON answers, by way of muster/egress.py.

Owns the bounds of one request and what its answer means. Must never log a word of either, and never send anything to
an address that is neither https nor this machine's own.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote_plus, urlencode

import msgspec

from muster.breaker import Breaker
from muster.clock import Clock
from muster.egress import Answer, Egress, Forbidden, Unanswered, check_url
from muster.oauth_provider import safe

WITHIN_S: Final = 6.0
ANSWER_BYTES: Final = 262_144
_FAULTS_FROM: Final = 500
"""Statuses by which a service says that it fails, and not the one who asks."""


class Unheard(Exception):
    """No answer that helps. The word says why, and holds nothing of the answer."""


class Talk:
    """Asks one service, unless that failed too often just now."""

    def __init__(self, egress: Egress, breaker: Breaker, clock: Clock) -> None:
        self._egress = egress
        self._breaker = breaker
        self._clock = clock

    async def get(self, url: str, token: str = "") -> Any:
        """The JSON there. Raises `Unheard`."""
        return _json(await self.raw(url, token))

    async def raw(self, url: str, token: str = "") -> Answer:
        """The answer, of status 200 and whole. Raises `Unheard`."""
        headers = {"accept": "application/json"}
        if token:
            headers["authorization"] = f"Bearer {token}"
        return await self._ask("GET", url, headers, b"")

    async def post(
        self, url: str, fields: Mapping[str, str], basic: tuple[str, str] | None = None
    ) -> Mapping[str, Any]:
        """What a form is answered with: an object without an error. Raises `Unheard`."""
        headers = {
            "accept": "application/json",
            "content-type": "application/x-www-form-urlencoded",
        }
        if basic is not None:
            pair = ":".join(map(quote_plus, basic))
            headers["authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        found = _json(await self._ask("POST", url, headers, urlencode(fields).encode()))
        # GitHub says 200 to errors, too.
        if not isinstance(found, dict) or "error" in found:
            raise Unheard("refused")
        return found

    async def _ask(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        if not safe(url):
            raise Unheard("address")
        breaker, clock = self._breaker, self._clock
        if breaker.wait_s(clock.monotonic()):
            raise Unheard("held")
        try:
            answer = await self._answered(method, url, headers, body)
        except Unheard as unheard:
            breaker.fault(str(unheard), clock.monotonic())
            raise
        except BaseException:  # cancelled: that says nothing of the service
            breaker.neither(clock.monotonic())
            raise
        if answer.status >= _FAULTS_FROM:
            breaker.fault(f"status {answer.status}", clock.monotonic())
        else:
            breaker.good()
        if answer.status != 200 or not answer.whole:
            raise Unheard(f"status {answer.status}")
        return answer

    async def _answered(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes
    ) -> Answer:
        try:
            return await self._egress.ask(
                method,
                check_url(url),
                headers,
                body,
                within_s=WITHIN_S,
                most_bytes=ANSWER_BYTES,
            )
        except (Forbidden, Unanswered) as failed:
            raise Unheard(type(failed).__name__.lower()) from None


def _json(answer: Answer) -> Any:
    try:
        return msgspec.json.decode(answer.body)
    except (msgspec.MsgspecError, RecursionError):
        raise Unheard("not JSON") from None
