"""Mailing: the jobs that send mails.

    job --mail--> whose is it? --letter--> the mail server --> taken: forgotten whom it went to
                                                          --> not now: again, with a pause (muster/jobs.py)
                                                          --> never: written down why

A mail that asks for a new password finds out only here whether there is an account. A mail is sent again where its
answer was lost; it is the same mail then, by Message-ID and word. Owns what becomes of a mail. Must never log an
address, a word, or what the server said about one.
"""

from __future__ import annotations

from typing import Final, NamedTuple, Protocol
from uuid import UUID

import msgspec
from msgspec import Struct
from prometheus_client import CollectorRegistry, Counter

from muster import mail_word
from muster.clock import Clock
from muster.email import FIELD as ADDRESS
from muster.email import Email
from muster.errors import Refused, unavailable
from muster.jobs import ATTEMPTS_MOST, Job
from muster.letter import Kind, Letter, Letters
from muster.mail_word import Word
from muster.mails import FIELD, Payload
from muster.sealer import Field, Sealer, Unsealable
from muster.smtp import Smtp, Unsent
from muster.telemetry import get_logger
from proto.codes import Code

OUTCOMES: Final = ("sent", "later", "refused", "given_up", "too_late", "nobody")
_PAYLOAD: Final = msgspec.json.Decoder(Payload)
_PATHS: Final = {Kind.verify: "verify", Kind.reset: "reset"}
_log = get_logger()


class Outgoing(Struct, frozen=True, gc=False):
    """A mail that was not sent yet, and the handle of whom it is for. Its repr hides it."""

    id: UUID
    kind: Kind
    language: str
    handle: str
    to_sealed: bytes
    about: str
    made_at_ms: int
    expires_at_ms: int

    def __repr__(self) -> str:
        return f"Outgoing({self.id})"


class Claimed(NamedTuple):
    """Whose a mail is, and their address as they have verified it."""

    handle: str
    email: UUID
    sealed: bytes


class Outbox(Protocol):
    """Where mails wait. All raise `Refused`: `unavailable`."""

    async def find(self, mail: UUID) -> Outgoing | None:
        """None: it was sent or given up, or there is none."""
        ...

    async def claim(self, mail: UUID, address_blind: bytes) -> Claimed | None:
        """Whoever has verified this address is whom the mail is for; None, and it is forgotten: nobody has."""
        ...

    async def sent(self, mail: UUID) -> None: ...

    async def failed(self, mail: UUID, why: str) -> None: ...


class MailMetrics:
    """What becomes of mails."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._mails = Counter(
            "muster_mails", "Mails, by what became of them", ["outcome"], registry=registry
        )
        for outcome in OUTCOMES:
            self._mails.labels(outcome)

    def count(self, outcome: str) -> None:
        """One of OUTCOMES."""
        self._mails.labels(outcome).inc()


class Carrier(NamedTuple):
    """Who writes and sends, and the address that links in mails begin with."""

    smtp: Smtp
    letters: Letters
    public_url: str


class Mailing:
    """Sends mails."""

    def __init__(
        self,
        outbox: Outbox,
        carrier: Carrier | None,
        sealer: Sealer,
        metrics: MailMetrics,
        clock: Clock,
    ) -> None:
        """Without a carrier all mails are given up: there is no mail server."""
        self._outbox = outbox
        self._carrier = carrier
        self._sealer = sealer
        self._metrics = metrics
        self._clock = clock

    async def fire(self, job: Job) -> None:
        """A muster.jobs.Handler. Raises `Refused`: `unavailable` where it is to be tried again."""
        mail = await self._outbox.find(_PAYLOAD.decode(job.payload).mail)
        if mail is None:
            return
        if mail.expires_at_ms <= self._clock.now_ms():
            await self._give_up(mail, "too_late", "too late")
            return
        if self._carrier is None:
            await self._give_up(mail, "given_up", "no mail server")
            return
        to = self._opened(mail.to_sealed, FIELD, mail.id)
        handle = mail.handle
        if mail.kind is Kind.reset:
            claimed = await self._outbox.claim(mail.id, self._sealer.blind(to.unique, ADDRESS))
            if claimed is None:
                self._metrics.count("nobody")
                return
            # As its owner wrote it: whoever asked may have written it so that it leads elsewhere.
            handle, to = claimed.handle, self._opened(claimed.sealed, ADDRESS, claimed.email)
        letter = self._letter(mail, handle, to, self._carrier.public_url)
        await self._send(mail, letter, self._carrier, job.attempts)

    async def _send(self, mail: Outgoing, letter: Letter, by: Carrier, attempt: int) -> None:
        try:
            await by.smtp.send(by.letters.write(letter), letter.to)
        except Unsent as unsent:
            if unsent.forever:
                await self._give_up(mail, "refused", unsent.why)
                return
            self._metrics.count("later")
            _log.warning("mail not sent yet", kind=mail.kind.value, reason=unsent.why)
            if attempt >= ATTEMPTS_MOST:
                await self._give_up(mail, "given_up", unsent.why)
                return
            raise unavailable("the mail server") from None
        await self._outbox.sent(mail.id)
        self._metrics.count("sent")

    async def _give_up(self, mail: Outgoing, outcome: str, why: str) -> None:
        await self._outbox.failed(mail.id, why)
        self._metrics.count(outcome)
        _log.warning("mail given up", kind=mail.kind.value, reason=why)

    def _opened(self, sealed: bytes, field: Field, row: UUID) -> Email:
        try:
            return Email(self._sealer.open(sealed, field, row.bytes).decode())
        except Unsealable:
            raise Refused(Code.conflict, "the address of a mail does not open") from None

    def _letter(self, mail: Outgoing, handle: str, to: Email, public_url: str) -> Letter:
        fill = {"handle": handle, "about": mail.about}
        said = Word(mail.id, mail.expires_at_ms)
        if mail.kind in _PATHS:
            word = mail_word.word(self._sealer, mail.kind.value, said)
            # Behind the #: what is there no server is told, and no log.
            fill["link"] = f"{public_url}/app#/{_PATHS[mail.kind]}/{word}"
        if mail.kind is Kind.verify:
            fill["code"] = mail_word.code(self._sealer, said)
        return Letter(mail.kind, to, mail.language, mail.id, mail.made_at_ms, fill)
