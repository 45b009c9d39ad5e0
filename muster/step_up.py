"""Stepping up: whoever is logged in shows once more who they are, before what a thief of a token would do first.

Owns what is asked: the password, and where there is a second factor a code of it. Refusals are `permission_denied`,
never `unauthorized`: the session is good. Must never tell which of the two was wrong before both were given.
"""

from __future__ import annotations

from muster.errors import Refused
from muster.ids import PersonId
from muster.metrics import IdentityMetrics
from muster.passwords import MOST_CHARS, Passwords
from muster.people import Credentials, PeopleStore
from muster.second_factor import SecondFactors
from proto.codes import Code


class StepUp:
    """Asks again."""

    def __init__(
        self,
        people: PeopleStore,
        passwords: Passwords,
        factors: SecondFactors,
        metrics: IdentityMetrics,
    ) -> None:
        self._people = people
        self._passwords = passwords
        self._factors = factors
        self._metrics = metrics

    async def password(self, person: PersonId, password: str) -> Credentials:
        """Raises `Refused` unless this is the password of `person`."""
        known = await self._people.credentials_of(person)
        stored = known.password_hash if known is not None else None
        if known is not None and stored is None:
            raise Refused(Code.conflict, "this account has no password")
        fits = len(password) <= MOST_CHARS
        checked = await self._passwords.check(password if fits else "", stored)
        if known is None or not fits or not checked.right:
            self._metrics.count("step_up_wrong")
            raise Refused(Code.permission_denied, "the password is wrong")
        return known

    async def both(self, person: PersonId, password: str, code: str) -> Credentials:
        """Raises `Refused` unless the password is right, and the code too where there is a second factor."""
        known = await self.password(person, password)
        if known.second:
            if not code:
                raise Refused(Code.permission_denied, "send a code of the second factor, too")
            await self._factors.prove(person, code)
        return known
