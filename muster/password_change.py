"""Changing a password: the sessions and half logins of before are over, but for the one that asks.

Owns that order: the new hash is committed first, so that a login with the old password either came before, and is ended
with the others, or is refused (`password_no`). Must never judge a password by itself (muster/password_policy.py).
"""

from __future__ import annotations

from muster.errors import Refused
from muster.ids import PersonId, SessionId
from muster.metrics import IdentityMetrics
from muster.password_policy import PasswordPolicy
from muster.passwords import Passwords
from muster.people import PeopleStore
from muster.sessions import Sessions
from muster.telemetry import get_logger
from proto.codes import Code

_log = get_logger()


class PasswordChange:
    """Changes passwords."""

    def __init__(
        self,
        people: PeopleStore,
        passwords: Passwords,
        policy: PasswordPolicy,
        sessions: Sessions,
        metrics: IdentityMetrics,
    ) -> None:
        self._people = people
        self._passwords = passwords
        self._policy = policy
        self._sessions = sessions
        self._metrics = metrics

    async def change(
        self,
        person: PersonId,
        password: str,
        keep: SessionId | None,
        password_no: int | None = None,
    ) -> None:
        """From now on it is this one; whoever calls knows who asks. Raises `Refused`.

        `keep`: the session that asks. `password_no`: of the password that was shown for this.
        """
        account = await self._people.account(person)
        await self._policy.check(password, account.profile.handle if account is not None else "")
        new_hash = await self._passwords.hash(password)
        if not await self._people.change_password(person, new_hash, password_no):
            raise Refused(Code.conflict, "the password was changed meanwhile")
        self._metrics.count("password_changed")
        _log.info("password changed", person=str(person))
        await self._sessions.end_others(person, keep)
