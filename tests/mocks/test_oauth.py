"""Google's token endpoint takes what Google takes, and refuses in its words."""

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from loadtest.mocks.fault import Answer as Scripted
from tests.mocks.conftest import ANDROID, Scene

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_an_assertion_earns_a_token_that_ends(scene: Scene) -> None:
    """It is good at FCM for as long as it was said to be."""
    await scene.mocks.change("oauth", token_s=600)
    async with scene.at("oauth") as oauth, scene.at("fcm") as fcm:
        answer = await scene.grant(oauth)
        assert answer.status == 200
        assert (answer.said["token_type"], answer.said["expires_in"]) == ("Bearer", 600)
        access = answer.said["access_token"]
        message = {"token": ANDROID, "data": {"title": "Hello"}}
        assert (await scene.message(fcm, message, access)).status == 200
        scene.mocks.notes.clock.ahead_s = 601
        late = await scene.message(fcm, message, access)
        assert (late.status, late.said["error"]["status"]) == (401, "UNAUTHENTICATED")
        assert late.said["error"]["details"][0]["reason"] == "ACCESS_TOKEN_EXPIRED"
        assert "details" in late.said["error"]


@pytest.mark.parametrize(
    ("error", "part", "changed"),
    [
        ("invalid_grant", "account", {"iss": "somebody@else.iam.gserviceaccount.com"}),
        ("invalid_grant", "audience", {"aud": "https://example.org/token"}),
        ("invalid_grant", "short-lived", {"exp": 9_999_999_999}),
        ("invalid_grant", "short-lived", {"iat": 1_000_000, "exp": 1_003_600}),
        ("invalid_grant", "whole", {"exp": "soon"}),
        ("invalid_scope", "scope", {"scope": "https://www.googleapis.com/auth/drive"}),
        ("invalid_grant", "Signature", {"key": rsa.generate_private_key(65_537, 2_048)}),
    ],
)
async def test_a_wrong_assertion_is_refused(
    scene: Scene, error: str, part: str, changed: dict[str, Any]
) -> None:
    """One wrong claim each."""
    async with scene.at("oauth") as oauth:
        answer = await scene.grant(oauth, scene.assertion(**changed))
        assert (answer.status, answer.said["error"]) == (400, error)
        assert part in answer.said["error_description"]


@pytest.mark.parametrize(
    ("error", "body"),
    [
        ("unsupported_grant_type", b"grant_type=password"),
        (
            "invalid_request",
            b"grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer",
        ),
        (
            "invalid_request",
            b"grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=x",
        ),
    ],
)
async def test_a_wrong_form_is_refused(scene: Scene, error: str, body: bytes) -> None:
    """Grant type, assertion missing, no token at all."""
    headers = [("content-type", "application/x-www-form-urlencoded")]
    async with scene.at("oauth") as oauth:
        answer = await oauth.request("POST", "/token", headers, body)
        assert (answer.status, answer.said["error"]) == (400, error)
        answer = await oauth.request("POST", "/token", [], body)
        assert answer.said["error"] == "invalid_request"
        assert (await oauth.request("GET", "/token")).status == 405
        assert (await oauth.request("POST", "/elsewhere", headers, body)).status == 404


async def test_a_refusal_can_be_asked_for_and_tokens_taken_back(scene: Scene) -> None:
    """As when an account is disabled."""
    scene.mocks.service("oauth").script.add(Scripted(status=503, reason="internal_failure"))
    async with scene.at("oauth") as oauth, scene.at("fcm") as fcm:
        answer = await scene.grant(oauth)
        assert (answer.status, answer.said["error"]) == (503, "internal_failure")
        access = (await scene.grant(oauth)).said["access_token"]
        scene.mocks.notes.access.revoke()
        assert (await scene.message(fcm, {"token": ANDROID}, access)).status == 401
