"""The courier: brings what happened to the app's endpoints, at least once.

    deal      fresh events become what each endpoint is owed, in one statement
    take      any process leases an endpoint that is owed something; no transaction stays open
    deliver   room by room in order, DELIVERIES_AT_ONCE rooms at a time; the first failure stops the rest
    settle    what was taken is deleted, what failed is put off or given up, in one statement

A process that dies between two of these loses nothing: the lease runs out and another delivers, some of it again.
What happened in one room is told in order, but for what failed, which comes later: receivers have seqs to tell. An
endpoint that fails is asked for one delivery at a time and less and less often; one that fails for PATIENCE_DAYS, or
says it is gone, is disabled. Owns these rules. Must never read a room, and never slow a commit: it only reads what
commits noted.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, NoReturn, Protocol
from uuid import UUID

from prometheus_client import CollectorRegistry, Counter, Histogram

from muster import seal
from muster.backoff import pause_s
from muster.clock import Clock
from muster.egress import Egress, Forbidden, Unanswered, check_url
from muster.errors import Refused
from muster.telemetry import get_logger

DEAL_EVENTS: Final = 1_000
ENDPOINTS_AT_ONCE: Final = 8
DELIVERIES_AT_ONCE: Final = 8
BATCH: Final = 64
BATCH_WITHIN_S: Final = 15.0
"""After this none is begun; with ATTEMPT_WITHIN_S it stays under the lease."""

ATTEMPT_WITHIN_S: Final = 10.0
LEASE_S: Final = 40.0
ROUNDS_MOST: Final = 50
FIRST_PAUSE_S: Final = 5.0
MOST_PAUSE_S: Final = 4 * 3_600.0
GIVEN_UP_S: Final = 86_400.0
"""A delivery that fails when it is this old is a dead letter: some 18 attempts."""

REST_FIRST_S: Final = 1.0
REST_MOST_S: Final = 60.0
"""How long a failing endpoint is left alone, whatever it is owed."""

PATIENCE_DAYS: Final = 3
SWEEP_S: Final = 300.0
_ANSWER_BYTES: Final = 4_096
_GONE: Final = 410
_log = get_logger()


class Owed(NamedTuple):
    """A delivery that is due. `word` and `body` are what is sent; `age_s` since it was first owed.

    `room`: of the same room one is sent after the other.
    """

    event: int
    room: UUID
    word: str
    body: bytes
    attempts: int
    age_s: float


class Endpoint(NamedTuple):
    """An endpoint that is ours for LEASE_S."""

    id: UUID
    lease: UUID
    url: str
    secrets: Sequence[bytes]
    failures: int


class Result(NamedTuple):
    """What came of one attempt. No failure: taken. No pause: given up."""

    event: int
    failure: str | None
    pause_ms: int | None


class CourierStore(Protocol):
    """Where it stands who is owed what. All raise `Refused`: `unavailable`."""

    async def deal(self, most: int) -> int:
        """Make fresh events into deliveries; how many events."""
        ...

    async def take(self, lease: UUID, lease_s: float) -> Endpoint | None:
        """An endpoint that is owed something, if there is one nobody is at."""
        ...

    async def owed(self, webhook: UUID, most: int) -> list[Owed]:
        """What it is owed now, in the order in which it happened."""
        ...

    async def settle(
        self, at: Endpoint, results: Sequence[Result], rest_ms: int, *, gone: bool
    ) -> str | None:
        """Write down what came of it, unless the lease has passed on; why it was disabled by that, if it was."""
        ...

    async def sweep(self) -> bool:
        """Forget events past their time, some at a time; whether there may be more."""
        ...


class CourierMetrics:
    """How deliveries go."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.attempts = Counter(
            "muster_webhook_attempts",
            "Deliveries tried, by outcome",
            ["outcome"],
            registry=registry,
        )
        self.disabled = Counter(
            "muster_webhooks_disabled", "Endpoints disabled, by why", ["why"], registry=registry
        )
        self.late_s = Histogram(
            "muster_webhook_late_seconds",
            "From what happened to its being taken",
            buckets=(0.5, 1.0, 2.0, 5.0, 15.0, 60.0, 600.0, 3600.0),
            registry=registry,
        )


class Chance(NamedTuple):
    """What is random: pauses, and the names of leases."""

    rng: random.Random
    new_lease: Callable[[], UUID]


