"""A foreign token is believed if its issuer signed it, for us, just now; and for no other reason."""

import base64
import json
from collections.abc import Mapping
from functools import cache
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from muster.addresses import networks
from muster.clock import SystemClock
from muster.egress import EVERYWHERE, Egress
from muster.errors import Refused
from muster.foreign import TOKEN_CHARS, Foreign
from muster.issuers import Issuer, parse
from muster.jwks import (
    DOCUMENT_BYTES,
    FLOOR_S,
    FRESH_S,
    STALE_S,
    KeySet,
    Unfetched,
    fetching,
    read_keys,
)
from muster.setting import SettingsError
from proto.codes import Code
from tests.muster.test_egress import receiving

ISS, OTHER, AUD = "https://id.app.example", "https://other.example", "muster"
NOW_S = 1_800_000_000


class Still(SystemClock):
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.s = 0.0

    def now_ms(self) -> int:
        return round((NOW_S + self.s) * 1_000)

    def monotonic(self) -> float:
        return self.s


class Shelf:
    """Where an issuer's document lies, counting who takes it."""

    def __init__(self, *keys: Mapping[str, Any]) -> None:
        self.keys = list(keys)
        self.fetched = 0
        self.away = False

    async def __call__(self) -> bytes:
        self.fetched += 1
        if self.away:
            raise Unfetched("away")
        return json.dumps({"keys": self.keys}).encode()


@cache
def rsa_key(name: str) -> rsa.RSAPrivateKey:
    assert name
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@cache
def ec_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def rsa_jwk(name: str, **more: Any) -> dict[str, Any]:
    return {**RSAAlgorithm.to_jwk(rsa_key(name).public_key(), as_dict=True), "kid": name, **more}


def ec_jwk() -> dict[str, Any]:
    return {**ECAlgorithm.to_jwk(ec_key().public_key(), as_dict=True), "kid": "ec"}


def token(
    key: Any = None, *, alg: str = "RS256", header: dict[str, Any] | None = None, **claims: Any
) -> str:
    said = {"iss": ISS, "aud": AUD, "sub": "u-1", "iat": NOW_S, "exp": NOW_S + 600, **claims}
    said = {name: value for name, value in said.items() if value is not None}
    return jwt.encode(said, key or rsa_key("one"), alg, {"kid": "one", **(header or {})})


class World:
    """Two issuers and who verifies their tokens."""

    def __init__(self) -> None:
        self.clock = Still()
        self.shelf = Shelf(rsa_jwk("one"), ec_jwk())
        self.others = Shelf(rsa_jwk("others"))
        issuers = {
            name: Issuer(issuer=name, audience=AUD, jwks_url="https://unasked")
            for name in (ISS, OTHER)
        }
        keys = {ISS: KeySet(self.shelf, self.clock), OTHER: KeySet(self.others, self.clock)}
        self.foreign = Foreign(issuers, keys, self.clock)

    async def refused(self, word: str) -> Code:
        with pytest.raises(Refused) as refused:
            await self.foreign.verify(word)
        return refused.value.code


@pytest.fixture
def world() -> World:
    return World()


async def test_a_good_token_says_who_it_is(world: World) -> None:
    """By RSA and by elliptic curve, with the claims that the map names."""
    known = await world.foreign.verify(token(preferred_username="ada", name="Ada L."))
    assert (known.subject, known.handle, known.name) == ("u-1", "ada", "Ada L.")
    known = await world.foreign.verify(token(ec_key(), alg="ES256", header={"kid": "ec"}, sub=7))
    assert known.subject == "7"
    assert "ada" not in repr(known)


