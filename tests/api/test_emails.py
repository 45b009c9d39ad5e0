"""Addresses, as people see them: verified by what a mail brings, told when they change, and a way to a new password."""

import asyncio
import json
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import pytest_asyncio
from prometheus_client import CollectorRegistry

from api.assembly import sending
from muster.jobs import JobMetrics, Runner
from muster.letter import Kind
from muster.mail_word import TRIES
from muster.mails import ADDRESS_HOUR, GOOD_S, PERSON_HOUR
from muster.owner_proof import RECENT_S
from muster.permission import ServiceRole
from tests.api.door import PASSWORD, Door, Someone
from tests.api.opening import open_door
from tests.api.test_second_factor import App
from tests.fixtures.mailserver import MailServer, code_in, mail_server, plain, word_in

NEW_PASSWORD = "a quite different passphrase"
MINE, RESETS = "/v1/me/email", "/v1/password-resets"


class Post:
    """The door, the mail server, and the runner between them."""

    def __init__(self, door: Door, server: MailServer, runner: Runner) -> None:
        self.door = door
        self.server = server
        self._runner = runner

    async def delivered(self) -> list[str]:
        """Send what waits; to whom, and about what."""
        before = len(self.server.messages)
        await self._runner.round()
        return [f"{one['To']}: {one['Subject']}" for one in self.server.messages[before:]]

    async def verified(self, handle: str, address: str) -> Someone:
        """Somebody with this address."""
        one = await self.door.register(handle)
        await self.change(one, address)
        await one.done("POST", f"{MINE}/verify", json={"code": code_in(self.server.messages[-1])})
        return one

    async def change(self, one: Someone, address: str, **more: Any) -> None:
        body = {"email": address, "password": PASSWORD, **more}
        await one.done("PUT", MINE, json=body)
        await self.delivered()

    def word(self) -> str:
        """Of the last mail."""
        return word_in(self.server.messages[-1])

    async def forgot(self, address: str) -> httpx.Response:
        return await self.door.client.post(RESETS, json={"email": address})

    async def reset(self, word: str, password: str = NEW_PASSWORD) -> int:
        body = {"word": word, "new_password": password}
        return (await self.door.client.post(f"{RESETS}/complete", json=body)).status_code

    async def log_in(self, handle: str, password: str) -> httpx.Response:
        body = {"handle": handle, "password": password, "install": "phone"}
        return await self.door.client.post("/v1/sessions", json=body)


@asynccontextmanager
async def open_post(database_url: str, redis_url: str, **more: Any) -> AsyncIterator[Post]:
    async with (
        mail_server() as server,
        open_door(database_url, redis_url, **server.settings(**more)) as door,
    ):
        yield Post(
            door, server, sending(door.ground, random.Random(1), JobMetrics(CollectorRegistry()))
        )


@pytest_asyncio.fixture
async def post(database_url: str, redis_url: str) -> AsyncIterator[Post]:
    async with open_post(database_url, redis_url) as opened:
        yield opened


async def test_an_address_is_ones_own_when_a_mail_was_read_there(post: Post) -> None:
    """By its code where one is logged in, by its link from anywhere; each once. Nobody is told before."""
    ada = await post.door.register("ada")
    await post.change(ada, "Ada@Example.org", language="de-AT")
    assert await ada.done("GET", MINE) == {"address": None, "pending": "Ada@example.org"}
    mail = post.server.messages[-1]
    assert (mail["To"], mail["Content-Language"]) == ("Ada@example.org", "de")
    assert "Hallo ada" in plain(mail)
    word = word_in(mail)
    answer = await post.door.client.post("/v1/emails/verify", json={"word": word})
    assert answer.status_code == 204, answer.text
    assert await ada.done("GET", MINE) == {"address": "Ada@example.org", "pending": None}
    again = await post.door.client.post("/v1/emails/verify", json={"word": word})
    assert again.status_code == 401
    bob = await post.verified("bob", "bob@example.org")
    assert (await bob.done("GET", MINE))["address"] == "bob@example.org"
    same = await ada.ask("PUT", MINE, json={"email": "ADA@EXAMPLE.ORG", "password": PASSWORD})
    assert same.status_code == 409


