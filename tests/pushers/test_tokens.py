"""Tokens with which a provider knows us: made seldom, by one, used by all; what happens when they cannot be made."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from muster.clock import SystemClock
from muster.services.certificate import development_certificate
from muster.token_shelf import OwnShelf, Shelved, TokenShelf, Unreachable
from pushers.apns_token import BadKey, provider_tokens, read_key
from pushers.fcm_token import access_tokens, read_account
from pushers.minting import RETRY_S, Account, Minted, Tokens, Unminted

ACCOUNT = Account("apns:T:K", life_s=3_000.0, grace_s=300.0, least_age_s=1_200.0)
RSA_KEY = rsa.generate_private_key(65537, 2048)


class Clock(SystemClock):
    """Stands until it is moved."""

    now_s = 1_000.0

    def now_ms(self) -> int:
        return int(self.now_s * 1000)

    def monotonic(self) -> float:
        return self.now_s


class Away(OwnShelf):
    """A shelf that does not answer."""

    async def get(self, name: str) -> Shelved | None:
        raise Unreachable

    async def put(self, name: str, token: str, for_s: float) -> Shelved:
        raise Unreachable

    async def drop(self, name: str, token: str) -> None:
        raise Unreachable


class Maker:
    """Makes numbered tokens, or fails as it is told; waits to be let go first."""

    def __init__(self) -> None:
        self.made = 0
        self.fails: Unminted | None = None
        self.go = asyncio.Event()
        self.go.set()

    async def __call__(self) -> Minted:
        await self.go.wait()
        self.made += 1
        if self.fails is not None:
            raise self.fails
        return Minted(f"token {self.made}", 3_000.0)


def tokens_of(maker: Maker, clock: Clock, shelf: TokenShelf | None = None) -> Tokens:
    """Of a process of its own, unless it shares a shelf."""
    return Tokens(ACCOUNT, maker, shelf or OwnShelf(clock), clock)


async def test_one_is_made_however_many_wait() -> None:
    """And used until it is to be renewed; then one more is made."""
    maker, clock = Maker(), Clock()
    tokens = tokens_of(maker, clock)
    maker.go.clear()
    async with asyncio.TaskGroup() as tasks:
        asking = [tasks.create_task(tokens.token()) for _ in range(100)]
        await asyncio.sleep(0)
        maker.go.set()
    assert {each.result() for each in asking} == {"token 1"}
    clock.now_s += 2_999
    assert (await tokens.token(), tokens.age_s) == ("token 1", 2_999)
    clock.now_s += 1
    assert await asyncio.gather(*(tokens.token() for _ in range(5))) == ["token 2"] * 5


async def test_processes_share_one_by_the_shelf() -> None:
    """Whoever comes second takes it, with the age it has."""
    clock = Clock()
    shelf = OwnShelf(clock)
    makers = [Maker() for _ in range(5)]
    first = tokens_of(makers[0], clock, shelf)
    assert await first.token() == "token 1"
    clock.now_s += 1_000
    others = [tokens_of(maker, clock, shelf) for maker in makers[1:]]
    assert {await other.token() for other in others} == {"token 1"}
    assert [maker.made for maker in makers] == [1, 0, 0, 0, 0]
    assert others[0].age_s == 1_000


async def test_without_a_shelf_each_has_its_own() -> None:
    """Redis away is no reason not to ring."""
    maker, clock = Maker(), Clock()
    tokens = tokens_of(maker, clock, Away(clock))
    maker.go.clear()
    async with asyncio.TaskGroup() as tasks:
        asking = [tasks.create_task(tokens.token()) for _ in range(20)]
        await asyncio.sleep(0)
        maker.go.set()
    assert {each.result() for each in asking} == {"token 1"}
    clock.now_s += 1_300
    assert await tokens.refused("token 1")
    assert await tokens.token() == "token 2"


async def test_a_token_that_was_refused_is_given_up_once_and_not_when_it_is_new() -> None:
    """100 refusals at once are one new token; a new one that is refused too stays, since the fault lies elsewhere."""
    maker, clock = Maker(), Clock()
    shelf = OwnShelf(clock)
    tokens = tokens_of(maker, clock, shelf)
    assert await tokens.token() == "token 1"
    assert not await tokens.refused("token 1")
    clock.now_s += 1_200
    assert all(await asyncio.gather(*(tokens.refused("token 1") for _ in range(100))))
    assert set(await asyncio.gather(*(tokens.token() for _ in range(100)))) == {"token 2"}
    assert await tokens.refused("token 1")
    assert not await tokens.refused("token 2")
    assert (await shelf.get(ACCOUNT.name) or Shelved("", 0)).token == "token 2"
    assert maker.made == 2


async def test_one_that_cannot_be_renewed_serves_on_until_it_is_over() -> None:
    """A failure answers all who wait, and nobody tries again at once."""
    maker, clock = Maker(), Clock()
    tokens = tokens_of(maker, clock)
    await tokens.token()
    maker.fails = Unminted("away", fault=False)
    clock.now_s += 3_000
    assert await asyncio.gather(*(tokens.token() for _ in range(50))) == ["token 1"] * 50
    assert maker.made == 2
    clock.now_s += 300
    for attempt in range(3):
        for _ in range(50):
            with pytest.raises(Unminted, match="away"):
                await tokens.token()
        assert maker.made == 3 + attempt
        clock.now_s += RETRY_S
    maker.fails = None
    assert await tokens.token() == "token 6"


async def test_apples_token_says_who_we_are() -> None:
    """ES256, with kid, iss and iat, and verifies with the public key."""
    key, clock = ec.generate_private_key(ec.SECP256R1()), Clock()
    tokens = provider_tokens("TEAM123456", "KEY1234567", key, OwnShelf(clock), clock)
    token = await tokens.token()
    assert jwt.get_unverified_header(token) == {"alg": "ES256", "kid": "KEY1234567", "typ": "JWT"}
    said = jwt.decode(token, key.public_key(), algorithms=["ES256"])
    assert said == {"iss": "TEAM123456", "iat": 1_000}


def pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    """As the providers hand keys out."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def test_a_wrong_key_is_told_in_a_sentence() -> None:
    """At start, not at the first push."""
    assert isinstance(read_key(pem(ec.generate_private_key(ec.SECP256R1()))).curve, ec.SECP256R1)
    for bad in (b"", b"nonsense", pem(RSA_KEY), pem(ec.generate_private_key(ec.SECP384R1()))):
        with pytest.raises(BadKey, match="an APNs key is"):
            read_key(bad)
    assert read_account(account()).project_id == "muster-test"
    for bad in (b"", b"[]", b"{}", account(private_key="x"), account(token_uri="http://a"),
                account(private_key=pem(ec.generate_private_key(ec.SECP256R1())).decode())):  # fmt: skip
        with pytest.raises(BadKey):
            read_account(bad)


