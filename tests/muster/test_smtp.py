"""The mail server is spoken to under TLS or not at all, and its answers mean what they say."""

import asyncio
import random
from email.message import EmailMessage
from pathlib import Path

import pytest
from msgspec.structs import replace

from muster.breaker import MAIL, Breaker
from muster.clock import SystemClock
from muster.email import email
from muster.smtp import Server, Smtp, Unsent
from tests.fixtures.mailserver import HOST, PASSWORD, USER, MailServer, mail_server
from tests.fixtures.sealing import JumpingClock

TO = email("ada@example.org")
SENDER = "no-reply@muster.example"


def _message() -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = SENDER, TO.address, "hello"
    message.set_content("words")
    return message


def _server(mail: MailServer, **changed: object) -> Server:
    return replace(Server(HOST, mail.port, False, ca=mail.ca), **changed)


def _smtp(server: Server, within_s: float = 5.0) -> Smtp:
    return Smtp(server, SENDER, Breaker(random.Random(1), MAIL), SystemClock(), within_s)


async def _unsent(server: Server, within_s: float = 5.0) -> Unsent:
    with pytest.raises(Unsent) as unsent:
        await _smtp(server, within_s).send(_message(), TO)
    assert "ada" not in str(unsent.value)
    return unsent.value


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
async def test_a_message_arrives_under_tls(tls: str) -> None:
    """Both ways, with a login."""
    async with mail_server(tls, login=True) as mail:
        implicit = tls == "implicit"
        server = _server(mail, implicit=implicit, user=USER, password=PASSWORD)
        await _smtp(server).send(_message(), TO)
        assert mail.recipients == [TO.address]
        assert mail.messages[0]["Subject"] == "hello"
        assert mail.logins == [USER]


async def test_without_tls_nothing_is_said() -> None:
    """A server that offers none, or one in the middle that hides it, gets neither login nor address."""
    async with mail_server("none", login=True) as mail:
        unsent = await _unsent(_server(mail, user=USER, password=PASSWORD))
        assert (unsent.forever, mail.logins, mail.senders) == (False, [], [])


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
async def test_a_certificate_that_is_not_known_ends_it(tls: str) -> None:
    """Nothing is said to whoever it is."""
    async with mail_server(tls) as mail:
        unsent = await _unsent(_server(mail, implicit=tls == "implicit", ca=None))
        assert (unsent.forever, mail.senders) == (False, [])


async def test_another_name_than_the_certificates_ends_it() -> None:
    """A good certificate of somebody else is none."""
    async with mail_server() as mail:
        unsent = await _unsent(_server(mail, host="127.0.0.2"))
        assert not unsent.forever
        assert mail.senders == []


@pytest.mark.parametrize(
    ("says", "forever", "why"),
    [
        ("550 5.1.1 no such box ada@example.org", True, "550"),
        ("552 full", True, "552"),
        ("451 greylisted", False, "451"),
        ("421 too busy", False, "421"),
    ],
)
async def test_answers_mean_what_they_say(says: str, forever: bool, why: str) -> None:
    """5xx: never; 4xx: later. To the recipient and to the message alike."""
    async with mail_server() as mail:
        mail.rcpt_says = [says]
        unsent = await _unsent(_server(mail))
        assert (unsent.forever, unsent.why) == (forever, why)
        mail.data_says = [says]
        unsent = await _unsent(_server(mail))
        assert (unsent.forever, unsent.why) == (forever, why)


async def test_a_wrong_login_is_the_operators_and_no_fault_of_the_mail() -> None:
    """It is tried again, for the mail is good."""
    async with mail_server(login=True) as mail:
        unsent = await _unsent(_server(mail, user=USER, password="wrong"))
        assert (unsent.forever, unsent.why) == (False, "login 535")


async def test_a_server_that_is_silent_or_away_is_left() -> None:
    """Within the time, whatever it does."""

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, HOST, 0)
    port = server.sockets[0].getsockname()[1]
    unsent = await _unsent(Server(HOST, port, False), within_s=0.3)
    assert (unsent.forever, unsent.why) == (False, "time")
    server.close()
    await server.wait_closed()
    unsent = await _unsent(Server(HOST, port, True))
    assert (unsent.forever, unsent.why) == (False, "connection")
    assert PASSWORD not in repr(Server(HOST, port, True, USER, PASSWORD, Path("x")))


async def test_a_server_that_fails_is_left_alone_and_tried_once_in_a_while() -> None:
    """After three failures of its own nothing goes there; then one message does, and all after it."""
    clock = JumpingClock()
    async with mail_server(login=True) as mail:
        breaker = Breaker(random.Random(1), MAIL)
        away = Smtp(_server(mail, user=USER, password="wrong"), SENDER, breaker, clock)
        well = Smtp(_server(mail, user=USER, password=PASSWORD), SENDER, breaker, clock)
        for _ in range(MAIL.faults):
            with pytest.raises(Unsent, match="login"):
                await away.send(_message(), TO)
        with pytest.raises(Unsent, match="held"):
            await well.send(_message(), TO)
        assert mail.messages == []
        clock.jump(MAIL.first_s)
        await well.send(_message(), TO)
        await well.send(_message(), TO)
        assert (len(mail.messages), breaker.is_open) == (2, False)


async def test_what_is_said_of_a_message_is_no_failure_of_the_server() -> None:
    """Ten people whose mailboxes are full keep nobody else's mail waiting."""
    async with mail_server() as mail:
        smtp = _smtp(_server(mail))
        mail.rcpt_says = ["452 full"] * 10
        for _ in range(10):
            with pytest.raises(Unsent, match="452"):
                await smtp.send(_message(), TO)
        await smtp.send(_message(), TO)
        assert len(mail.messages) == 1
