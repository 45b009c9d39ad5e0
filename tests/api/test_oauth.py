"""Logging in by other services, as apps and browsers see it, against a provider that checks what providers check."""

import asyncio
import base64
import hashlib
import json
import random
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from cryptography.hazmat.primitives import serialization
from prometheus_client import CollectorRegistry

from api.assembly import sending
from muster.clock import SystemClock
from muster.jobs import JobMetrics
from muster.oauth_flow import CODE_S, WITHIN_S
from muster.permission import ServiceRole
from tests.api.door import PASSWORD, Someone
from tests.api.opening import open_door
from tests.api.test_emails import NEW_PASSWORD, Post
from tests.api.test_second_factor import App
from tests.fakes.openid_provider import CLIENT, SECRET, OpenIdProvider, openid_provider, query_of
from tests.fixtures.mailserver import mail_server
from tests.muster.test_foreign import ec_key, rsa_key

API = "https://api.muster.example"
APP = "com.example.events:/login?from=muster"
VERIFIED = {"email": "Ada@Example.org", "email_verified": True}


def services(issuer: str, other: str, p8: Path) -> str:
    """As an operator writes them: one of each kind, all of them the test's."""
    github = {
        "authorize_url": f"{issuer}/authorize",
        "token_url": f"{issuer}/token",
        "user_url": f"{issuer}/user",
        "emails_url": f"{issuer}/user/emails",
    }
    client = {"client_id": CLIENT, "client_secret": SECRET}
    apple = {"client_id": CLIENT, "team_id": "TEAM1", "key_id": "KEY1", "key_file": str(p8)}
    # An issuer stands in a list once, and here all are one machine: its names differ.
    local = issuer.replace("127.0.0.1", "localhost")
    return json.dumps(
        [
            {"name": "acme", "title": "Acme", "issuer": issuer, "trusts_email": True, **client},
            {"name": "other", "issuer": other, **client},
            {"name": "apple", **apple, "issuer": local},
            {"name": "github", **client, **github},
        ]
    )


