"""A breaker: after faults of what is asked nothing goes out to it, until one question that is let through succeeds.

    closed --enough faults in a row--> open --a pause, longer each time, half of it chance--> one probe
       ^------------------------------ the probe is well -------------------------------------'|
                                       open, for longer <----- it is not ----------------------'

Owns when. Pure: time and chance are passed in. Must never ask by itself: who is held back is told for how long.
"""

from __future__ import annotations

import random
from typing import Final, NamedTuple

from muster.backoff import pause_s


class Patience(NamedTuple):
    """`faults` in a row open it. The first pause, the longest, and after how long a silent probe is taken for lost."""

    faults: int
    first_s: float
    most_s: float
    probe_within_s: float


STORE: Final = Patience(faults=5, first_s=1.0, most_s=60.0, probe_within_s=60.0)
"""Of a store of objects: some calls fail by themselves."""

ISSUER: Final = Patience(faults=1, first_s=30.0, most_s=900.0, probe_within_s=30.0)
"""Of who gives keys for people's tokens: asked seldom."""

MAIL: Final = Patience(faults=3, first_s=5.0, most_s=900.0, probe_within_s=60.0)
"""Of a mail server."""

LOGINS: Final = Patience(faults=5, first_s=1.0, most_s=60.0, probe_within_s=15.0)
"""Of a service that people log in by: they wait for it, and soon try again."""

SHARED: Final = Patience(faults=1, first_s=0.25, most_s=5.0, probe_within_s=2.0)
"""Of what is asked for every request and done without when it is away."""


class Breaker:
    """Of one thing that is asked."""

    def __init__(self, rng: random.Random, patience: Patience) -> None:
        self._rng = rng
        self._patience = patience
        self._faults = 0
        self._until_s = float("-inf")
        self._probing_until_s = float("-inf")
        self.reason = ""
        self.opened = 0
        """So often it opened, probes that failed not counted."""

        self.held = 0
        """So many were told to wait."""

    @property
    def is_open(self) -> bool:
        """Whether questions are held back."""
        return self._faults >= self._patience.faults

    def wait_s(self, now_s: float) -> float:
        """0: go. Else so long; and whoever is told 0 while it is open is the probe."""
        held_s = self.held_s(now_s)
        if held_s:
            self.held += 1
        elif self.is_open:
            self._probing_until_s = now_s + self._patience.probe_within_s
        return held_s

    def held_s(self, now_s: float) -> float:
        """The same, of somebody who only asks."""
        if not self.is_open:
            return 0.0
        return max(0.0, self._until_s - now_s, self._probing_until_s - now_s)

    def fault(self, reason: str, now_s: float) -> None:
        """What was asked failed. What had left before it opened counts once."""
        self.reason = reason
        was_open = self.is_open
        if was_open and now_s < self._until_s:
            return
        self._faults += 1
        if self.is_open:
            self.opened += not was_open
            self._pause(now_s, self._faults - self._patience.faults + 1)

    def good(self) -> None:
        """It was answered."""
        self._faults = 0

    def neither(self, now_s: float) -> None:
        """The probe came back and says nothing of whether all is well."""
        if self.is_open and now_s >= self._until_s:
            self._until_s = now_s + self._patience.first_s
            self._probing_until_s = float("-inf")

    def _pause(self, now_s: float, times: int) -> None:
        _, first_s, most_s, _ = self._patience
        self._until_s = now_s + pause_s(times, self._rng, first_s=first_s, most_s=most_s)
        self._probing_until_s = float("-inf")
