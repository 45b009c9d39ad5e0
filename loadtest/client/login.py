"""Who a phone is: an account, its password, and the tokens in force.

Owns when tokens are renewed: before they end, once however many ask. Must never print or log a
secret.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID, uuid4

import msgspec

from loadtest.client.rest import Grant, Rest, RestError
from proto.codes import Code

RENEW_BEFORE_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Account:
    """What a person types in, and which installation of which app this is."""

    handle: str
    password: str = field(repr=False)
    name: str = ""
    install: str = field(default_factory=lambda: str(uuid4()))
    app: str = "muster-loadtest"
    version: str = "1.0.0"
    platform: str = "python"


class Login:
    """One account on one device. `rest` carries its token."""

    def __init__(self, account: Account, rest: Rest) -> None:
        self.account = account
        self.rest = rest
        self._grant: Grant | None = None
        self._renew_at = 0.0
        self._renewing = asyncio.Lock()
        rest.renew = self._ended

    @property
    def person(self) -> UUID:
        """My person id; known after the first token."""
        assert self._grant is not None, "asked for before the first token"
        return self._grant.person

    @property
    def device(self) -> UUID:
        """This device's id; known after the first token."""
        assert self._grant is not None, "asked for before the first token"
        return self._grant.device

    async def register(self) -> None:
        """Make the account; if the handle is taken, it is ours or logging in will tell."""
        account = self.account
        try:
            name = account.name or account.handle
            await self.rest.register(account.handle, name, account.password)
        except RestError as problem:
            if problem.code != Code.conflict:
                raise

    async def token(self) -> str:
        """An access token with some life left."""
        async with self._renewing:
            now = asyncio.get_running_loop().time()
            if self._grant is None or now >= self._renew_at:
                grant = await self._renew()
                self._grant = grant
                self._renew_at = now + max(grant.expires_in - RENEW_BEFORE_S, grant.expires_in / 2)
            self.rest.token = self._grant.access_token
            return self._grant.access_token

    def expired(self) -> None:
        """The server says the token has ended, whatever our clock says."""
        self._renew_at = 0.0

    async def _ended(self) -> None:
        """A request found the token ended, as it is after a sleep: fetch a new one."""
        used = self.rest.token
        if self._grant is not None and self._grant.access_token == used:
            self.expired()
        await self.token()

    def renew_in_s(self) -> float:
        """How long until the token is to be replaced."""
        return max(0.0, self._renew_at - asyncio.get_running_loop().time())

    async def _renew(self) -> Grant:
        if self._grant is not None:
            try:
                return await self.rest.refresh(self._grant.refresh_token)
            except RestError as problem:
                if problem.code != Code.unauthorized:
                    raise
        account = self.account
        install = {
            "install": account.install,
            "app": account.app,
            "version": account.version,
            "platform": account.platform,
        }
        try:
            return await self.rest.log_in(account.handle, account.password, install)
        except (
            msgspec.ValidationError
        ):  # 202: it takes a second step, which this client does not know
            text = "this account has a second factor; log in at /app"
            raise RestError(202, 0, text, temporary=False) from None
