"""One push to one provider: admitted, sent, understood; with another token once, if the first was over.

Owns the order of these, and that each ends within its deadline in an outcome, whatever the network or the provider
does. Must never know a provider: apns.py and fcm.py say where to and in what words.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from typing import Final, NamedTuple

from muster.clock import Clock
from pushers.gate import Gate
from pushers.http2.client import Client
from pushers.http2.exchange import Answer, Fields, Unanswered, Unsent
from pushers.minting import Tokens, Unminted
from pushers.outcome import CredentialFault, Outcome, Rejected, TryLater
from pushers.push import Push
from pushers.retry_after import retry_after_s
from pushers.verdict import Remedy, Said, Verdict

WITHIN_S: Final = 20.0
"""One push, both tries and a new token included."""


class Way(NamedTuple):
    """Where a push goes and in what words. `fields` are made of a token; `app` is what has a breaker."""

    client: Client
    app: Hashable
    fields: Callable[[str], Fields]
    read: Callable[[Said], Verdict]


class Carriage:
    """Sends."""

    def __init__(self, tokens: Tokens, gate: Gate, clock: Clock) -> None:
        self._tokens = tokens
        self._gate = gate
        self._clock = clock

    async def send(self, push: Push, way: Way) -> Outcome:
        """What became of it. Raises nothing but being cancelled."""
        if push.expires_ms <= self._clock.now_ms():
            return Rejected("expired")
        held = self._gate.admit(way.app, push.device.device)
        if held is not None:
            return held
        outcome: Outcome = TryLater("cancelled")
        try:
            outcome = await self._attempts(push.body, way)
        finally:
            outcome = self._gate.heard(way.app, outcome)
        return outcome

    async def _attempts(self, body: bytes, way: Way) -> Outcome:
        loop = asyncio.get_running_loop()
        until_s = loop.time() + WITHIN_S
        outcome: Outcome = TryLater("deadline")
        for is_last in (False, True):
            token = self._tokens.fresh
            try:
                if not token:
                    async with asyncio.timeout_at(until_s):
                        token = await self._tokens.token()
            except Unminted as unminted:
                return _untold(unminted)
            except TimeoutError:
                return TryLater("token")
            try:
                left_s = min(way.client.within_s, until_s - loop.time())
                answer = await way.client.ask(way.fields(token), body, left_s)
            except Unsent as unsent:
                return TryLater(unsent.reason)
            except Unanswered as unanswered:
                return TryLater(unanswered.reason, ambiguous=True)
            verdict = way.read(self._said(answer))
            outcome = verdict.outcome
            if verdict.remedy is Remedy.reconnect:
                way.client.renew()
            again = verdict.remedy is Remedy.refresh and not is_last
            if not again or not await self._tokens.refused(token):
                break
        return outcome

    def _said(self, answer: Answer) -> Said:
        after = answer.field(b"retry-after")
        after_s = retry_after_s(after, self._clock.now_ms()) if after else None
        return Said(answer.status, answer.body, answer.whole, after_s)


def _untold(unminted: Unminted) -> Outcome:
    if unminted.fault:
        return CredentialFault(unminted.reason)
    return TryLater(unminted.reason)
