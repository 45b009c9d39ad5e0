"""Proof that it is the owner who changes what an account is entered by: an address, or another service.

Where there is a password, that and the second factor (muster/step_up.py). An account that has none is entered by
another service alone, so its owner proves themselves by a login that was just now. Owns that choice. Must never take
an access token alone for proof: it may be stolen.
"""

from __future__ import annotations

from typing import Final

from muster.clock import Clock
from muster.errors import Refused
from muster.people import PeopleStore
from muster.sessions import Sessions
from muster.step_up import StepUp
from muster.tokens import Claims
from proto.codes import Code

RECENT_S: Final = 600
"""How old a login may be that proves something by itself."""


class OwnerProof:
    """Asks for it."""

    def __init__(
        self, people: PeopleStore, step_up: StepUp, sessions: Sessions, clock: Clock
    ) -> None:
        self._people = people
        self._step_up = step_up
        self._sessions = sessions
        self._clock = clock

    async def check(self, who: Claims, password: str, code: str) -> None:
        """Raises `Refused`: `permission_denied` unless it is them."""
        known = await self._people.credentials_of(who.person)
        if known is None or known.password_hash is not None:
            await self._step_up.both(who.person, password, code)
            return
        begun_ms = [
            one.created_at_ms
            for one in await self._sessions.of_person(who.person)
            if one.id == who.session
        ]
        if not begun_ms or begun_ms[0] + RECENT_S * 1_000 < self._clock.now_ms():
            raise Refused(
                Code.permission_denied, "log in once more, and do this within ten minutes"
            )
