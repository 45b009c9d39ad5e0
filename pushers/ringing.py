"""Ringing one person's devices: claims, the carrier, and what its answers mean for the job.

    Send verdicts --claims--> carrier --Outcome--> final | again at | buried

Owns what follows from an outcome. Must never send what it has no claim to, and never settle anything
(pushers/worker.py).
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Final, NamedTuple
from uuid import UUID

from muster.backoff import pause_s
from muster.owed import OwedStore
from muster.push_device import PushDevice
from muster.push_queue import Claim, Job, PushQueue, Sending
from pushers.meters import PushMeters
from pushers.outcome import CredentialFault, Delivered, Outcome, Rejected, TokenDead, TryLater
from pushers.push import Carrier, Push

BUSY_MS: Final = 5_000
"""Somebody else is at it: they are done by then, or their claim has run out soon after."""

FIRST_PAUSE_S: Final = 10.0
MOST_PAUSE_S: Final = 600.0
CREDENTIAL_PAUSE_S: Final = 60.0

ATTEMPTS_MOST: Final = 30
"""With these pauses that is four hours of a provider that is away; then somebody has to look."""


class Ring(NamedTuple):
    """One push, and what it is of: the room, and up to which seq it tells."""

    push: Push
    sending: Sending


class Rung(NamedTuple):
    """What became of a job's rings. `again_ms`: from now; None: every ring has its final answer."""

    again_ms: int | None
    buried: str | None
    delivered: bool


class Ringing:
    """See the module."""

    def __init__(
        self,
        queue: PushQueue,
        store: OwedStore,
        carrier: Carrier,
        meters: PushMeters,
        rng: random.Random,
    ) -> None:
        self._queue = queue
        self._store = store
        self._carrier = carrier
        self._meters = meters
        self._rng = rng

    async def ring(self, job: Job, rings: Sequence[Ring]) -> Rung:
        """Send these, each once. Raises `Unreachable` (of the queue) and `Refused` (of the store)."""
        claims = await self._queue.claim([ring.sending for ring in rings])
        again: list[int] = [BUSY_MS for claim in claims if claim is Claim.busy]
        buried: str | None = None
        ended: list[tuple[Sending, bool]] = []
        delivered = False
        for ring, claim in zip(rings, claims, strict=True):
            if claim in (Claim.busy, Claim.sent):
                continue
            outcome = await self._carrier.send(ring.push)
            if claim is Claim.torn and isinstance(outcome, Delivered):
                outcome = Delivered(sure=False)
            self._meters.outcome(outcome)
            delivered = delivered or isinstance(outcome, Delivered)
            if not (isinstance(outcome, TryLater) and outcome.ambiguous):
                # What may have arrived keeps its claim, which runs out: so the next attempt knows that it is a second one.
                ended.append((ring.sending, isinstance(outcome, Delivered)))
            pause = self._pause_ms(job, outcome)
            if pause is not None:
                again.append(pause)
            buried = await self._judged(ring.push.device, outcome) or buried
        if ended:
            await self._queue.release(ended)
        return Rung(min(again) if again else None, buried, delivered)

    async def _judged(self, device: PushDevice, outcome: Outcome) -> str | None:
        """What an outcome means for the token; why the job is to be buried, if it is."""
        match outcome:
            case TokenDead(reason, before_ms):
                if await self._drop(device, before_ms):
                    self._meters.token_removed(reason)
            case Rejected(reason, mistoken):
                if mistoken:
                    if await self._drop(device, None):
                        self._meters.token_removed(reason)
                    return None
                return reason
            case _:
                pass
        return None

    async def _drop(self, device: PushDevice, before_ms: int | None) -> bool:
        return await self._store.drop_token(device.device, device.token, before_ms)

    def _pause_ms(self, job: Job, outcome: Outcome) -> int | None:
        match outcome:
            case CredentialFault():
                return round(CREDENTIAL_PAUSE_S * 1000)
            case TryLater(_, after_s):
                backoff_s = pause_s(
                    job.attempts, self._rng, first_s=FIRST_PAUSE_S, most_s=MOST_PAUSE_S
                )
                return round(max(after_s or 0.0, backoff_s if after_s is None else 0.0) * 1000)
            case _:
                return None


def sending_of(device: UUID, room: bytes, seq: int) -> Sending:
    """What a claim is about."""
    return Sending(device, room, seq)
