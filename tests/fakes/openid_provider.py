"""A provider that people log in by, over real HTTP on the loopback: OpenID with keys of its own, or GitHub's way.

    document, keys    as OpenID Connect Discovery has them
    authorize         whoever comes is logged in as the one the test named, and sent back with a code
    token             the code for a token: once, for this client, this redirect and this verifier
    user, emails      what GitHub is asked

Owns what a provider checks of its clients, strictly, and how it may misbehave when a test says so. Must never know
anything of what it is used by.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from secrets import token_urlsafe
from typing import Any
from urllib.parse import parse_qsl, unquote_plus, urlencode, urlsplit

import jwt
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from muster.clock import Clock
from tests.muster.test_foreign import ec_key, rsa_jwk, rsa_key

CLIENT, SECRET = "muster-at-acme", "a client's secret: +/&="


class OpenIdProvider:
    """Who logs in (`claims`, or `user` and `emails`), and what goes wrong (`spoil`, `header`, `issuer_said`)."""

    def __init__(self, port: int, clock: Clock) -> None:
        self.issuer = f"http://127.0.0.1:{port}"
        self.clock = clock
        self.claims: dict[str, Any] = {"sub": "u-1"}
        self.user: dict[str, Any] = {"id": 1, "login": "octo", "name": "Octo Cat"}
        self.emails: list[dict[str, Any]] = []
        self.spoil: dict[str, Any] = {}
        self.key: Any = None
        self.header: dict[str, Any] = {}
        self.algorithm = "RS256"
        self.document: dict[str, Any] = {}
        self.methods = ["client_secret_basic"]
        self.apple = False
        self.away = False
        self.callbacks: set[str] = set()
        self.tokens = 0
        self.refused: list[str] = []
        self._codes: dict[str, dict[str, str]] = {}
        self._access: set[str] = set()

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self._document),
                Route("/keys", self._keys),
                Route("/authorize", self._authorize),
                Route("/token", self._token, methods=["POST"]),
                Route("/user", self._user),
                Route("/user/emails", self._emails),
            ]
        )

    async def _document(self, _request: Request) -> Response:
        if self.away:
            return Response("away", 503)
        return JSONResponse(
            {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/keys",
                "token_endpoint_auth_methods_supported": self.methods,
                "code_challenge_methods_supported": ["S256"],
                **self.document,
            }
        )

    async def _keys(self, _request: Request) -> Response:
        return JSONResponse({"keys": [rsa_jwk("acme", alg="RS256")]})

    async def _authorize(self, request: Request) -> Response:
        asked = dict(request.query_params)
        problems = [
            asked.get("response_type") != "code",
            asked.get("client_id") != CLIENT,
            asked.get("redirect_uri") not in self.callbacks,
            asked.get("code_challenge_method") != "S256",
            len(asked.get("code_challenge", "")) != 43,
            len(asked.get("state", "")) < 32,
        ]
        if any(problems):
            return Response(f"no such client or redirect: {problems}", 400)
        code = token_urlsafe(16)
        self._codes[code] = asked
        back = {"code": code, "state": asked["state"]}
        if "nonce" in asked:
            back["iss"] = self.issuer
        if asked.get("response_mode") == "form_post":
            return JSONResponse(back)  # what the browser would post
        return RedirectResponse(f"{asked['redirect_uri']}?{urlencode(back)}", 302)

    async def _token(self, request: Request) -> Response:
        self.tokens += 1
        form = dict(parse_qsl((await request.body()).decode(), keep_blank_values=True))
        asked = self._codes.pop(form.get("code", ""), None)
        wrong = self._wrong(request, form, asked)
        if asked is None or wrong:
            self.refused.append(wrong or "code")
            # As GitHub has it, a status that says nothing.
            return JSONResponse({"error": "invalid_grant"}, 200 if self.apple else 400)
        access = token_urlsafe(16)
        self._access.add(access)
        answer = {"access_token": access, "token_type": "Bearer"}
        if "nonce" in asked:
            answer["id_token"] = self._signed(asked["nonce"])
        return JSONResponse(answer)

    def _wrong(self, request: Request, form: dict[str, str], asked: dict[str, str] | None) -> str:
        if asked is None:
            return "code"
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != asked["code_challenge"]:
            return "verifier"
        if form.get("redirect_uri") != asked["redirect_uri"]:
            return "redirect"
        client, secret = form.get("client_id", ""), form.get("client_secret", "")
        scheme, _, basic = request.headers.get("authorization", "").partition(" ")
        if scheme == "Basic":
            pair = base64.b64decode(basic).decode().split(":")
            client, secret = map(unquote_plus, pair)
        if client != CLIENT:
            return "client"
        return "" if self._knows(secret) else "secret"

    def _knows(self, secret: str) -> bool:
        if not self.apple:
            return secret == SECRET
        try:
            said = jwt.decode(
                secret,
                ec_key().public_key(),
                algorithms=["ES256"],
                audience=self.issuer,
                options={"verify_exp": False, "verify_iat": False},
            )
        except jwt.PyJWTError:
            return False
        now_s = self.clock.now_ms() / 1_000
        kid = jwt.get_unverified_header(secret).get("kid")
        return (
            kid == "KEY1"
            and (said["iss"], said["sub"]) == ("TEAM1", CLIENT)
            and now_s - 5 < said["iat"] <= now_s + 5 < said["exp"] <= now_s + 600
        )

    def _signed(self, nonce: str) -> str:
        now_s = self.clock.now_ms() // 1_000
        said = {
            "iss": self.issuer,
            "aud": CLIENT,
            "iat": now_s,
            "exp": now_s + 300,
            "nonce": nonce,
            **self.claims,
            **self.spoil,
        }
        said = {name: value for name, value in said.items() if value is not None}
        key = self.key if self.key is not None else rsa_key("acme")
        return jwt.encode(said, key, self.algorithm, {"kid": "acme", **self.header})

    async def _user(self, request: Request) -> Response:
        return self._told(request, self.user)

    async def _emails(self, request: Request) -> Response:
        return self._told(request, self.emails)

    def _told(self, request: Request, said: Any) -> Response:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        return JSONResponse(said) if token in self._access else JSONResponse({}, 401)


def query_of(url: str) -> dict[str, str]:
    """The query of an address."""
    return dict(parse_qsl(urlsplit(url).query))


@asynccontextmanager
async def openid_provider(clock: Clock) -> AsyncIterator[OpenIdProvider]:
    """It runs until the end."""
    listener = socket.create_server(("127.0.0.1", 0))
    provider = OpenIdProvider(listener.getsockname()[1], clock)
    config = uvicorn.Config(
        provider.app(), lifespan="off", log_config=None, ws="none", access_log=False
    )
    server = uvicorn.Server(config)
    async with asyncio.TaskGroup() as tasks:
        serving = tasks.create_task(server._serve([listener]))
        try:
            yield provider
        finally:
            server.should_exit = True
            await serving