BAD: dict[str, dict[str, Any]] = {
    "another audience": {"aud": "somebody-else"},
    "no audience": {"aud": None},
    "an issuer nobody trusts": {"iss": "https://evil.example"},
    "another trusted issuer's name": {"iss": OTHER},
    "no end": {"exp": None},
    "no beginning": {"iat": None},
    "an end that is no number": {"exp": True},
    "issued in the future": {"iat": NOW_S + 120},
    "not valid yet": {"nbf": NOW_S + 120},
    "no subject": {"sub": None},
    "an empty subject": {"sub": ""},
    "a subject with a line break": {"sub": "a\nb"},
    "a subject without end": {"sub": "a" * 300},
    "a subject that is a list": {"sub": ["u-1"]},
}


@pytest.mark.parametrize("claims", BAD.values(), ids=list(BAD))
async def test_claims_that_are_not_believed(world: World, claims: dict[str, Any]) -> None:
    """Each is the same plain refusal."""
    assert await world.refused(token(**claims)) is Code.unauthorized


async def test_old_tokens_are_told_to_be_old(world: World) -> None:
    """By their own end, and by the age the operator allows, whatever end they claim."""
    assert await world.refused(token(exp=NOW_S - 60, iat=NOW_S - 700)) is Code.token_expired
    long_lived = token(exp=NOW_S + 10**9, iat=NOW_S - 90_000)
    assert await world.refused(long_lived) is Code.token_expired


def _unsigned(alg: str, **claims: Any) -> str:
    def part(value: Any) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    said = {"iss": ISS, "aud": AUD, "sub": "u-1", "iat": NOW_S, "exp": NOW_S + 600, **claims}
    return f"{part({'alg': alg, 'kid': 'one'})}.{part(said)}."