async def test_addresses_and_words_lie_nowhere_in_the_clear(post: Post) -> None:
    """Neither in their tables nor among the jobs, before they are sent or after."""
    ada = await post.door.register("ada")
    await ada.done("PUT", MINE, json={"email": "ada@example.org", "password": PASSWORD})
    rows = await post.door.database.fetch("SELECT payload::text FROM jobs WHERE kind = 'mail'")
    assert [sorted(json.loads(row[0])) for row in rows] == [["mail"]]
    await post.delivered()
    mail = post.server.messages[-1]
    for table in ("emails", "mails", "jobs", "idempotency_keys"):
        said = await post.door.database.fetch(f"SELECT t::text FROM {table} t")
        for text in ("example", "ada@", word_in(mail), code_in(mail)):
            assert not any(text in row[0] or text.encode().hex() in row[0] for row in said), table
    left = "SELECT count(*) FROM mails WHERE to_sealed IS NOT NULL OR sent_at IS NULL"
    assert await post.door.database.fetchval(left) == 0


async def test_a_code_is_guessed_five_times(post: Post) -> None:
    """Then the right one is wrong, too; somebody else's never fits; and it is good for an hour."""
    ada, bob = await post.door.register("ada"), await post.door.register("bob")
    await post.change(ada, "ada@example.org")
    right = code_in(post.server.messages[-1])
    await post.change(bob, "bob@example.org")
    assert (await bob.ask("POST", f"{MINE}/verify", json={"code": right})).status_code == 403
    wrong = f"{(int(right) + 1) % 1_000_000:06d}"
    for code in (*[wrong] * TRIES, right):
        assert (await ada.ask("POST", f"{MINE}/verify", json={"code": code})).status_code == 403
    assert (await ada.done("GET", MINE))["address"] is None
    await post.change(ada, "ada@example.org")
    post.door.clock.ahead_s += GOOD_S[Kind.verify] + 1
    ada.token = await post.door.token(ada.id)
    late = {"code": code_in(post.server.messages[-1])}
    assert (await ada.ask("POST", f"{MINE}/verify", json=late)).status_code == 403
    link = {"word": post.word()}
    assert (await post.door.client.post("/v1/emails/verify", json=link)).status_code == 401


async def test_the_address_before_is_told_and_opens_nothing(post: Post) -> None:
    """A change in force is told where one would read it who has not made it; a removal likewise."""
    ada = await post.verified("ada", "old@example.org")
    await post.forgot("old@example.org")
    await post.delivered()
    word = post.word()
    await post.change(ada, "new@example.org")
    assert (await ada.done("GET", MINE)) == {
        "address": "old@example.org",
        "pending": "new@example.org",
    }
    await ada.done("POST", f"{MINE}/verify", json={"code": code_in(post.server.messages[-1])})
    assert await post.delivered() == ["old@example.org: Your account has another address"]
    assert await post.reset(word) == 401
    assert (await post.forgot("old@example.org")).status_code == 204
    assert await post.delivered() == []
    await ada.done("POST", f"{MINE}/remove", json={"password": PASSWORD})
    assert await post.delivered() == ["new@example.org: Your address was removed"]
    assert await ada.done("GET", MINE) == {"address": None, "pending": None}


async def test_who_has_an_address_keeps_it_and_nobody_learns_that(post: Post) -> None:
    """Whoever wants it too is answered as ever; its owner is told. Of two who wait the first to verify has it."""
    await post.verified("ada", "ada@example.org")
    bob, carl = await post.door.register("bob"), await post.door.register("carl")
    await post.change(bob, "ADA@example.org")
    assert str(post.server.messages[-1]["Subject"]) == "You have an account already"
    assert await bob.done("GET", MINE) == {"address": None, "pending": "ADA@example.org"}
    await post.change(bob, "free@example.org")
    first = post.word()
    await post.change(carl, "FREE@example.org")
    second = post.word()
    answers = await asyncio.gather(
        *(post.door.client.post("/v1/emails/verify", json={"word": one}) for one in (first, second))
    )
    assert sorted(answer.status_code for answer in answers) == [204, 409]
    owners = "SELECT count(DISTINCT person_id) FROM emails WHERE verified_at IS NOT NULL"
    assert await post.door.database.fetchval(owners) == 2


