"""What may leave now: the breaker of its app, a pause that the provider asked for, how often a device and an app ring.

    admit(app, device) --> None: go; or the outcome it has without being sent
    heard(app, outcome) --> the outcome, or a fault of ours that many such outcomes come down to

Owns these states of one provider, all bounded. Must never wait itself.
"""

from __future__ import annotations

import random
from collections import OrderedDict
from collections.abc import Hashable
from typing import Final, NamedTuple

from muster.breaker import Breaker, Patience
from muster.bucket import Buckets, Rate
from muster.clock import Clock
from muster.telemetry import get_logger
from pushers.outcome import CredentialFault, Delivered, Outcome, Rejected, TokenDead, TryLater
from pushers.suspicion import Suspicion

APPS_MOST: Final = 100
CREDENTIALS: Final = Patience(faults=1, first_s=15.0, most_s=900.0, probe_within_s=60.0)
"""Of our credentials: one refusal says it."""

_log = get_logger()


class Rates(NamedTuple):
    """How often one device rings, and how much goes out for one app (or Firebase project)."""

    device: Rate
    app: Rate


class _App(NamedTuple):
    """What is known of one app at a provider."""

    breaker: Breaker
    suspicion: Suspicion


class Gate:
    """Of one provider."""

    def __init__(self, rates: Rates, clock: Clock, rng: random.Random) -> None:
        self._devices = Buckets(rates.device)
        self._apps = Buckets(rates.app, APPS_MOST)
        self._clock = clock
        self._rng = rng
        self._known: OrderedDict[Hashable, _App] = OrderedDict()
        self._paused_until_s = float("-inf")

    @property
    def open_breakers(self) -> int:
        """Of how many apps nothing goes out."""
        return sum(app.breaker.is_open for app in self._known.values())

    @property
    def paused_s(self) -> float:
        """How long the provider wants to be left alone from now."""
        return max(0.0, self._paused_until_s - self._clock.monotonic())

    def admit(self, app: Hashable, device: Hashable) -> Outcome | None:
        """None: send it, and tell `heard` what came of it, whatever happens."""
        now_s = self._clock.monotonic()
        if now_s < self._paused_until_s:
            return TryLater("paused", self._paused_until_s - now_s, scope="provider")
        breaker = self._app(app).breaker
        if breaker.held_s(now_s):
            return CredentialFault(breaker.reason)
        wait_s = self._devices.take(device, now_s)
        if wait_s:
            return TryLater("device_rate", wait_s, scope="device")
        wait_s = self._apps.take(app, now_s)
        if wait_s:
            return TryLater("app_rate", wait_s, scope="provider")
        breaker.wait_s(now_s)  # last: whoever is the probe has to go
        return None

    def heard(self, app: Hashable, outcome: Outcome) -> Outcome:
        """What came of a push that was let through."""
        now_s = self._clock.monotonic()
        breaker, suspicion = self._app(app)
        if isinstance(outcome, Delivered):
            suspicion.seen(mistaken=False)
        elif isinstance(outcome, Rejected) and suspicion.seen(mistaken=outcome.mistoken):
            outcome = CredentialFault(f"mostly {outcome.reason}")
        if isinstance(outcome, CredentialFault):
            if not breaker.is_open:
                _log.error("push credentials refused: nothing goes out", reason=outcome.reason)
            breaker.fault(outcome.reason, now_s)
        elif isinstance(outcome, TryLater):
            breaker.neither(now_s)
            if outcome.scope == "provider" and outcome.after_s:
                self._paused_until_s = max(self._paused_until_s, now_s + outcome.after_s)
        else:
            assert isinstance(outcome, Delivered | TokenDead | Rejected)
            if breaker.is_open:
                suspicion.forget()
            breaker.good()
        return outcome

    def _app(self, app: Hashable) -> _App:
        known = self._known.get(app)
        if known is None:
            known = self._known[app] = _App(Breaker(self._rng, CREDENTIALS), Suspicion())
            if len(self._known) > APPS_MOST:
                self._known.popitem(last=False)
        else:
            self._known.move_to_end(app)
        return known