async def test_signatures_that_are_none(world: World) -> None:
    """No algorithm, an HMAC by the public key, another's key, another curve's, one changed byte."""
    pem = (
        rsa_key("one")
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    good = token()
    head, body, seal = good.split(".")
    signed = f"{_unsigned('HS256').rsplit('.', 1)[0]}"
    forged = base64.urlsafe_b64encode(
        jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(signed.encode(), pem)
    ).rstrip(b"=")
    for word in (
        _unsigned("none"),
        _unsigned("None"),
        _unsigned("RS256", iss=["a"]),
        _unsigned("RS256", iss=None),
        f"{signed}.{forged.decode()}",
        token(rsa_key("evil")),
        token(rsa_key("others"), header={"kid": "others"}),
        token(header={"kid": "ec"}),
        token(ec_key(), alg="ES256", header={"kid": "one"}),
        token(alg="PS256"),
        f"{head}.{body}.{'A' if seal[0] != 'A' else 'B'}{seal[1:]}",
        f"{head}.{body}.",
        "",
        "a.b.c",
        "x" * (TOKEN_CHARS + 1),
        token(pad="x" * TOKEN_CHARS),
    ):
        assert await world.refused(word) is Code.unauthorized, word[:60]


async def test_what_a_token_says_of_keys_is_not_read(world: World) -> None:
    """`jwk`, `jku` and `x5u` of an attacker change nothing, either way; `crit` is not understood and refused."""
    evil = rsa_jwk("evil", kid="one")
    for header in ({"jwk": evil}, {"jku": "http://evil/"}, {"x5u": "http://evil/"}):
        assert await world.refused(token(rsa_key("evil"), header=header)) is Code.unauthorized
        assert (await world.foreign.verify(token(header=header))).subject == "u-1"
    assert await world.refused(token(header={"crit": ["b64"], "b64": True})) is Code.unauthorized
    assert world.shelf.fetched == 1


async def test_random_kids_cost_one_fetch_in_a_while(world: World) -> None:
    """However many come; and a new key of the issuer's is found once the while is over."""
    await world.foreign.verify(token())
    for n in range(50):
        assert await world.refused(token(header={"kid": f"k{n}"})) is Code.unauthorized
    assert world.shelf.fetched == 1
    world.shelf.keys.append(rsa_jwk("two"))
    rotated = token(rsa_key("two"), header={"kid": "two"})
    assert await world.refused(rotated) is Code.unauthorized
    world.clock.s += FLOOR_S
    assert (await world.foreign.verify(rotated)).subject == "u-1"
    assert world.shelf.fetched == 2


async def test_an_issuer_that_is_away_is_not_the_end_at_once(world: World) -> None:
    """Old keys serve for a day, then nothing does; nothing is fetched more often than the floor lets."""
    await world.foreign.verify(token())
    world.shelf.away = True
    world.clock.s += FRESH_S
    for _ in range(3):
        await world.foreign.verify(token(iat=NOW_S + world.clock.s, exp=NOW_S + 10**6))
    assert world.shelf.fetched == 2
    world.clock.s += STALE_S
    late = token(iat=NOW_S + world.clock.s, exp=NOW_S + 10**6)
    assert await world.refused(late) is Code.unavailable


async def test_a_document_is_fetched_within_bounds() -> None:
    """From the address in the settings: no redirect is followed, nothing endless is read, an error is none."""
    async with receiving() as receiver:
        url = f"http://127.0.0.1:{receiver.port}/jwks"
        egress = Egress(networks(EVERYWHERE))
        fetch = fetching(egress, Issuer(issuer=ISS, audience=AUD, jwks_url=url))
        document = json.dumps({"keys": [rsa_jwk("one")]}).encode()
        ok = b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n"
        receiver.answer = ok + document
        assert set(read_keys(await fetch())) == {"one"}
        assert receiver.asked[0].startswith(b"GET /jwks ")
        for answer in (
            ok + b" " * DOCUMENT_BYTES + document,
            b"HTTP/1.1 302 Found\r\nlocation: /other\r\ncontent-length: 0\r\n\r\n",
            b"HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n",
            b"",
        ):
            receiver.answer = answer
            with pytest.raises(Unfetched):
                await fetch()
        await egress.close()
        assert len(receiver.asked) == 5


def test_a_document_holds_only_what_verifies() -> None:
    """Secrets, keys for encryption and what is no key are left out; a document without a list is none."""
    keys = [
        {"kty": "oct", "kid": "secret", "k": "AAAA"},
        rsa_jwk("one", use="enc"),
        {**rsa_jwk("one"), "kid": "signing-only", "key_ops": ["sign"]},
        "no key",
        rsa_jwk("one", alg="RS512"),
    ]
    read = read_keys(json.dumps({"keys": keys}).encode())
    assert set(read) == {"one"}
    assert not read["one"].fits("RS256")
    for document in (b"", b"[]", b'{"keys": {}}', json.dumps({"keys": [{}] * 101}).encode()):
        with pytest.raises(Unfetched):
            read_keys(document)


GOOD = {"issuer": ISS, "audience": AUD, "jwks_url": "https://id.app.example/jwks"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"algorithms": ["HS256"]},
        {"algorithms": ["none"]},
        {"algorithms": []},
        {"jwks_url": "http://id.app.example/jwks"},
        {"jwks_url": None},
        {"jwks": {"keys": []}},
        {"max_age_s": 1},
        {"misspelt": 1},
        {"audience": []},
    ],
    ids=str,
)
def test_settings_that_cannot_be(wrong: dict[str, Any]) -> None:
    """One plain sentence each, at the start."""
    with pytest.raises(SettingsError, match="MUSTER_TRUSTED_ISSUERS"):
        parse(json.dumps([{**GOOD, **wrong}]))


def test_settings_are_json_or_a_file(tmp_path: Any) -> None:
    """Either way; the same issuer twice, or two that name the app's people, are refused."""
    path = tmp_path / "issuers.json"
    path.write_text(json.dumps(GOOD))
    assert parse(str(path)) == parse(json.dumps([GOOD])) != {}
    assert parse("") == {}
    with pytest.raises(SettingsError):
        parse(json.dumps([GOOD, GOOD]))
    with pytest.raises(SettingsError):
        parse(json.dumps([{**GOOD, "issuer": name, "external": True} for name in "ab"]))
    with pytest.raises(SettingsError):
        parse(str(tmp_path / "nothing"))