async def test_an_access_token_alone_changes_no_address(post: Post) -> None:
    """The password is asked for, and the second factor; who has no password has just logged in."""
    ada = await post.door.register("ada")
    begun = await ada.done("POST", "/v1/me/second-factor", json={"password": PASSWORD})
    app = App(post.door, begun["secret"])
    await ada.done("POST", "/v1/me/second-factor/confirm", json={"code": app.code()})
    for body in (
        {},
        {"password": "wrong"},
        {"password": PASSWORD},
        {"password": PASSWORD, "code": "1"},
    ):
        wanted = {"email": "ada@example.org", **body}
        assert (await ada.ask("PUT", MINE, json=wanted)).status_code == 403, body
    await post.change(ada, "ada@example.org", code=app.next())
    assert post.server.recipients == ["ada@example.org"]
    guest = await post.door.someone()
    await guest.done("PUT", MINE, json={"email": "guest@example.org"})
    age = "UPDATE sessions SET created_at = now() - make_interval(secs => $2) WHERE person_id = $1"
    await post.door.database.execute(age, guest.id, float(RECENT_S + 5))
    late = await guest.ask("PUT", MINE, json={"email": "guest@example.org"})
    assert late.status_code == 403
    assert (await guest.ask("POST", f"{MINE}/remove", json={})).status_code == 403


async def test_a_new_password_ends_what_was_and_tells(post: Post) -> None:
    """Every session is over, the old password is none, the word is good once; a second factor is still asked for."""
    ada = await post.verified("ada", "ada@example.org")
    begun = await ada.done("POST", "/v1/me/second-factor", json={"password": PASSWORD})
    app = App(post.door, begun["secret"])
    await ada.done("POST", "/v1/me/second-factor/confirm", json={"code": app.code()})
    await post.forgot("ADA@example.org")
    assert await post.delivered() == ["ada@example.org: A new password"]
    word = post.word()
    assert await post.reset(word, "short") == 400
    assert await post.reset(word, "password123") == 400
    assert await post.reset(word) == 204
    await post.door.heard()
    assert (await ada.ask("GET", "/v1/me")).status_code == 401
    refresh = {"refresh_token": ada.refresh_token}
    answer = await post.door.client.post("/v1/sessions/refresh", json=refresh)
    assert answer.status_code == 401
    assert (await post.log_in("ada", PASSWORD)).status_code == 401
    assert (await post.log_in("ada", NEW_PASSWORD)).status_code == 202
    assert await post.delivered() == ["ada@example.org: Your password was changed"]
    assert await post.reset(word, "yet another passphrase") == 401


async def test_of_many_who_use_one_word_at_once_one_does(post: Post) -> None:
    """And the password is that one's."""
    await post.verified("ada", "ada@example.org")
    await post.forgot("ada@example.org")
    await post.delivered()
    word = post.word()
    wanted = [f"{NEW_PASSWORD} {n}" for n in range(8)]
    statuses = await asyncio.gather(*(post.reset(word, one) for one in wanted))
    assert sorted(statuses) == [204] + [401] * 7
    entered = [(await post.log_in("ada", one)).status_code for one in wanted]
    assert [n for n, status in enumerate(entered) if status == 201] == [statuses.index(204)]


async def test_words_are_good_for_their_time_their_kind_and_their_password(post: Post) -> None:
    """Too old, for something else, made up, or from before the password was changed."""
    ada = await post.verified("ada", "ada@example.org")
    await post.change(ada, "next@example.org")
    verify = post.word()
    await post.forgot("ada@example.org")
    await post.delivered()
    reset = post.word()
    for word in (verify, reset[:-2] + "AA", "mml_" + "A" * 54, "", "x" * 100):
        assert await post.reset(word) == 401, word
    answer = await post.door.client.post("/v1/emails/verify", json={"word": reset})
    assert answer.status_code == 401
    changed = {"password": PASSWORD, "new_password": NEW_PASSWORD}
    await ada.done("PUT", "/v1/me/password", json=changed)
    assert await post.reset(reset) == 401
    answer = await post.door.client.post("/v1/emails/verify", json={"word": verify})
    assert answer.status_code == 401
    await post.forgot("ada@example.org")
    await post.delivered()
    post.door.clock.ahead_s += GOOD_S[Kind.reset] + 1
    assert await post.reset(post.word()) == 401


