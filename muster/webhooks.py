"""Webhooks: which of the app's endpoints are told of what.

Owns the rules of registering, changing and replaying. What happened is noted by the transaction that commits it
(02_webhooks.sql); muster/courier.py delivers it. Must never show a secret but to whoever made it, in that answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final, Protocol
from uuid import UUID

from msgspec import Meta, Struct

from muster import seal
from muster.clock import Clock
from muster.egress import Forbidden, check_url
from muster.errors import Refused
from muster.ids import Random, uuid7
from muster.sealer import Field
from muster.tidings import EventType
from proto.codes import Code

SECRETS: Final = Field("webhooks", "secrets_sealed")
"""The secret that signs and the one before it lie in one seal, bound to their endpoint."""

WEBHOOKS_MOST: Final = 20
OLD_SECRET_S: Final = 86_400
"""How long the secret before the present one signs too."""

KEPT_DAYS: Final = 7
"""How long what happened can be told again."""

REPLAY_EVENTS: Final = 10_000
"""Queued by one call."""

Events = Annotated[list[EventType], Meta(min_length=1, max_length=len(EventType))]


class Webhook(Struct, frozen=True, gc=False):
    """An endpoint. `disabled`: why nothing is sent (off, failing, gone); `waiting` and `dead` count up to 10,000."""

    id: UUID
    url: str
    events: list[EventType]
    created_at_ms: int
    disabled: str | None
    failing_since_ms: int | None
    waiting: int
    dead: int


class WebhookList(Struct, frozen=True, gc=False):
    """All endpoints."""

    webhooks: list[Webhook]


class Secret(Struct, frozen=True, gc=False):
    """An endpoint's secret, shown once. Its repr hides it."""

    id: UUID
    secret: str

    def __repr__(self) -> str:
        return f"Secret({self.id})"


class DeadLetter(Struct, frozen=True, gc=False):
    """A delivery that was given up. `failure`: a status, or why there was none."""

    webhook_id: str
    type: EventType
    at_ms: int
    attempts: int
    failure: str


class DeadLetters(Struct, frozen=True, gc=False):
    """The newest dead letters of an endpoint."""

    dead: list[DeadLetter]


class Replayed(Struct, frozen=True, gc=False):
    """How many events will be told again. `next_ms`: go on from here, there were more than one call queues."""

    queued: int
    next_ms: int | None


class WebhookStore(Protocol):
    """Where endpoints are kept. All raise `Refused`: `unavailable`."""

    async def add(self, webhook: UUID, url: str, events: Sequence[str], secret: bytes) -> bool:
        """False: there are WEBHOOKS_MOST already."""
        ...

    async def all(self) -> list[Webhook]: ...

    async def change(
        self, webhook: UUID, url: str | None, events: Sequence[str] | None, on: bool | None
    ) -> bool: ...

    async def remove(self, webhook: UUID) -> bool: ...

    async def rotate(self, webhook: UUID, secret: bytes) -> bool: ...

    async def replay(self, webhook: UUID, since_ms: int, dead: bool) -> Replayed | None:
        """Queue what happened since then, or of that only what is dead; None: no such endpoint."""
        ...

    async def dead(self, webhook: UUID, limit: int) -> list[DeadLetter] | None:
        """The newest dead letters; None: no such endpoint."""
        ...


class Webhooks:
    """Registers endpoints."""

    def __init__(
        self, store: WebhookStore, clock: Clock, random: Random, *, private: bool = False
    ) -> None:
        """`private`: the operator opened networks of their own, where an endpoint may do without TLS."""
        self._store = store
        self._clock = clock
        self._random = random
        self._private = private

    async def register(self, url: str, events: Sequence[EventType]) -> Secret:
        """A new endpoint, told from now on. Raises `Refused`."""
        self._check(url)
        webhook = uuid7(self._clock.now_ms(), self._random)
        secret = seal.new_secret(self._random)
        if not await self._store.add(webhook, url, _names(events), secret):
            raise Refused(Code.limit_exceeded, f"there may be {WEBHOOKS_MOST} webhooks, not more")
        return Secret(webhook, seal.shown(secret))

    async def all(self) -> WebhookList:
        return WebhookList(await self._store.all())

    async def change(
        self, webhook: UUID, url: str | None, events: Sequence[EventType] | None, on: bool | None
    ) -> None:
        """Change where or what; `on` ends or begins deliveries. What is None stays. Raises `Refused`."""
        if url is not None:
            self._check(url)
        names = None if events is None else _names(events)
        _known(await self._store.change(webhook, url, names, on))

    async def remove(self, webhook: UUID) -> None:
        """Forget it, with what it is owed. Raises `Refused`: `not_found`."""
        _known(await self._store.remove(webhook))

    async def rotate(self, webhook: UUID) -> Secret:
        """A new secret; the old one signs too for OLD_SECRET_S. Raises `Refused`: `not_found`."""
        secret = seal.new_secret(self._random)
        _known(await self._store.rotate(webhook, secret))
        return Secret(webhook, seal.shown(secret))

    async def replay(self, webhook: UUID, since_ms: int, *, dead: bool) -> Replayed:
        """Tell again what happened since then, or what of it was given up. Raises `Refused`."""
        replayed = await self._store.replay(webhook, since_ms, dead)
        if replayed is None:
            raise _missing()
        return replayed

    async def dead(self, webhook: UUID, limit: int) -> DeadLetters:
        dead = await self._store.dead(webhook, limit)
        if dead is None:
            raise _missing()
        return DeadLetters(dead)

    def _check(self, url: str) -> None:
        try:
            target = check_url(url)
        except Forbidden as forbidden:
            raise Refused(Code.bad_request, str(forbidden)) from None
        if target.plain and not self._private:
            raise Refused(Code.bad_request, "a URL begins with https:// and names a host")


def _names(events: Sequence[EventType]) -> list[str]:
    return sorted({event.value for event in events})


def _known(found: bool) -> None:
    if not found:
        raise _missing()


def _missing() -> Refused:
    return Refused(Code.not_found, "no such webhook")
