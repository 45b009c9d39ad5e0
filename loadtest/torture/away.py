"""People who are away for the whole run: in rooms with everybody else, without a socket, each with phones that ring.

Owns how they come to be: all by REST, as people do. Must never say, read or open anything once the traffic has begun:
what is owed to them would be another's to judge.
"""

from __future__ import annotations

import secrets
from random import Random
from typing import Final
from uuid import UUID

import httpx

from loadtest.client.login import Account, Login
from loadtest.client.rest import Rest
from loadtest.mocks.kit import PROJECT, TOPICS
from loadtest.torture.push_history import Away, ProviderName
from loadtest.torture.recorder import Recorder

PASSWORD: Final = "correct horse battery staple"  # noqa: S105  # of accounts that live for one run

PROVIDERS: Final[tuple[ProviderName, ...]] = ("apns", "fcm")
BOTH_EVERY: Final = 4
"""So many-th of them has a phone of each kind."""


class AwayPerson:
    """See the module. `number` says which phone they have."""

    def __init__(
        self, handle: str, http: httpx.AsyncClient, recorder: Recorder, number: int, seed: int
    ) -> None:
        self.handle = handle
        self._http = http
        self._recorder = recorder
        self._number = number
        self._random = Random(seed)
        self._logins: list[Login] = []
        self.rooms: dict[UUID, str] = {}
        """Rooms I am in, with their kinds."""
        self.hidden: set[UUID] = set()
        self.tokens: dict[str, ProviderName] = {}

    @property
    def person(self) -> UUID:
        """Their id."""
        return self._logins[0].person

    async def register(self) -> None:
        """Make the account, log in on each phone, and let it ring."""
        first = self._number % len(PROVIDERS)
        providers = PROVIDERS if self._number % BOTH_EVERY == 0 else PROVIDERS[first : first + 1]
        for provider in providers:
            rest = Rest(self._http, self._random)
            login = Login(Account(self.handle, PASSWORD), rest)
            if not self._logins:
                await login.register()
            await login.token()
            self._logins.append(login)
            await self._ring_by(provider, login, rest)

    async def _ring_by(self, provider: ProviderName, login: Login, rest: Rest) -> None:
        token = secrets.token_hex(32) if provider == "apns" else secrets.token_urlsafe(120)
        registration = {
            "install": login.account.install,
            "provider": provider,
            "topic": TOPICS[0] if provider == "apns" else PROJECT,
            "token": token,
            "locale": "en",
            "zone": "UTC",
        }
        await rest.tell("PUT", "/v1/me/push", registration)
        self.tokens[token] = provider
        self._recorder.write(
            Away(
                t=self._recorder.now(),
                person=self.person,
                device=login.device,
                provider=provider,
                token=token,
            )
        )

    async def begin_direct(self, peer: UUID) -> UUID:
        """A direct room that is no stranger's request to me: I began it."""
        n = self._recorder.invoke("create", self.person)
        room = await self._logins[0].rest.direct_room(peer)
        self._recorder.ok(n, None, room=room.id)
        self.rooms[room.id] = "direct"
        return room.id

    async def block(self, who: UUID) -> None:
        """Hear nothing of them for the whole run."""
        n = self._recorder.invoke("block", self.person, subject=who)
        await self._logins[0].rest.tell("PUT", f"/v1/me/blocks/{who}")
        self._recorder.ok(n, None)
        self.hidden.add(who)