class Courier:
    """Looks about every `every_s` for what is owed, and brings it."""

    def __init__(
        self,
        store: CourierStore,
        egress: Egress,
        clock: Clock,
        metrics: CourierMetrics,
        chance: Chance,
        every_s: float,
    ) -> None:
        self._store = store
        self._egress = egress
        self._clock = clock
        self._metrics = metrics
        self._rng = chance.rng
        self._new_lease = chance.new_lease
        self._every_s = every_s
        self._swept = clock.monotonic()
        self._woken = asyncio.Event()
        self._in_hand = 0

    async def run(self) -> NoReturn:
        """Look until cancelled; what is in hand then is delivered elsewhere. A store that is away is asked again."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                await self._pause()
                try:
                    if await self._store.deal(DEAL_EVENTS) == DEAL_EVENTS:
                        self._woken.set()
                    for at in await self._take():
                        tasks.create_task(self._serve(at))
                    await self._sweep()
                except Refused as refused:
                    _log.warning("webhooks not looked for", code=refused.code.name)

    async def round(self) -> int:
        """Bring what is due, a bounded amount; how many attempts were made. Raises `Refused`: `unavailable`."""
        attempts = 0
        for _ in range(ROUNDS_MOST):
            dealt = await self._store.deal(DEAL_EVENTS)
            served = await asyncio.gather(*(self._serve(at) for at in await self._take()))
            attempts += sum(served)
            if not dealt and not sum(served):
                break
        return attempts

    async def _pause(self) -> None:
        """Until the next look is due, or an endpoint was served that may be owed more."""
        try:
            async with asyncio.timeout(self._every_s * (0.75 + self._rng.random() / 2)):
                await self._woken.wait()
        except TimeoutError:
            pass
        self._woken.clear()

    async def _take(self) -> list[Endpoint]:
        """Endpoints that are owed something, as many as may be served besides those in hand."""
        taken: list[Endpoint] = []
        while self._in_hand + len(taken) < ENDPOINTS_AT_ONCE:
            at = await self._store.take(self._new_lease(), LEASE_S)
            if at is None:
                break
            taken.append(at)
        self._in_hand += len(taken)
        return taken

    async def _sweep(self) -> None:
        if self._clock.monotonic() - self._swept >= SWEEP_S:
            while await self._store.sweep():
                pass
            self._swept = self._clock.monotonic()

    async def _serve(self, at: Endpoint) -> int:
        """One endpoint's turn; how many attempts. Raises no `Refused`: one endpoint never stops its neighbours."""
        results: list[Result] = []
        try:
            owed = await self._store.owed(at.id, 1 if at.failures else BATCH)
            results, gone = await self._bring(at, owed)
            rest_s = 0.0
            if any(result.failure is not None for result in results):
                failures = at.failures + 1
                rest_s = pause_s(failures, self._rng, first_s=REST_FIRST_S, most_s=REST_MOST_S)
            why = await self._store.settle(at, results, round(rest_s * 1_000), gone=gone)
            if why is not None and why != "off":
                self._metrics.disabled.labels(why).inc()
                _log.error("webhook disabled", webhook=str(at.id), reason=why)
        except Refused as refused:
            # The lease runs out by itself, and what was taken is brought again: receivers have its id.
            _log.warning("webhook not settled", webhook=str(at.id), code=refused.code.name)
        finally:
            self._in_hand -= 1
        if results:
            self._woken.set()
        return len(results)

    async def _bring(self, at: Endpoint, owed: Sequence[Owed]) -> tuple[list[Result], bool]:
        """Attempts, each room's in order, until one fails or time is up; whether the endpoint is gone."""
        results: list[Result] = []
        statuses: set[int] = set()
        rooms: dict[UUID, list[Owed]] = {}
        for one in owed:
            rooms.setdefault(one.room, []).append(one)
        left = list(reversed(rooms.values()))
        ends = self._clock.monotonic() + BATCH_WITHIN_S
        over = asyncio.Event()

        async def bring() -> None:
            while left:
                for one in left.pop():
                    if over.is_set():
                        return
                    result, status = await self._attempt(at, one)
                    results.append(result)
                    statuses.add(status)
                    if result.failure is not None or self._clock.monotonic() >= ends:
                        over.set()

        async with asyncio.TaskGroup() as tasks:
            for _ in range(DELIVERIES_AT_ONCE):
                tasks.create_task(bring())
        return results, _GONE in statuses

    async def _attempt(self, at: Endpoint, one: Owed) -> tuple[Result, int]:
        signed = seal.headers(at.secrets, one.word, self._clock.now_ms() // 1_000, one.body)
        status = 0
        try:
            answer = await self._egress.ask(
                "POST",
                check_url(at.url),
                {"content-type": "application/json", **signed},
                one.body,
                within_s=ATTEMPT_WITHIN_S,
                most_bytes=_ANSWER_BYTES,
            )
            status = answer.status
            failure = None if 200 <= status < 300 else f"status {status}"
        except Forbidden:
            failure = "forbidden address"
        except Unanswered as unanswered:
            failure = f"no answer: {unanswered}"
        if failure is None:
            self._metrics.attempts.labels("taken").inc()
            self._metrics.late_s.observe(max(0.0, one.age_s))
            return Result(one.event, None, None), status
        if one.age_s >= GIVEN_UP_S:
            self._metrics.attempts.labels("given_up").inc()
            return Result(one.event, failure, None), status
        self._metrics.attempts.labels("failed").inc()
        pause = pause_s(one.attempts + 1, self._rng, first_s=FIRST_PAUSE_S, most_s=MOST_PAUSE_S)
        return Result(one.event, failure, round(pause * 1_000)), status
