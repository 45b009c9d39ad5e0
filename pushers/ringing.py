"""Ringing one person's devices: claims, the carrier, and what its answers mean for the job.

    pushes --claims--> carrier --Outcome--> final | again at | buried

Owns what follows from an outcome. Must never send what it has no claim to, and never settle anything
(pushers/worker.py).
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from typing import Final, NamedTuple

from muster.backoff import pause_s
from muster.owed import OwedStore
from muster.push_device import PushDevice
from muster.push_queue import Claim, Job, PushQueue, Sending
from pushers.meters import PushMeters
from pushers.outcome import CredentialFault, Delivered, Outcome, Rejected, TokenDead, TryLater
from pushers.push import Carrier, Push
from pushers.together import Together

BUSY_S: Final = 5.0
"""Somebody else is at it: they are done by then, or their claim has run out soon after."""

FIRST_PAUSE_S: Final = 10.0
MOST_PAUSE_S: Final = 60.0
"""So long after an outage the last phones ring. A provider out of reach is not asked more often for it (http2/client.py
has pauses of its own), and one that answers says itself how long it wants to be left alone."""

CREDENTIAL_PAUSE_S: Final = 60.0

GIVE_UP_S: Final = 4 * 3_600.0
"""Of a provider that is away; then somebody has to look. By the age of what is told and not by attempts: every new
message in a lively room is one."""

ATTEMPTS_MOST: Final = 30
"""Where the age is not known."""


class Ring(NamedTuple):
    """One push, and what its claim is about."""

    push: Push
    sending: Sending


class Rung(NamedTuple):
    """What became of a job's rings.

    `again_s`: look again so much later, for some have no final answer; None: all have. `attempts`: with so many
    counted. `buried`: why it is given up. `shown`: the newest seq that a device shows now, or may show; 0: none.
    """

    again_s: float | None = None
    attempts: int = 0
    buried: str | None = None
    delivered: bool = False
    shown: int = 0


class Ringing:
    """One provider's."""

    def __init__(
        self,
        queue: PushQueue,
        store: OwedStore,
        carrier: Carrier,
        meters: PushMeters,
        rng: random.Random,
    ) -> None:
        self._queue = queue
        self._claims = Together(queue.claim)
        self._releases = Together(self._released)
        self._store = store
        self._carrier = carrier
        self._meters = meters
        self._rng = rng

    async def run(self) -> None:
        """Ask the queue for those who ring, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._claims.run())
            tasks.create_task(self._releases.run())

    async def ring(self, job: Job, rings: Sequence[Ring], waited_s: float | None = None) -> Rung:
        """Send these, each once; what they tell is `waited_s` old, at least.

        Raises `Unreachable` (of the queue) and `Refused` (of the store).
        """
        claims = await self._claims.ask([ring.sending for ring in rings])
        ours = [
            (ring, claim)
            for ring, claim in zip(rings, claims, strict=True)
            if claim in (Claim.mine, Claim.torn)
        ]
        outcomes = await self._sent([ring.push for ring, _ in ours])
        sent = [
            ring.sending.seq
            for ring, claim in zip(rings, claims, strict=True)
            if claim is Claim.sent
        ]
        rung = Rung(BUSY_S if Claim.busy in claims else None, shown=max(sent, default=0))
        ended: list[tuple[Sending, bool]] = []
        for (ring, claim), outcome in zip(ours, outcomes, strict=True):
            arrived = isinstance(outcome, Delivered)
            self._meters.outcome(
                Delivered(sure=False) if arrived and claim is Claim.torn else outcome
            )
            if not (isinstance(outcome, TryLater) and outcome.ambiguous):
                # What may have arrived keeps its claim until that runs out: the next attempt is known to be a second.
                ended.append((ring.sending, arrived))
            may_show = arrived or (isinstance(outcome, TryLater) and outcome.ambiguous)
            follows = self._follows(job, outcome, waited_s)
            rung = _both(rung, follows._replace(shown=ring.sending.seq if may_show else 0))
            await self._forget(ring.push.device, outcome)
        if ended:
            await self._releases.ask(ended)
        return rung

    async def _sent(self, pushes: Sequence[Push]) -> list[Outcome]:
        if len(pushes) == 1:  # most people have one device: it needs no task of its own
            return [await self._carrier.send(pushes[0])]
        return await asyncio.gather(*(self._carrier.send(push) for push in pushes))

    async def _released(self, ended: Sequence[tuple[Sending, bool]]) -> Sequence[None]:
        await self._queue.release(ended)
        return [None] * len(ended)

    def _follows(self, job: Job, outcome: Outcome, waited_s: float | None) -> Rung:
        match outcome:
            case Delivered():
                return Rung(delivered=True)
            case Rejected(reason, False):
                return Rung(buried=reason)
            case CredentialFault():
                return Rung(CREDENTIAL_PAUSE_S)
            case TryLater(reason, after_s):
                if job.attempts >= ATTEMPTS_MOST if waited_s is None else waited_s > GIVE_UP_S:
                    return Rung(buried=reason)
                backoff_s = pause_s(
                    job.attempts, self._rng, first_s=FIRST_PAUSE_S, most_s=MOST_PAUSE_S
                )
                return Rung(backoff_s if after_s is None else after_s, job.attempts)
            case _:
                return Rung()

    async def _forget(self, device: PushDevice, outcome: Outcome) -> None:
        before_ms: int | None = None
        match outcome:
            case TokenDead(reason, before):
                before_ms = before
            case Rejected(reason, True):
                pass
            case _:
                return
        if await self._store.drop_token(device.device, device.token, before_ms):
            self._meters.token_removed(reason)


def _both(one: Rung, other: Rung) -> Rung:
    """The sooner, and the worse."""
    times = [rung.again_s for rung in (one, other) if rung.again_s is not None]
    return Rung(
        min(times, default=None),
        max(one.attempts, other.attempts),
        one.buried or other.buried,
        one.delivered or other.delivered,
        max(one.shown, other.shown),
    )