class Journey(Post):
    """An app, a browser and a provider. The provider's clock is the door's."""

    provider: OpenIdProvider
    other: OpenIdProvider

    async def begin(
        self, name: str = "acme", one: Someone | None = None, **more: Any
    ) -> tuple[str, str]:
        """The address to open, and the app's verifier."""
        verifier = secrets.token_urlsafe(48)
        digest = hashlib.sha256(verifier.encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        body = {"challenge": challenge, "redirect": APP, **more}
        if one is None:
            answer = await self.door.client.post(f"/v1/oauth/{name}/begin", json=body)
        else:
            answer = await one.ask("POST", f"/v1/me/oauth/{name}/begin", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()["url"], verifier

    async def browse(self, url: str) -> str:
        """Log in over there; whither the browser is sent back."""
        async with httpx.AsyncClient() as browser:
            answer = await browser.get(url)
        assert answer.status_code == 302, answer.text
        return answer.headers["location"]

    async def back(self, url: str) -> httpx.Response:
        """The browser comes back to us."""
        assert url.startswith(API)
        return await self.door.client.get(url.removeprefix(API))

    async def code(
        self, name: str = "acme", one: Someone | None = None, **more: Any
    ) -> tuple[str, str]:
        """All of it until the app has the code, and the app's verifier."""
        url, verifier = await self.begin(name, one, **more)
        answer = await self.back(await self.browse(url))
        assert answer.status_code == 303, answer.text
        assert answer.headers["location"].startswith(f"{APP}&code="), answer.headers["location"]
        return query_of(answer.headers["location"])["code"], verifier

    async def end(self, code: str, verifier: str) -> httpx.Response:
        body = {"code": code, "verifier": verifier, "install": "phone"}
        return await self.door.client.post("/v1/oauth/complete", json=body)

    async def entered(self, name: str = "acme") -> Someone:
        """Somebody who came in by a service."""
        answer = await self.end(*await self.code(name))
        assert answer.status_code == 201, answer.text
        grant = answer.json()
        return Someone(
            self.door, grant["person"], "", grant["access_token"], grant["refresh_token"]
        )

    async def failed(self) -> str:
        """What the app is told of a login that comes to nothing."""
        url, _ = await self.begin()
        answer = await self.back(await self.browse(url))
        assert answer.status_code == 303, answer.text
        assert await self.count("people") == 0
        return query_of(answer.headers["location"])["error"]

    async def count(self, table: str) -> int:
        counted: int = await self.door.database.fetchval(f"SELECT count(*) FROM {table}")
        return counted


@pytest_asyncio.fixture
async def journey(database_url: str, redis_url: str, tmp_path: Path) -> AsyncIterator[Journey]:
    p8 = tmp_path / "AuthKey_KEY1.p8"
    p8.write_bytes(
        ec_key().private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    async with (
        openid_provider(SystemClock()) as provider,
        openid_provider(SystemClock()) as other,
        mail_server() as server,
    ):
        changed: dict[str, Any] = {
            "oauth": services(provider.issuer, other.issuer, p8),
            "oauth_redirects": (APP, "https://app.example.org/done"),
        }
        async with open_door(
            database_url, redis_url, **server.settings(public_url=API), **changed
        ) as door:
            names = ("acme", "other", "apple", "github")
            for one in (provider, other):
                one.callbacks = {f"{API}/v1/oauth/callback/{name}" for name in names}
                one.clock = door.clock
            runner = sending(door.ground, random.Random(1), JobMetrics(CollectorRegistry()))
            journey = Journey(door, server, runner)
            journey.provider, journey.other = provider, other
            yield journey


async def test_somebody_comes_in_and_is_the_same_the_next_time(journey: Journey) -> None:
    """Handle and name as the service says, the address verified at once; the session is like any other."""
    journey.provider.claims |= {"preferred_username": "ada", "name": "Ada L.", **VERIFIED}
    ada = await journey.entered()
    me = await ada.done("GET", "/v1/me")
    assert (me["handle"], me["name"]) == ("ada", "Ada L.")
    assert (await ada.done("GET", "/v1/me/email"))["address"] == "Ada@example.org"
    linked = (await ada.done("GET", "/v1/me/oauth"))["services"]
    assert [(one["name"], one["title"]) for one in linked] == [("acme", "Acme")]
    refreshed = {"refresh_token": ada.refresh_token}
    answer = await journey.door.client.post("/v1/sessions/refresh", json=refreshed)
    assert answer.status_code == 200
    assert (await journey.entered()).id == str(ada.id)
    options = (await journey.door.client.get("/v1/login-options")).json()
    assert options["password_reset"] is True
    assert [one["name"] for one in options["services"]] == ["acme", "other", "apple", "github"]
    assert journey.provider.refused == []


async def test_an_address_becomes_no_handle(journey: Journey) -> None:
    """What all may see is never made of what is one's own."""
    journey.provider.claims |= VERIFIED
    ada = await journey.entered()
    me = await ada.done("GET", "/v1/me")
    assert "ada" not in (me["handle"] + me["name"]).lower()


async def test_state_and_code_are_good_once(journey: Journey) -> None:
    """Replayed, for another service, too late, or made up."""
    url, verifier = await journey.begin()
    back = await journey.browse(url)
    other = back.replace("/callback/acme", "/callback/other")
    assert (await journey.back(other)).status_code == 401
    answer = await journey.back(back)
    assert answer.status_code == 303
    asked = journey.provider.tokens
    assert (await journey.back(back)).status_code == 401
    assert journey.provider.tokens == asked  # nobody is asked for what is not good
    code = query_of(answer.headers["location"])["code"]
    answers = await asyncio.gather(*(journey.end(code, verifier) for _ in range(5)))
    assert sorted(one.status_code for one in answers) == [201] + [401] * 4
    for made_up in ("", "x", "A" * 43):
        url = f"{API}/v1/oauth/callback/acme?code=x&state={made_up}"
        assert (await journey.back(url)).status_code == 401
        assert (await journey.end(made_up, verifier)).status_code == 401
    late = "UPDATE oauth_flows SET expires_at = expires_at - make_interval(secs => $1)"
    url, verifier = await journey.begin()
    back = await journey.browse(url)
    await journey.door.database.execute(late, float(WITHIN_S + 1))
    assert (await journey.back(back)).status_code == 401
    code, verifier = await journey.code()
    await journey.door.database.execute(late, float(CODE_S + 1))
    assert (await journey.end(code, verifier)).status_code == 401


async def test_a_stolen_code_is_worth_nothing(journey: Journey) -> None:
    """Whoever has not the verifier uses it up, whichever they try; nobody is made of it."""
    for verifier in ("", "x" * 43, secrets.token_urlsafe(48)):
        code, right = await journey.code()
        assert (await journey.end(code, verifier)).status_code == 401
        assert (await journey.end(code, right)).status_code == 401
    assert await journey.count("people") == 0
    for challenge in ("", "x", "=" * 43, "é" * 43):
        body = {"challenge": challenge, "redirect": APP}
        answer = await journey.door.client.post("/v1/oauth/acme/begin", json=body)
        assert answer.status_code == 400


async def test_a_browser_goes_nowhere_but_where_it_may(journey: Journey) -> None:
    """To the letter: nothing before, behind or beside."""
    for redirect in (
        "",
        "com.example.events:/login",
        f"{APP}&more=1",
        f"{APP}#x",
        APP.upper(),
        "https://app.example.org/done/",
        "https://app.example.org/done/../else",
        "https://app.example.org.evil.example/done",
        "https://app.example.org@evil.example/done",
        "//app.example.org/done",
        "javascript:alert(1)",
        "https://evil.example/",
    ):
        body = {"challenge": "A" * 43, "redirect": redirect}
        answer = await journey.door.client.post("/v1/oauth/acme/begin", json=body)
        assert answer.status_code == 400, redirect
    assert await journey.count("oauth_flows") == 0
    for good in ("https://app.example.org/done", f"{API}/app"):
        body = {"challenge": "A" * 43, "redirect": good}
        answer = await journey.door.client.post("/v1/oauth/acme/begin", json=body)
        assert answer.status_code == 200, answer.text


async def test_id_tokens_are_believed_for_one_reason(journey: Journey) -> None:
    """Signed by the provider, for us, just now, for this login: anything else makes nobody."""
    provider = journey.provider
    spoilt: list[dict[str, Any]] = [
        {"nonce": "another"},
        {"nonce": None},
        {"nonce": ["x"]},
        {"aud": "else"},
        {"aud": [CLIENT, "else"]},
        {"azp": "else"},
        {"iss": "https://evil.example"},
        {"exp": 1_000},
        {"exp": None},
        {"iat": 1_000},
        {"sub": None},
        {"sub": ""},
        {"sub": "x" * 256},
        {"sub": "a\u202eb"},
    ]
    for spoil in spoilt:
        provider.spoil = spoil
        assert await journey.failed() == "service_error", spoil
    provider.spoil = {}
    keys: list[tuple[str, Any, dict[str, Any]]] = [
        ("RS256", rsa_key("evil"), {}),
        ("RS256", rsa_key("evil"), {"kid": "unknown"}),
        ("RS256", rsa_key("evil"), {"jku": "https://evil.example/keys"}),
        ("ES256", ec_key(), {}),
        ("HS256", "public key as a secret, which is long enough", {}),
        ("none", "", {}),
    ]
    for provider.algorithm, provider.key, provider.header in keys:
        assert await journey.failed() == "service_error", provider.algorithm


async def test_what_a_service_answers_is_told_the_app(journey: Journey) -> None:
    """A refusal over there, a code that is not theirs, another service's answer; the state is used up by each."""
    for query, error in (
        ({"error": "access_denied"}, "access_denied"),
        ({"error": "<script>"}, "service_error"),
        ({"code": "not theirs"}, "service_error"),
        ({"code": "x", "iss": "https://evil.example"}, "service_error"),
        ({}, "service_error"),
    ):
        url, _ = await journey.begin()
        state = query_of(url)["state"]
        path = "/v1/oauth/callback/acme"
        answer = await journey.door.client.get(path, params={"state": state, **query})
        assert answer.headers["location"] == f"{APP}&error={error}"
        assert answer.headers["referrer-policy"] == "no-referrer"
        again = await journey.door.client.get(path, params={"state": state, "code": "x"})
        assert again.status_code == 401


async def test_a_service_that_is_away_or_not_itself_is_unavailable(journey: Journey) -> None:
    """And one that would lead us inside is not followed."""
    body = {"challenge": "A" * 43, "redirect": APP}
    journey.provider.away = True
    answer = await journey.door.client.post("/v1/oauth/acme/begin", json=body)
    assert answer.status_code == 503
    journey.provider.away = False
    journey.provider.document = {"issuer": "https://evil.example"}
    answer = await journey.door.client.post("/v1/oauth/acme/begin", json=body)
    assert answer.status_code == 503
    journey.provider.document = {"token_endpoint": "http://10.0.0.1/token"}
    url, _ = await journey.begin()
    answer = await journey.back(await journey.browse(url))
    assert query_of(answer.headers["location"])["error"] == "service_error"
    assert (await journey.door.client.post("/v1/oauth/nobody/begin", json=body)).status_code == 404


async def test_an_address_joins_only_what_is_verified_on_both_sides(journey: Journey) -> None:
    """The owner of a verified address comes in, and is told. By one that waits, or was only said, nobody does."""
    ada = await journey.verified("ada", "ada@example.org")
    bob = await journey.door.register("bob")
    await journey.change(bob, "bob@example.org")
    provider = journey.provider
    for sub, claims in (
        ("not-verified", {"email": "ada@example.org", "email_verified": False}),
        ("not-said", {"email": "ada@example.org"}),
        ("as-a-word", {"email": "ada@example.org", "email_verified": "yes"}),
        ("waits", {"email": "bob@example.org", "email_verified": True}),
    ):
        provider.claims = {"sub": sub, **claims}
        stranger = await journey.entered()
        assert str(stranger.id) not in (str(ada.id), str(bob.id)), sub
    provider.claims = {"sub": "u-9", **VERIFIED}
    journey.other.claims = provider.claims
    elsewhere = await journey.entered("other")  # a service that is not trusted with addresses
    assert str(elsewhere.id) != str(ada.id)
    assert (await elsewhere.done("GET", "/v1/me/email"))["address"] is None
    await journey.delivered()
    assert str((await journey.entered()).id) == str(ada.id)
    assert await journey.delivered() == ["ada@example.org: Another way to log in"]
    provider.claims = {"sub": "u-10", **VERIFIED}
    assert (await journey.end(*await journey.code())).status_code == 409  # one of a service


async def test_staff_are_joined_to_nothing_by_an_address(journey: Journey) -> None:
    """They log in and link by themselves."""
    admin = await journey.door.someone(role=ServiceRole.admin)
    await admin.done("PUT", "/v1/me/email", json={"email": "ada@example.org"})
    await journey.delivered()
    await journey.door.database.execute("UPDATE emails SET verified_at = now()")
    journey.provider.claims |= VERIFIED
    assert (await journey.end(*await journey.code())).status_code == 409
    assert await journey.count("externals") == 0


async def test_a_second_factor_is_asked_for_whichever_way_one_comes(journey: Journey) -> None:
    """The service stands for the password and for nothing else; who is banned comes in by no door."""
    ada = await journey.verified("ada", "ada@example.org")
    begun = await ada.done("POST", "/v1/me/second-factor", json={"password": PASSWORD})
    app = App(journey.door, begun["secret"])
    await ada.done("POST", "/v1/me/second-factor/confirm", json={"code": app.code()})
    journey.provider.claims |= VERIFIED
    halfway = await journey.end(*await journey.code())
    assert halfway.status_code == 202, halfway.text
    body = {"mfa_token": halfway.json()["mfa_token"], "code": app.next(), "install": "phone"}
    entered = await journey.door.client.post("/v1/sessions/second-step", json=body)
    assert entered.status_code == 201
    admin = await journey.door.someone(role=ServiceRole.admin)
    await admin.done("PUT", f"/v1/people/{ada.id}/ban")
    assert (await journey.end(*await journey.code())).status_code == 403


async def test_linking_is_for_who_is_logged_in_and_proves_it(journey: Journey) -> None:
    """By the session that asked; what is somebody's, or a second of one service, is refused."""
    ada, bob = await journey.door.register("ada"), await journey.door.register("bob")
    wanted = {"challenge": "A" * 43, "redirect": APP}
    for body in (wanted, {**wanted, "password": "wrong"}):
        answer = await ada.ask("POST", "/v1/me/oauth/acme/begin", json=body)
        assert answer.status_code == 403
    path, proof = "/v1/me/oauth/complete", {"password": PASSWORD}
    code, verifier = await journey.code("acme", ada, **proof)
    body = {"code": code, "verifier": verifier}
    assert (await journey.end(code, verifier)).status_code == 401  # it lets nobody in
    for other in (bob, await journey.door.log_in("ada", "another")):
        code, verifier = await journey.code("acme", ada, **proof)
        body = {"code": code, "verifier": verifier}
        assert (await other.ask("POST", path, json=body)).status_code == 401
    code, verifier = await journey.code()
    body = {"code": code, "verifier": verifier}
    assert (await ada.ask("POST", path, json=body)).status_code == 401  # it was for a login
    code, verifier = await journey.code("acme", ada, **proof)
    await ada.done("POST", path, json={"code": code, "verifier": verifier})
    assert str((await journey.entered()).id) == str(ada.id)
    code, verifier = await journey.code("acme", bob, **proof)
    taken = await bob.ask("POST", path, json={"code": code, "verifier": verifier})
    assert taken.status_code == 409
    journey.provider.claims = {"sub": "u-2"}
    code, verifier = await journey.code("acme", ada, **proof)
    second = await ada.ask("POST", path, json={"code": code, "verifier": verifier})
    assert second.status_code == 409


async def test_the_last_way_in_stays(journey: Journey) -> None:
    """Unlinking is refused until there is a password or another service; two at once leave one."""
    ada = await journey.entered()
    path = "/v1/me/oauth/acme/unlink"
    assert (await ada.ask("POST", path, json={})).status_code == 409
    code, verifier = await journey.code("github", ada)
    await ada.done("POST", "/v1/me/oauth/complete", json={"code": code, "verifier": verifier})
    answers = await asyncio.gather(
        *(ada.ask("POST", f"/v1/me/oauth/{name}/unlink", json={}) for name in ("acme", "github"))
    )
    assert sorted(one.status_code for one in answers) == [204, 409]
    left = (await ada.done("GET", "/v1/me/oauth"))["services"]
    assert len(left) == 1
    await ada.done("PUT", "/v1/me/email", json={"email": "ada@example.org"})
    await journey.delivered()
    link = {"word": journey.word()}
    assert (await journey.door.client.post("/v1/emails/verify", json=link)).status_code == 204
    await journey.forgot("ada@example.org")
    await journey.delivered()
    assert await journey.reset(journey.word()) == 204
    handle = (await journey.door.database.fetchval("SELECT handle FROM people")) or ""
    entered = await journey.log_in(handle, NEW_PASSWORD)
    assert entered.status_code == 201
    ada = Someone(journey.door, ada.id, handle, entered.json()["access_token"])
    gone = f"/v1/me/oauth/{left[0]['name']}/unlink"
    assert (
        await ada.ask("POST", gone, json={})
    ).status_code == 403  # the password is asked for now
    await ada.done("POST", gone, json={"password": NEW_PASSWORD})
    assert (await ada.ask("POST", gone, json={"password": NEW_PASSWORD})).status_code == 404


async def test_apple_posts_a_form_and_takes_a_signed_secret(journey: Journey) -> None:
    """ES256 by the team's key; the name comes once, beside the code; a form that is none is refused."""
    provider = journey.provider
    provider.apple, provider.methods = True, ["client_secret_post"]
    provider.issuer = provider.issuer.replace("127.0.0.1", "localhost")
    provider.claims |= {"email": "ada@example.org", "email_verified": "true"}
    url, verifier = await journey.begin("apple")
    assert query_of(url)["response_mode"] == "form_post"
    async with httpx.AsyncClient() as browser:
        form = (await browser.get(url)).json()
    path = "/v1/oauth/callback/apple"
    post = journey.door.client.post
    for wrong in (
        {"json": form},
        {
            "content": b"state=a&state=b",
            "headers": {"Content-Type": "application/x-www-form-urlencoded"},
        },
        {"data": {"state": "x" * 200}},
        {"data": {"state": "x", "pad": "x" * 20_000}},
        {"data": {"state": "\x00\ud7ff"}},
    ):
        assert (await post(path, **wrong)).status_code in (400, 401, 413), wrong
    form["user"] = json.dumps({"name": {"firstName": "Ada", "lastName": "L."}})
    answer = await post(path, data=form)
    assert answer.status_code == 303, answer.text
    done = await journey.end(query_of(answer.headers["location"])["code"], verifier)
    assert done.status_code == 201, (done.text, provider.refused)
    ada = Someone(journey.door, done.json()["person"], "", done.json()["access_token"])
    assert (await ada.done("GET", "/v1/me"))["name"] == "Ada L."
    assert (await ada.done("GET", "/v1/me/email"))["address"] == "ada@example.org"
    assert (await post(path, data=form)).status_code == 401


async def test_github_is_asked_who_it_is(journey: Journey) -> None:
    """By number, for names change hands; the primary address if it is verified; an error of status 200 is one."""
    provider = journey.provider
    provider.emails = [
        {"email": "old@example.org", "verified": True, "primary": False},
        {"email": "octo@example.org", "verified": False, "primary": True},
    ]
    octo = await journey.entered("github")
    assert (await octo.done("GET", "/v1/me"))["handle"] == "octo"
    assert (await octo.done("GET", "/v1/me/email"))["address"] is None
    provider.user = {"id": 2, "login": "octo", "name": "Another"}
    provider.emails = [{"email": "new@example.org", "verified": True, "primary": True}]
    another = await journey.entered("github")
    assert another.id != octo.id
    assert (await another.done("GET", "/v1/me/email"))["address"] == "new@example.org"
    provider.apple = True  # errors with status 200; and the secret is none that it takes
    url, _ = await journey.begin("github")
    answer = await journey.back(await journey.browse(url))
    assert query_of(answer.headers["location"])["error"] == "service_error"
    anything: list[Any] = [{"login": "octo"}, {"id": True}, {"id": "1"}, []]
    for user in anything:
        provider.apple, provider.user = False, user
        url, _ = await journey.begin("github")
        answer = await journey.back(await journey.browse(url))
        assert query_of(answer.headers["location"])["error"] == "service_error", user


async def test_nothing_of_a_login_lies_in_the_clear(
    journey: Journey, capfd: pytest.CaptureFixture[str]
) -> None:
    """Neither what the service said, nor a word of the way there and back; nor in a log."""
    journey.provider.claims |= {"name": "Ada Lovelace", **VERIFIED}
    url, verifier = await journey.begin()
    back = await journey.browse(url)
    answer = await journey.back(back)
    code = query_of(answer.headers["location"])["code"]
    rows = await journey.door.database.fetch("SELECT f::text FROM oauth_flows f")
    told = "".join([row[0] for row in rows] + list(capfd.readouterr()))
    words = [query_of(url)["state"], query_of(url)["nonce"], query_of(back)["code"], code, verifier]
    for word in (*words, "Lovelace", "ada@", SECRET):
        assert word not in told
        assert word.encode().hex() not in told
