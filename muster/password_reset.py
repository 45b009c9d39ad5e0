"""A new password for somebody who has forgotten theirs, by a mail to their verified address.

    ask        a mail is put down, whoever it is for; whether there is an account is found out when it is sent
    complete   the word of the mail and a new password: every session is over, and the address is told

Owns that asking says nothing: the same answer after the same work for an address of somebody and of nobody. A word is
good for the password there was, so it is good once. Must never log anybody in: the second factor is still asked for.
"""

from __future__ import annotations

from muster.email import email
from muster.emails import Emails
from muster.errors import Refused
from muster.letter import Kind
from muster.mails import Mails
from muster.metrics import IdentityMetrics
from muster.password_change import PasswordChange
from proto.codes import Code


class PasswordResets:
    """Resets passwords."""

    def __init__(
        self, mails: Mails, emails: Emails, change: PasswordChange, metrics: IdentityMetrics
    ) -> None:
        self._mails = mails
        self._emails = emails
        self._change = change
        self._metrics = metrics

    async def ask(self, address: str, language: str) -> None:
        """A mail, if it is somebody's address. Raises `Refused`: `bad_request` for what is no address."""
        # Too many mails to an address are told to nobody: whoever asks need not be who is asked about.
        await self._mails.add(Kind.reset, email(address), language)
        self._metrics.count("reset_asked")

    async def complete(self, word: str, password: str) -> None:
        """Raises `Refused`: `unauthorized` for a word that is not good, `bad_request` for a password that is not."""
        presented = await self._mails.presented(Kind.reset, word)
        if presented is None:
            raise self._over()
        try:
            await self._change.change(presented.person, password, None, presented.password_no)
        except Refused as refused:
            if refused.code is Code.conflict:  # somebody was quicker
                raise self._over() from None
            raise
        self._metrics.count("reset_done")
        await self._mails.spend(presented.person, Kind.reset)
        await self._emails.tell(presented.person, Kind.password_changed)

    def _over(self) -> Refused:
        self._metrics.count("reset_wrong")
        return Refused(Code.unauthorized, "this link is unknown, used, or too old")
