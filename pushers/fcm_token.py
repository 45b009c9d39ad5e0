"""Google's access tokens: had for an assertion that is signed with the key of a service account.

Owns the account's file and the one request. Must never follow a redirect, read a proxy from the environment, or wait
or read without a bound.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import Final
from urllib.parse import urlsplit

import httpx
import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from msgspec import Struct

from muster.clock import Clock
from muster.token_shelf import TokenShelf
from pushers.apns_token import BadKey
from pushers.minting import Account, Mint, Minted, Tokens, Unminted

SCOPE: Final = "https://www.googleapis.com/auth/firebase.messaging"
GRANT: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
WITHIN_S: Final = 8.0
ASSERTION_S: Final = 3_600
RENEW_BEFORE_S: Final = 300.0
LIFE_S: Final = 3_300.0
LEAST_AGE_S: Final = 60.0
_ANSWER_BYTES: Final = 65_536
_LEAST_RSA_BITS: Final = 2_048


class ServiceAccount(Struct, frozen=True):
    """What of the file that Google hands out is needed."""

    project_id: str
    private_key_id: str
    private_key: str
    client_email: str
    token_uri: str = "https://oauth2.googleapis.com/token"  # noqa: S105  # an address

    def __repr__(self) -> str:
        return f"ServiceAccount({self.project_id!r})"


class _Granted(Struct, frozen=True):
    access_token: str
    expires_in: float = 3_600.0


class _Refused(Struct, frozen=True):
    error: str = ""


def read_account(data: bytes) -> ServiceAccount:
    """A service account's JSON. Raises `BadKey`."""
    try:
        account = msgspec.json.decode(data, type=ServiceAccount)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise BadKey("this is not the JSON of a Google service account") from None
    if urlsplit(account.token_uri).scheme != "https":
        raise BadKey("the token_uri of a service account begins with https://")
    _key(account)
    return account


def access_tokens(
    account: ServiceAccount, url: str, tls: ssl.SSLContext, shelf: TokenShelf, clock: Clock
) -> Tokens:
    """The tokens of one account. `url`: the token endpoint, if it is not the account's own.

    `tls` is for them alone: httpx has it say HTTP/1.1, and a client of HTTP/2 that shared it would be refused.
    """
    named = Account(
        f"fcm:{account.client_email}:{account.private_key_id}", LIFE_S, RENEW_BEFORE_S, LEAST_AGE_S
    )
    return Tokens(named, _mint(account, url or account.token_uri, tls, clock), shelf, clock)


def _mint(account: ServiceAccount, url: str, tls: ssl.SSLContext, clock: Clock) -> Mint:
    key = _key(account)

    async def mint() -> Minted:
        now_s = clock.now_ms() // 1000
        claims = {
            "iss": account.client_email,
            "scope": SCOPE,
            "aud": account.token_uri,
            "iat": now_s,
            "exp": now_s + ASSERTION_S,
        }
        headers = {"kid": account.private_key_id}
        assertion = jwt.encode(claims, key, algorithm="RS256", headers=headers)
        status, body = await _post(url, {"grant_type": GRANT, "assertion": assertion}, tls)
        return _read(status, body)

    return mint


async def _post(url: str, form: dict[str, str], tls: ssl.SSLContext) -> tuple[int, bytes]:
    try:
        async with (
            asyncio.timeout(WITHIN_S),
            httpx.AsyncClient(verify=tls, trust_env=False, timeout=WITHIN_S) as client,
            client.stream("POST", url, data=form) as response,
        ):
            body = b""
            async for part in response.aiter_bytes():
                body += part
                if len(body) > _ANSWER_BYTES:
                    break
            return response.status_code, body
    except (TimeoutError, httpx.HTTPError, OSError):
        raise Unminted("token endpoint out of reach", fault=False) from None


def _read(status: int, body: bytes) -> Minted:
    """Raises `Unminted`: a fault where the endpoint understood us and said no."""
    try:
        if status == 200:
            granted = msgspec.json.decode(body, type=_Granted)
            if granted.access_token.isascii() and granted.access_token.isprintable():
                renew_s = min(LIFE_S, max(30.0, granted.expires_in - RENEW_BEFORE_S))
                return Minted(granted.access_token, renew_s)
        elif status in (400, 401, 403):
            refused = msgspec.json.decode(body, type=_Refused)
            raise Unminted(refused.error[:60] or f"status {status}", fault=True)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        pass
    raise Unminted(f"token endpoint said {status}", fault=status in (400, 401, 403))


def _key(account: ServiceAccount) -> RSAPrivateKey:
    try:
        key = load_pem_private_key(account.private_key.encode(), password=None)
    except (ValueError, TypeError):
        raise BadKey("the private_key of this service account cannot be read") from None
    if not isinstance(key, RSAPrivateKey) or key.key_size < _LEAST_RSA_BITS:
        raise BadKey(f"a service account's key is an RSA key of at least {_LEAST_RSA_BITS} bits")
    return key
