"""Access tokens: what is believed, and everything that is not."""

import base64
import json
from typing import Any
from uuid import uuid4

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from muster.clock import SystemClock
from muster.errors import Refused
from muster.ids import DeviceId, PersonId, SessionId, SystemRandom
from muster.keys import KeyRing
from muster.permission import ServiceRole
from muster.tokens import EXTENSION_PREFIX, EXTENSION_TYPE, REMEMBERED_MOST, TYPE, Tokens, jwks
from proto.codes import Code

KEY = generate_private_key(public_exponent=65537, key_size=2048)
OTHER = generate_private_key(public_exponent=65537, key_size=2048)
RING = KeyRing("new", KEY, {"new": KEY.public_key(), "old": OTHER.public_key()})
PERSON, SESSION, DEVICE = PersonId(uuid4()), SessionId(uuid4()), DeviceId(uuid4())


class Clock(SystemClock):
    """Stands still until moved."""

    at_ms = 1_800_000_000_123

    def now_ms(self) -> int:
        return self.at_ms


def _tokens(clock: Clock | None = None, ring: KeyRing = RING) -> Tokens:
    return Tokens(ring, "muster", "app", 900, clock or Clock(), SystemRandom())


def _claims(**changed: Any) -> dict[str, Any]:
    now = Clock.at_ms / 1000
    claims = {
        "iss": "muster", "aud": "app", "sub": str(PERSON), "sid": str(SESSION), "did": str(DEVICE),
        "role": "user", "iat": now, "exp": now + 900, "jti": "j",
    }  # fmt: skip
    return {name: value for name, value in {**claims, **changed}.items() if value is not None}


def _signed(claims: dict[str, Any], key: Any = KEY, alg: str = "RS256", **header: Any) -> str:
    headers = {"kid": "new", "typ": TYPE, **header}
    return jwt.encode(claims, key, algorithm=alg, headers=headers)


def _refused(token: str, code: Code = Code.unauthorized) -> None:
    with pytest.raises(Refused) as refused:
        _tokens().verify(token)
    assert refused.value.code is code


def test_what_was_issued_is_read_back() -> None:
    """To the millisecond, and the second time from memory alike."""
    tokens = _tokens()
    token = tokens.issue(PERSON, SESSION, DEVICE, ServiceRole.support)
    claims = tokens.verify(token)
    assert claims == tokens.verify(token) == _tokens().verify(token)
    assert (claims.person, claims.session, claims.device) == (PERSON, SESSION, DEVICE)
    assert claims.role is ServiceRole.support
    assert (claims.issued_at_ms, claims.expires_at_ms) == (Clock.at_ms, Clock.at_ms + 900_000)


def test_a_token_ends_even_if_remembered() -> None:
    """The signature is remembered, the time is not."""
    clock = Clock()
    tokens = _tokens(clock)
    token = tokens.issue(PERSON, SESSION, DEVICE, ServiceRole.user)
    tokens.verify(token)
    clock.at_ms += 900_000
    with pytest.raises(Refused) as refused:
        tokens.verify(token)
    assert refused.value.code is Code.token_expired


def test_an_extensions_token_is_another_thing() -> None:
    """Read back as narrow, and believed nowhere else: by prefix, by type, by audience. Nor an access token as one."""
    clock = Clock()
    tokens = _tokens(clock)
    word = tokens.issue_extension(PERSON, SESSION, DEVICE, 3_600)
    claims = tokens.verify_extension(word)
    assert (claims.person, claims.session, claims.device) == (PERSON, SESSION, DEVICE)
    assert (claims.narrow, claims.role) == (True, ServiceRole.user)
    bare = word.removeprefix(EXTENSION_PREFIX)
    # Whoever asks for our type alone, or for our audience alone, is not taken in.
    retyped = _signed(_claims(aud="app:push"))
    renamed = _signed(_claims(), typ=EXTENSION_TYPE)
    access = tokens.issue(PERSON, SESSION, DEVICE, ServiceRole.admin)
    for other in (word, bare, retyped, renamed):
        with pytest.raises(Refused, match="not an access token"):
            tokens.verify(other)
    for other in (bare, *(EXTENSION_PREFIX + one for one in (access, retyped, renamed))):
        with pytest.raises(Refused, match="not an access token"):
            tokens.verify_extension(other)
    clock.at_ms += 3_600_000
    with pytest.raises(Refused) as refused:
        tokens.verify_extension(word)
    assert refused.value.code is Code.token_expired


def test_older_keys_still_verify() -> None:
    """Rotation: the newest signs, the others are believed while they are there."""
    assert _tokens().verify(_signed(_claims(), OTHER, kid="old")).person == PERSON


@pytest.mark.parametrize(
    "missing", ["iss", "aud", "sub", "sid", "did", "role", "iat", "exp", "jti"]
)
def test_every_claim_is_required(missing: str) -> None:
    """A token without an end, or without anything else, is no token."""
    _refused(_signed(_claims(**{missing: None})))


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "other"},
        {"aud": "other"},
        {"aud": ["x", 1]},
        {"sub": "x"},
        {"sub": 7},
        {"sid": "../x"},
        {"role": "root"},
        {"exp": "soon"},
        {"exp": float("inf")},
        {"exp": []},
        {"iat": "x"},
        {"iat": Clock.at_ms / 1000 + 60},
    ],
)
def test_wrong_claims(changed: dict[str, Any]) -> None:
    """Ours, for us, about a person, from now."""
    _refused(_signed(_claims(**changed)))


@pytest.mark.parametrize(
    "header",
    [
        {"typ": "JWT"},
        {"typ": "refresh"},
        {"kid": "nobody"},
        {"kid": "../../etc/passwd"},
        {"kid": ""},
        {"crit": ["exp"]},
    ],
)
def test_wrong_headers(header: dict[str, Any]) -> None:
    """Only our type of token, only a kid we have."""
    _refused(_signed(_claims(), **header))


def test_only_rs256() -> None:
    """Not without a signature, not signed with our public key as a secret, not by RS512."""
    public = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    _refused(_signed(_claims(), alg="RS512"))
    _refused(jwt.encode(_claims(), "", algorithm="none", headers={"kid": "new", "typ": TYPE}))
    header = _part({"alg": "HS256", "kid": "new", "typ": TYPE})
    body = _part(_claims())
    import hmac

    mac = hmac.digest(public, f"{header}.{body}".encode(), "sha256")
    _refused(f"{header}.{body}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}")


def test_keys_in_the_token_are_ignored() -> None:
    """A token that brings its own key is not believed by it."""
    own = jwks(KeyRing("new", OTHER, {"new": OTHER.public_key()}))["keys"][0]
    _refused(_signed(_claims(), OTHER, jwk=own, jku="https://evil.example/jwks.json"))


def test_a_changed_letter_breaks_it() -> None:
    """Of every part."""
    token = _signed(_claims())
    for at in (5, token.index(".") + 5, len(token) - 5):
        changed = "A" if token[at] != "A" else "B"
        _refused(token[:at] + changed + token[at + 1 :])


def test_memory_is_bounded() -> None:
    """However many tokens come by."""
    tokens = _tokens()
    claims = tokens.verify(tokens.issue(PERSON, SESSION, DEVICE, ServiceRole.user))
    tokens._believed.update(
        (number.to_bytes(4, "big"), ("new", claims)) for number in range(REMEMBERED_MOST)
    )
    tokens.verify(tokens.issue(PERSON, SESSION, DEVICE, ServiceRole.user))
    assert len(tokens._believed) <= REMEMBERED_MOST + 1


def _part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()
