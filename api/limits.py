"""How often clients may ask.

Owns which buckets a request takes from, and what is said of them in its answer. The buckets are those of all processes
(muster/tolls.py); which there are, and how large, is in muster/quotas.py.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from math import ceil
from typing import Any, Final
from uuid import UUID

from starlette.responses import Response

from api.route import Limit
from muster.attempts import Attempts
from muster.errors import Refused
from muster.ids import PersonId
from muster.quotas import Quotas, address_key, person_key
from muster.security_events import Kind, Watch
from muster.service_keys import ServiceKey
from muster.tokens import Claims
from muster.tolls import Standing, Tolls
from proto.codes import Code

LOG_IN: Final = "log_in"
STEP_UP: Final = "step_up"
MAIL_CODE: Final = "mail_code"
"""Kinds of secrets that are tried, each counted by itself."""

_WRITES: Final = frozenset({Limit.write, Limit.secret})


class Limits:
    """What a request is charged for. Whatever takes may raise `Refused`: `too_many_requests`."""

    def __init__(
        self, tolls: Tolls, quotas: Quotas, attempts: Attempts, watch: Watch | None = None
    ) -> None:
        """`watch` is told of whose password is guessed at by somebody who is logged in as them."""
        self._watch = watch
        self._tolls = tolls
        self._quotas = quotas
        self._attempts = attempts
        self._heaviest = quotas.writes.rate.burst / 2
        self._by_person = {
            Limit.none: quotas.reads,
            Limit.write: quotas.writes,
            Limit.secret: quotas.writes,
            Limit.search: quotas.searches,
            Limit.media: quotas.media,
            Limit.find: quotas.finds,
        }
        self._by_address = {Limit.anonymous: quotas.anonymous, Limit.page: quotas.pages}

    async def enter(self, limit: Limit, address: str) -> Standing | None:
        """Somebody nameless asks, or somebody who will be known in a moment: what the address has to give."""
        quota = self._by_address.get(limit)
        return None if quota is None else await self._tolls.take(quota.of(address_key(address)))

    async def take(
        self,
        limit: Limit,
        address: str,
        who: Claims | ServiceKey,
        path: Mapping[str, Any],
    ) -> Standing | None:
        """Somebody asks: of the address, of the session, of the person or key, and of the room that they write into."""
        quotas = self._quotas
        charges = [quotas.address.of(address_key(address))]
        if isinstance(who, ServiceKey):
            charges.append(quotas.keys.of(person_key(who.id)))
        else:
            charges.append(quotas.session.of(person_key(who.session)))
            quota = self._by_person.get(limit)
            if quota is not None:
                charges.append(quota.of(person_key(who.person)))
        room = path.get("room") if limit in _WRITES else None
        if isinstance(room, UUID):
            charges.append(quotas.room.of(person_key(room)))
        return await self._tolls.take(*charges)

    async def weigh(self, person: PersonId, more: float) -> None:
        """This write is worth `more` besides the one taken."""
        await self._tolls.take(
            self._quotas.writes.of(person_key(person), min(more, self._heaviest))
        )

    async def weigh_key(self, key: UUID, more: float) -> None:
        """This request of a service key is worth `more` besides the one taken."""
        heaviest = self._quotas.keys.rate.burst / 2
        await self._tolls.take(self._quotas.keys.of(person_key(key), min(more, heaviest)))

    # Tokens that are none

    async def bad_token(self, address: str) -> None:
        """A token was none."""
        await self._tolls.take(self._quotas.tokens.of(address_key(address)))

    async def letter(self, mailbox: bytes) -> None:
        """Somebody nameless wants a mail sent there, whether it is anybody's or not."""
        await self._tolls.take(self._quotas.letters.of(mailbox))

    # Secrets

    @asynccontextmanager
    async def guessing(
        self,
        kind: str,
        account: str,
        address: str,
        wrong: Code = Code.permission_denied,
        install: str = "",
    ) -> AsyncIterator[None]:
        """Within, a secret of `account` is tried, whether there is such an account or not.

        Left by `Refused` with the code `wrong` it was wrong; by another it was not looked at; else it was right.
        """
        try:
            attempt = await self._attempts.begin(kind, account, address, install)
        except Refused:
            if self._watch is not None and kind == STEP_UP:
                await self._watch.refused(PersonId(UUID(account)), Kind.password_guessed, None)
            raise
        try:
            yield
        except Refused as refused:
            if refused.code is not wrong:
                await self._attempts.void(attempt)
            raise
        await self._attempts.passed(attempt)


def tell(response: Response, standing: Standing | None) -> None:
    """Say where the one who asked stands: RateLimit and RateLimit-Policy (draft-ietf-httpapi-ratelimit-headers-10).

    Of all policies that applied the one nearest to its end; `t`: seconds until it is full, or until the next request
    is let through.
    """
    if standing is None:
        return
    quota, left, wait_s = standing
    if quota is None:
        return
    per_s, burst = quota.rate
    until_s = wait_s or (burst - left) / per_s
    response.headers["RateLimit-Policy"] = quota.policy
    response.headers["RateLimit"] = (
        f'"{quota.name}";r={max(0, int(left))};t={max(1, ceil(until_s))}'
    )