def account(**changed: str) -> bytes:
    """A service account's file."""
    return json.dumps(
        {
            "type": "service_account",
            "project_id": "muster-test",
            "private_key_id": "k1",
            "private_key": pem(RSA_KEY).decode(),
            "client_email": "push@muster-test.iam.gserviceaccount.com",
            **changed,
        }
    ).encode()


Endpoint = Callable[[dict[str, str]], bytes]


@asynccontextmanager
async def endpoint(
    directory: Path, answer: bytes
) -> AsyncIterator[tuple[str, ssl.SSLContext, list[bytes]]]:
    """A token endpoint over HTTP/1.1 and TLS that always says the same; what it was asked."""
    certificate, key = development_certificate(directory, "127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    asked: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        size = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        asked.append(await reader.readexactly(size))
        writer.write(answer)
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    async with server:
        yield (
            f"https://127.0.0.1:{port}/token",
            ssl.create_default_context(cafile=certificate),
            asked,
        )


def http(status: str, body: bytes) -> bytes:
    """An answer, whole."""
    return b"HTTP/1.1 %s\r\ncontent-length: %d\r\n\r\n%s" % (status.encode(), len(body), body)


async def test_googles_token_is_had_for_a_signed_assertion(tmp_path: Path) -> None:
    """RS256, with scope and audience, and renewed five minutes before it is over."""
    clock = Clock()
    answer = http("200 OK", b'{"access_token":"ya29.x","expires_in":3599,"token_type":"Bearer"}')
    async with endpoint(tmp_path, answer) as (url, tls, asked):
        tokens = access_tokens(read_account(account()), url, tls, OwnShelf(clock), clock)
        assert [await tokens.token() for _ in range(3)] == ["ya29.x"] * 3
        clock.now_s += 3_298
        await tokens.token()
        assert len(asked) == 1
        clock.now_s += 2
        await tokens.token()
        assert len(asked) == 2
    form = dict(part.split("=", 1) for part in asked[0].decode().split("&"))
    assert form["grant_type"] == "urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer"
    options = {"verify_exp": False, "verify_iat": False}
    said = jwt.decode(
        form["assertion"],
        RSA_KEY.public_key(),
        algorithms=["RS256"],
        audience="https://oauth2.googleapis.com/token",
        options=options,  # type: ignore[arg-type]  # PyJWT's stub wants all of them
    )
    assert said["scope"] == "https://www.googleapis.com/auth/firebase.messaging"
    assert (said["iss"], said["exp"] - said["iat"]) == (
        "push@muster-test.iam.gserviceaccount.com",
        3_600,
    )


@pytest.mark.parametrize(
    ("answer", "reason", "fault"),
    [
        (http("400 Bad", b'{"error":"invalid_grant"}'), "invalid_grant", True),
        (http("401 No", b"nonsense"), "token endpoint said 401", True),
        (http("503 Later", b""), "token endpoint said 503", False),
        (http("200 OK", b"nonsense"), "token endpoint said 200", False),
        (http("200 OK", b'{"access_token":"a\\nb"}'), "token endpoint said 200", False),
        (
            http("302 Over there\r\nlocation: http://127.0.0.1:1/", b""),
            "token endpoint said 302",
            False,
        ),
        (b"nonsense\r\n\r\n", "token endpoint out of reach", False),
        (b"", "token endpoint out of reach", False),
    ],
)
async def test_what_google_does_not_grant_is_told(
    tmp_path: Path, answer: bytes, reason: str, fault: bool
) -> None:
    """A no is our account's fault; anything else may pass."""
    clock = Clock()
    async with endpoint(tmp_path, answer) as (url, tls, _):
        tokens = access_tokens(read_account(account()), url, tls, OwnShelf(clock), clock)
        with pytest.raises(Unminted) as unminted:
            await tokens.token()
        assert (unminted.value.reason, unminted.value.fault) == (reason, fault)
