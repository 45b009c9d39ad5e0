"""Handlers about the address of somebody, and about passwords that were forgotten.

Owns the bodies of these routes. Must never put an address or a word into a log, an URL or a kept answer.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Annotated, NamedTuple

from msgspec import Meta, Struct

from api.limits import MAIL_CODE, STEP_UP, Limits
from api.route import Call
from muster.email import CHARS, email
from muster.emails import Emails, MyEmail
from muster.errors import Refused
from muster.letter import Letters
from muster.mail_word import CODE_CHARS, WORD_CHARS
from muster.owner_proof import OwnerProof
from muster.password_reset import PasswordResets
from muster.second_factor import CODE_CHARS as FACTOR_CHARS
from proto.codes import Code

_Address = Annotated[str, Meta(min_length=3, max_length=CHARS)]
_Password = Annotated[str, Meta(max_length=1_000)]
_Factor = Annotated[str, Meta(max_length=FACTOR_CHARS)]
_Language = Annotated[str, Meta(max_length=35)]


class NewAddress(Struct, frozen=True):
    """The address I want, and my password (with a second factor a `code`, too). Without a password: a fresh login."""

    email: _Address
    password: _Password = ""
    code: _Factor = ""
    language: _Language = ""


class Owner(Struct, frozen=True):
    """My password, and a code of the second factor where there is one; without a password a fresh login does."""

    password: _Password = ""
    code: _Factor = ""


class AddressCode(Struct, frozen=True):
    """The six digits of the mail."""

    code: Annotated[str, Meta(min_length=CODE_CHARS, max_length=CODE_CHARS)]


class AddressWord(Struct, frozen=True):
    """The word of the link in the mail."""

    word: Annotated[str, Meta(max_length=WORD_CHARS)]


class Forgotten(Struct, frozen=True):
    """Whose password was forgotten."""

    email: _Address
    language: _Language = ""


class NewPassword(Struct, frozen=True):
    """The word of the link in the mail, and the password that is to be."""

    word: Annotated[str, Meta(max_length=WORD_CHARS)]
    new_password: _Password


class Addressing(NamedTuple):
    """What these routes work on. `on`: mail is sent."""

    emails: Emails
    resets: PasswordResets
    proof: OwnerProof
    letters: Letters
    on: bool


class EmailHandlers:
    """The routes about addresses."""

    def __init__(self, to: Addressing, limits: Limits) -> None:
        self._to = to
        self._limits = limits

    async def mine(self, call: Call) -> MyEmail:
        return await self._to.emails.mine(call.me)

    async def change(self, call: Call) -> None:
        wanted = call.body(NewAddress)
        self._sending()
        async with self._guessing(call, STEP_UP):
            await self._to.proof.check(call.claims, wanted.password, wanted.code)
        language = self._to.letters.language(wanted.language)
        await self._to.emails.begin(call.me, wanted.email, language)

    async def verify_code(self, call: Call) -> None:
        code = call.body(AddressCode).code
        async with self._guessing(call, MAIL_CODE):
            await self._to.emails.confirm_code(call.me, code)

    async def verify_word(self, call: Call) -> None:
        await self._to.emails.confirm_word(call.body(AddressWord).word)

    async def remove(self, call: Call) -> None:
        shown = call.body(Owner)
        async with self._guessing(call, STEP_UP):
            await self._to.proof.check(call.claims, shown.password, shown.code)
        await self._to.emails.remove(call.me)

    async def forgot(self, call: Call) -> None:
        wanted = call.body(Forgotten)
        self._sending()
        await self._limits.letter(email(wanted.email).unique)
        language = self._to.letters.language(wanted.language)
        await self._to.resets.ask(wanted.email, language)

    async def reset(self, call: Call) -> None:
        wanted = call.body(NewPassword)
        await self._to.resets.complete(wanted.word, wanted.new_password)

    def _guessing(self, call: Call, kind: str) -> AbstractAsyncContextManager[None]:
        return self._limits.guessing(kind, str(call.me), call.address)

    def _sending(self) -> None:
        if not self._to.on:
            raise Refused(Code.conflict, "this server sends no mail")