async def test_asking_for_a_new_password_tells_nothing(post: Post) -> None:
    """The same answer and the same row, whoever it is; a mail goes where somebody has verified, and is not banned."""
    await post.verified("ada", "ada@example.org")
    bob = await post.door.register("bob")
    await bob.done("PUT", MINE, json={"email": "waits@example.org", "password": PASSWORD})
    carl = await post.verified("carl", "carl@example.org")
    admin = await post.door.someone(role=ServiceRole.admin)
    await admin.done("PUT", f"/v1/people/{carl.id}/ban")
    await post.delivered()
    asked = ("ada@example.org", "nobody@example.org", "waits@example.org", "carl@example.org")
    seen = []
    for address in asked:
        answer = await post.forgot(address)
        row = await post.door.database.fetchrow(
            "SELECT kind, language, person_id, email_id, length(to_sealed) - length($1), length(word_hash),"
            " password_no, sent_at, (SELECT count(*) FROM jobs WHERE kind = 'mail')"
            " FROM mails ORDER BY made_at DESC LIMIT 1",
            address,
        )
        assert row is not None
        seen.append((answer.status_code, answer.content, *tuple(row)[:-1]))
    assert len(set(seen)) == 1, seen
    assert await post.delivered() == ["ada@example.org: A new password"]
    assert await post.door.database.fetchval("SELECT count(*) FROM mails WHERE kind = 'reset'") == 1
    for bad in ("nobody", "a@b", "ada@example.org\r\nBcc: x@example.org"):
        assert (await post.forgot(bad)).status_code == 400


async def test_a_mailbox_is_not_flooded(post: Post) -> None:
    """So many mails to an address, whoever asks, and so many for a person, to whatever addresses."""
    await post.verified("ada", "ada@example.org")
    for _ in range(ADDRESS_HOUR + 3):
        assert (await post.forgot("ada@example.org")).status_code == 204
    assert len(await post.delivered()) == ADDRESS_HOUR
    bob = await post.door.register("bob")
    for _ in range(ADDRESS_HOUR + 3):  # a stranger, lest it ever be verified
        assert (await post.forgot("b0@example.org")).status_code == 204
    statuses = []
    for n in range(PERSON_HOUR + 2):
        body = {"email": f"b{n}@example.org", "password": PASSWORD}
        statuses.append((await bob.ask("PUT", MINE, json=body)).status_code)
    assert statuses == [204] * PERSON_HOUR + [429] * 2
    assert (await bob.done("GET", MINE))["pending"] == f"b{PERSON_HOUR - 1}@example.org"


async def test_a_mail_is_tried_again_and_is_the_same_mail(post: Post) -> None:
    """Greylisted, or taken and the answer lost: later, with the same Message-ID and word."""
    await post.verified("ada", "ada@example.org")
    await post.forgot("ada@example.org")
    post.server.rcpt_says = ["451 greylisted, ada@example.org"]
    assert await post.delivered() == []
    post.server.lost = 1
    again = "UPDATE jobs SET next_at = now() WHERE kind = 'mail' RETURNING attempts"
    assert await post.door.database.fetchval(again) == 1
    await post.delivered()
    assert await post.door.database.fetchval(again) == 2
    await post.delivered()
    first, second = post.server.messages[-2:]
    assert (first["Message-ID"], word_in(first)) == (second["Message-ID"], word_in(second))
    assert await post.door.database.fetchval("SELECT count(*) FROM jobs WHERE kind = 'mail'") == 0
    assert await post.reset(word_in(first)) == 204
    count = post.door.counted
    assert (
        count("muster_mails_total", outcome="later"),
        count("muster_mails_total", outcome="sent"),
    ) == (2, 2)


async def test_what_is_never_taken_is_written_down(
    post: Post, capfd: pytest.CaptureFixture[str]
) -> None:
    """Once, with the server's code and nothing else; nobody's address is left, nor in a log."""
    ada = await post.door.register("ada")
    post.server.rcpt_says = ["550 5.1.1 ada@example.org unknown"]
    await post.change(ada, "ada@example.org")
    row = await post.door.database.fetchrow("SELECT failure, to_sealed, sent_at FROM mails")
    assert row is not None
    assert tuple(row) == ("550", None, None)
    assert await post.door.database.fetchval("SELECT count(*) FROM jobs WHERE kind = 'mail'") == 0
    assert post.door.counted("muster_mails_total", outcome="refused") == 1
    told = "".join(capfd.readouterr())
    assert "mail given up" in told
    assert "example.org" not in told


async def test_a_server_without_mail_says_so(door: Door) -> None:
    """And what would be told by mail is given up, not kept for ever."""
    ada = await door.register("ada")
    wanted = {"email": "ada@example.org", "password": PASSWORD}
    assert (await ada.ask("PUT", MINE, json=wanted)).status_code == 409
    answer = await door.client.post(RESETS, json={"email": "ada@example.org"})
    assert answer.status_code == 409
    options = (await door.client.get("/v1/login-options")).json()
    assert options == {"services": [], "password_reset": False}
