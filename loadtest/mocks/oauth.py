"""Google's token endpoint: an assertion signed by a service account, for an access token.

Owns what is demanded of the assertion and how it is refused. Must never know pushes.
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import parse_qs

import jwt
import msgspec

from loadtest.mocks.access_tokens import AccessTokens
from loadtest.mocks.credentials import GOOGLE_AUDIENCE, SCOPE, Google
from loadtest.mocks.fault import Answer, Weather
from loadtest.mocks.request import Judgement, Reply, Request, Session
from muster.clock import Clock

_GRANT: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_LONGEST_S: Final = 3_600
_LEEWAY_S: Final = 60
_SCOPES: Final = frozenset({SCOPE, "https://www.googleapis.com/auth/cloud-platform"})
_FORM: Final = "application/x-www-form-urlencoded"
_JSON: Final = (("content-type", "application/json; charset=utf-8"), ("cache-control", "no-store"))


class OAuth:
    """The endpoint; every request stands for itself."""

    trusted = True
    streams = 100

    def __init__(self, account: Google, tokens: AccessTokens, clock: Clock) -> None:
        self._account = account
        self._tokens = tokens
        self._clock = clock

    def session(self) -> Session:
        return self

    def heed(self, weather: Weather) -> None:
        self._tokens.life_s = weather.token_s

    def scripted(self, answer: Answer) -> Reply:
        return _refused(answer.reason, "scripted", answer.status)

    def judge(self, request: Request) -> Judgement:
        return Judgement(self._answer(request))

    def _answer(self, request: Request) -> Reply:
        if request.path.partition("?")[0] != "/token":
            return _refused("not_found", "there is nothing here", 404)
        if request.method != "POST":
            return _refused("invalid_request", "only POST is allowed", 405)
        if request.headers.get("content-type", "").partition(";")[0].strip() != _FORM:
            return _refused("invalid_request", f"the body must be {_FORM}")
        form = parse_qs(request.body.decode("latin-1"))
        if form.get("grant_type") != [_GRANT]:
            return _refused(
                "unsupported_grant_type", f"Invalid grant_type: {form.get('grant_type')}"
            )
        assertions = form.get("assertion", [])
        if len(assertions) != 1:
            return _refused("invalid_request", "Missing parameter: assertion")
        return self._judged(assertions[0])

    def _judged(self, assertion: str) -> Reply:
        try:
            claims = jwt.decode(
                assertion,
                self._account.public,
                algorithms=["RS256"],
                options={"verify_exp": False, "verify_iat": False, "verify_aud": False},
            )
        except jwt.InvalidSignatureError:
            return _refused("invalid_grant", "Invalid JWT Signature.")
        except jwt.PyJWTError:
            return _refused("invalid_request", "Bad Request")
        said = self._complaint(claims)
        if said:
            return _refused("invalid_grant", said)
        asked = claims.get("scope")
        if not isinstance(asked, str) or not _SCOPES & set(asked.split()):
            return _refused("invalid_scope", "Invalid OAuth scope or ID token audience provided.")
        granted = {
            "access_token": self._tokens.give(),
            "expires_in": self._tokens.life_s,
            "token_type": "Bearer",
        }
        return Reply(200, _JSON, msgspec.json.encode(granted))

    def _complaint(self, claims: dict[str, Any]) -> str:
        if claims.get("iss") != self._account.email:
            return "Invalid grant: account not found"
        if claims.get("aud") not in (GOOGLE_AUDIENCE, self._account.audience):
            return "Invalid JWT: Failed audience check. The right audience is " + GOOGLE_AUDIENCE
        issued, ends = claims.get("iat"), claims.get("exp")
        if not isinstance(issued, int) or not isinstance(ends, int):
            return "Invalid JWT: iat and exp must be whole numbers"
        now_s = self._clock.now_ms() / 1_000
        if ends - issued > _LONGEST_S or issued > now_s + _LEEWAY_S or ends < now_s - _LEEWAY_S:
            return (
                "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable "
                "timeframe. Check your iat and exp values in the JWT claim."
            )
        return ""


def _refused(error: str, description: str, status: int = 400) -> Reply:
    said = {"error": error, "error_description": description}
    return Reply(status, _JSON, msgspec.json.encode(said), error)
