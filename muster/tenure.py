"""A hub's standing on the roll: whether it is registered, whether what it reads can be told, whether it may sweep.

    nothing --enter--> new --everything said--> settled --lost, fenced--> nothing

- While Redis cannot be reached, or others have not said again what it lost, what is read is kept back: nobody
  is told of an edge that may be none. Beyond UNKNOWN_AFTER_S presence is unknown. It is never offline.
- Who has not been in touch with Redis without a break for SWEEP_AFTER_S may sweep nobody: when a Redis that stood still
  goes on, all leases have run out, and every hub has to get the chance to renew its own.

Owns these rules. Pure: monotonic seconds and registers are passed in.
"""

from __future__ import annotations

from math import inf
from typing import Final

from muster.roll import LEASE_MS, RENEW_S, Register

BREAK_S: Final = 3.0
"""So long without an answer is a break."""

UNKNOWN_AFTER_S: Final = 5.0
SWEEP_AFTER_S: Final = RENEW_S + 2.0


class Tenure:
    """One hub's standing."""

    def __init__(
        self, hub: bytes, renew_s: float = RENEW_S, sweep_after_s: float = SWEEP_AFTER_S
    ) -> None:
        self.hub = hub
        self._renew_s = renew_s
        self._sweep_after_s = sweep_after_s
        self.generation: bytes | None = None
        self.settled = False
        self.renew_at = -inf
        self._in_touch_since = inf
        self._answered_at = -inf
        self._frozen_since: float | None = None
        self._register = Register(0, ())
        self._at = 0.0
        self._awaited: dict[bytes, bytes] = {}
        self._await_until = 0.0

    # What happens

    def entered(self, generation: bytes, register: Register, now: float) -> None:
        """A new generation of ours is on the register; nothing was said under it yet."""
        self.generation = generation
        self.settled = False
        self._took(register, now)

    def renewed(self, register: Register, now: float) -> None:
        """The lease was renewed."""
        self._took(register, now)

    def said_all(self) -> None:
        """Everything this hub knows was said under the present generation."""
        if self.generation is not None and not self.settled:
            self.settled = True
            self.renew_at = -inf  # the others wait for it

    def answered(self, now: float) -> None:
        """Redis has answered something."""
        if now - self._answered_at > BREAK_S:
            self._in_touch_since = now
        self._answered_at = now

    def missed(self, now: float) -> None:
        """Redis has not answered."""
        self._answered_at = -inf
        self._freeze(now)

    def fenced(self, now: float) -> None:
        """Our generation is dead: others have swept it, or Redis forgot it."""
        self.generation = None
        self.settled = False
        self._freeze(now)

    def lost(self, now: float) -> None:
        """Redis forgot what was said: every hub that was there has to say it again."""
        if self.generation is not None or not self._awaited:
            alive = {p.hub: p.generation for p in self._register.peers if p.expires_ms}
            alive.pop(self.hub, None)
            self._awaited |= alive
            self._await_until = now + LEASE_MS / 1000
        self.fenced(now)

    # What follows

    def may_tell(self, now: float) -> bool:
        """Whether what is read is what is so."""
        if self.generation is None or not self.settled or now - self._answered_at > BREAK_S:
            self._freeze(now)
            return False
        if self._awaited and now < self._await_until:
            return False
        self._awaited.clear()
        self._frozen_since = None
        return True

    def is_unknown(self, now: float) -> bool:
        """Whether people are to be told that nothing is known."""
        return self._frozen_since is not None and now - self._frozen_since >= UNKNOWN_AFTER_S

    def may_sweep(self, now: float) -> bool:
        """Whether a lease that has run out means that its hub is gone."""
        return (
            self.settled and not self._awaited and now - self._in_touch_since >= self._sweep_after_s
        )

    def dead(self, now: float) -> list[bytes]:
        """Generations whose leases have run out by now, by the register as it was last seen; never our own."""
        now_ms = self._register.now_ms + (now - self._at) * 1000
        return [
            peer.generation
            for peer in self._register.peers
            if peer.expires_ms <= now_ms and peer.generation != self.generation
        ]

    @property
    def is_awaiting(self) -> bool:
        """Whether other hubs have yet to say again what was lost."""
        return bool(self._awaited)

    def redis_ms(self, now: float) -> int:
        """Redis' clock, as far as is known; 0 before it was ever asked."""
        if not self._register.now_ms:
            return 0
        return int(self._register.now_ms + (now - self._at) * 1000)

    def _took(self, register: Register, now: float) -> None:
        self._register, self._at = register, now
        self.renew_at = now + self._renew_s
        self.answered(now)
        for peer in register.peers:
            if peer.settled and self._awaited.get(peer.hub, peer.generation) != peer.generation:
                del self._awaited[peer.hub]

    def _freeze(self, now: float) -> None:
        if self._frozen_since is None:
            self._frozen_since = now
