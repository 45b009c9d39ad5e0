"""Handlers about what somebody logs in with: the password, and a second factor.

Owns the bodies of these routes. Must never put a password, a code or a secret into a log, an URL or a kept answer.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Annotated

import segno
from msgspec import Meta, Struct

from api.limits import STEP_UP, Limits
from api.route import Call
from muster.password_change import PasswordChange
from muster.people import People
from muster.second_factor import CODE_CHARS, SecondFactors
from muster.step_up import StepUp

_Password = Annotated[str, Meta(max_length=1_000)]
_Code = Annotated[str, Meta(max_length=CODE_CHARS)]


class ChangePassword(Struct, frozen=True):
    """The password I have, and the one I want; with a second factor a `code`, too."""

    password: _Password
    new_password: _Password
    code: _Code = ""


class Proof(Struct, frozen=True):
    """My password, once more."""

    password: _Password


class FullProof(Struct, frozen=True):
    """My password, and a code of my second factor or a recovery code."""

    password: _Password
    code: _Code


class Confirm(Struct, frozen=True):
    """A code of the app that was given the secret."""

    code: _Code


class MyFactor(Struct, frozen=True):
    """Whether I am asked for a second factor, since when, and how many recovery codes are left."""

    on: bool
    since_ms: int | None = None
    recovery_codes: int = 0


class NewFactor(Struct, frozen=True):
    """The secret of a factor, to be typed, opened as a link, or scanned: `qr` has a row a text, 1 is dark."""

    secret: str
    uri: str
    qr: list[str]

    def __repr__(self) -> str:
        return "NewFactor()"


class RecoveryCodes(Struct, frozen=True):
    """Each lets me in once, instead of a code of the app."""

    recovery_codes: list[str]

    def __repr__(self) -> str:
        return "RecoveryCodes()"


class CredentialHandlers:
    """The routes about passwords and second factors."""

    def __init__(
        self,
        people: People,
        step_up: StepUp,
        change: PasswordChange,
        factors: SecondFactors,
        limits: Limits,
    ) -> None:
        self._people = people
        self._step_up = step_up
        self._change = change
        self._factors = factors
        self._limits = limits

    async def change_password(self, call: Call) -> None:
        wanted = call.body(ChangePassword)
        async with self._guessing(call):
            known = await self._step_up.both(call.me, wanted.password, wanted.code)
        await self._change.change(
            call.me, wanted.new_password, call.claims.session, known.password_no
        )

    async def factor(self, call: Call) -> MyFactor:
        found = await self._factors.find(call.me)
        if found is None:
            return MyFactor(on=False)
        return MyFactor(True, found.made_at_ms, found.recovery_codes)

    async def begin_factor(self, call: Call) -> NewFactor:
        async with self._guessing(call):
            await self._step_up.password(call.me, call.body(Proof).password)
        account = await self._people.account(call.me)
        begun = await self._factors.begin(call.me, account.profile.handle)
        code = segno.make(begun.uri, error="m", micro=False)
        rows = ["".join("1" if dark else "0" for dark in row) for row in code.matrix]
        return NewFactor(begun.secret, begun.uri, rows)

    async def confirm_factor(self, call: Call) -> RecoveryCodes:
        return RecoveryCodes(await self._factors.confirm(call.me, call.body(Confirm).code))

    async def renew_codes(self, call: Call) -> RecoveryCodes:
        code = await self._proven(call)
        return RecoveryCodes(await self._factors.renew(call.me, code))

    async def remove_factor(self, call: Call) -> None:
        await self._factors.remove(call.me, await self._proven(call))

    async def _proven(self, call: Call) -> str:
        """The code, which is judged where it is used; the password was right."""
        wanted = call.body(FullProof)
        async with self._guessing(call):
            await self._step_up.password(call.me, wanted.password)
        return wanted.code

    def _guessing(self, call: Call) -> AbstractAsyncContextManager[None]:
        """A token of somebody's is no leave to guess their password."""
        return self._limits.guessing(STEP_UP, str(call.me), call.address)
