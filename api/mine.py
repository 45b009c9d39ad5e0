"""Handlers about what is kept of me: a copy of it, an end to it, and what I consent to.

Owns the bodies of these routes. Must never begin either of the first two without proof that it is the account's owner:
a token may be stolen.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from api.limits import STEP_UP, Limits
from api.route import Call, Reply
from muster.consents import ConsentBook, Consents
from muster.erasures import Erasures
from muster.exporting import Export, Exports
from muster.owner_proof import OwnerProof
from muster.people import People
from muster.second_factor import CODE_CHARS

_Password = Annotated[str, Meta(max_length=1_000)]
_Code = Annotated[str, Meta(max_length=CODE_CHARS)]
_Version = Annotated[str, Meta(max_length=100)]


class Prove(Struct, frozen=True):
    """My password, and with a second factor a code; where I have neither, a login of the last ten minutes."""

    password: _Password = ""
    code: _Code = ""

    def __repr__(self) -> str:
        return "Prove()"


class MyExports(Struct, frozen=True):
    """Copies I asked for, the newest first."""

    exports: list[Export]


class Ending(Struct, frozen=True):
    """From when on I am forgotten; until then I log in to stay."""

    erase_at_ms: int


class EraseSomebody(Struct, frozen=True):
    """Why, for the audit. `at_once`: nothing takes it back."""

    reason: Annotated[str, Meta(max_length=2_000)] = ""
    at_once: bool = False


class Consenting(Struct, frozen=True):
    """Whether I consent, and to which version of what I was shown."""

    given: bool
    version: _Version = ""


class MineHandlers:
    """The routes about these."""

    def __init__(
        self,
        exports: Exports,
        erasures: Erasures,
        consents: ConsentBook,
        proof: OwnerProof,
        people: People,
        limits: Limits,
    ) -> None:
        self._exports = exports
        self._erasures = erasures
        self._consents = consents
        self._proof = proof
        self._people = people
        self._limits = limits

    async def export(self, call: Call) -> Reply:
        await self._prove(call)
        return Reply(await self._exports.ask(call.me), 202)

    async def exports(self, call: Call) -> MyExports:
        return MyExports(await self._exports.of_person(call.me))

    async def end(self, call: Call) -> Reply:
        await self._prove(call)
        return Reply(Ending(await self._erasures.ask(call.me, call.me)), 202)

    async def erase(self, call: Call) -> Reply:
        await self._people.may_act(call.claims.role, call.person)
        wanted = call.body(EraseSomebody)
        due = await self._erasures.ask(call.person, call.me, wanted.reason, at_once=wanted.at_once)
        return Reply(Ending(due), 202)

    async def spare(self, call: Call) -> None:
        await self._people.may_act(call.claims.role, call.person)
        await self._erasures.spare(call.person, call.me)

    async def consents(self, call: Call) -> Consents:
        return await self._consents.of(call.me)

    async def consent(self, call: Call) -> Consents:
        wanted = call.body(Consenting)
        purpose = call.path("purpose", str)
        return await self._consents.say(call.me, purpose, wanted.version, given=wanted.given)

    async def _prove(self, call: Call) -> None:
        shown = call.body(Prove)
        # A token of somebody's is no leave to guess their password.
        async with self._limits.guessing(STEP_UP, str(call.me), call.address):
            await self._proof.check(call.claims, shown.password, shown.code)
