"""Sending a message to the operator's mail server.

Owns the talk with it: TLS before anything that matters, always and with a certificate that is checked, and what its
answers mean. A server that fails by itself is left alone for a while. Must never log an address or an answer's text,
which may quote one.
"""

from __future__ import annotations

import asyncio
import ssl
from email.message import EmailMessage
from pathlib import Path
from typing import Final

import aiosmtplib
from msgspec import Struct

from muster.breaker import Breaker
from muster.clock import Clock
from muster.email import Email

WITHIN_S: Final = 7.0
"""For all of it; less than what a job may take (muster/jobs.py)."""


class Server(Struct, frozen=True):
    """Where it is, and how it is spoken to. Its repr hides the password."""

    host: str
    port: int
    implicit: bool
    user: str = ""
    password: str = ""
    ca: Path | None = None

    def __repr__(self) -> str:
        return f"Server({self.host}:{self.port})"


class Unsent(Exception):
    """It was not taken. The word says why: an SMTP code, or of which kind."""

    def __init__(self, why: str, *, forever: bool = False, judged: bool = False) -> None:
        super().__init__(why)
        self.why = why
        self.forever = forever
        """The same message will never be taken for this address."""

        self.judged = judged
        """The server was there, and said so of this message."""


class Smtp:
    """Sends, over a connection for each message: mails are few."""

    def __init__(
        self,
        server: Server,
        sender: str,
        breaker: Breaker,
        clock: Clock,
        within_s: float = WITHIN_S,
    ) -> None:
        """`sender`: the address that failures go to."""
        self._server = server
        self._sender = sender
        self._breaker = breaker
        self._clock = clock
        self._within_s = within_s
        self._tls = ssl.create_default_context(cafile=server.ca)
        self._tls.minimum_version = ssl.TLSVersion.TLSv1_2

    async def send(self, message: EmailMessage, to: Email) -> None:
        """Until the server has taken it. Raises `Unsent`; `held`: nothing was tried."""
        breaker, clock = self._breaker, self._clock
        if breaker.wait_s(clock.monotonic()):
            raise Unsent("held")
        try:
            await self._sent(message, to)
        except Unsent as unsent:
            if unsent.judged:
                breaker.good()
            else:
                breaker.fault(unsent.why, clock.monotonic())
            raise
        except BaseException:  # cancelled: that says nothing of the server
            breaker.neither(clock.monotonic())
            raise
        breaker.good()

    async def _sent(self, message: EmailMessage, to: Email) -> None:
        try:
            async with asyncio.timeout(self._within_s):
                await self._talk(message, to)
        except (aiosmtplib.SMTPTimeoutError, TimeoutError):
            raise Unsent("time") from None
        except aiosmtplib.SMTPAuthenticationError as refused:
            # The operator's to mend, and no fault of the message.
            raise Unsent(f"login {refused.code}") from None
        except aiosmtplib.SMTPRecipientsRefused as refused:
            raise _judged(refused.recipients[0].code) from None
        except (aiosmtplib.SMTPRecipientRefused, aiosmtplib.SMTPDataError) as refused:
            raise _judged(refused.code) from None
        except aiosmtplib.SMTPResponseException as refused:
            raise Unsent(str(refused.code)) from None
        except ssl.SSLError:
            raise Unsent("tls") from None
        except aiosmtplib.SMTPNotSupported:
            raise Unsent("unsupported") from None
        except (aiosmtplib.SMTPException, OSError, ValueError):
            raise Unsent("connection") from None

    async def _talk(self, message: EmailMessage, to: Email) -> None:
        server = self._server
        client = aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            use_tls=server.implicit,
            start_tls=not server.implicit,
            tls_context=self._tls,
            username=server.user or None,
            password=server.password or None,
            # Else the machine's resolver is asked for it, and waited for.
            local_hostname=self._sender.rpartition("@")[2],
            timeout=self._within_s,
        )
        async with client:
            await client.sendmail(self._sender, [to.address], message.as_bytes())


def _judged(code: int) -> Unsent:
    return Unsent(str(code), forever=500 <= code < 600, judged=True)
