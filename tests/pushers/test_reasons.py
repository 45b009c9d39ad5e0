"""Every answer of both providers has a named outcome: reason by reason, and whatever nonsense there is."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushers import apns_reasons, fcm_reasons
from pushers.outcome import CredentialFault, Delivered, Outcome, Rejected, TokenDead, TryLater
from pushers.retry_after import retry_after_s
from pushers.verdict import Remedy, Said, Verdict

NOW_MS = 1_700_000_000_000
REFRESH, RECONNECT = Remedy.refresh, Remedy.reconnect

OURS = [
    (400, "BadCollapseId"), (400, "BadExpirationDate"), (400, "BadMessageId"), (400, "BadPriority"),
    (400, "BadTopic"), (400, "DuplicateHeaders"), (400, "InvalidPushType"), (400, "MissingDeviceToken"),
    (400, "MissingTopic"), (400, "PayloadEmpty"), (404, "BadPath"), (405, "MethodNotAllowed"),
    (413, "PayloadTooLarge"),
]  # fmt: skip
FAULTS = ["InvalidProviderToken", "MissingProviderToken", "Forbidden", "BadCertificate", "BadCertificateEnvironment",
          "UnrelatedKeyIdInToken", "BadEnvironmentKeyIdInToken", "BadEnvironmentKeyInToken"]  # fmt: skip
APNS: list[tuple[int, str, Outcome, Remedy]] = [
    *((status, reason, Rejected(reason), Remedy.none) for status, reason in OURS),
    *((403, reason, CredentialFault(reason), RECONNECT) for reason in FAULTS),
    (400, "BadDeviceToken", Rejected("BadDeviceToken", mistoken=True), Remedy.none),
    (400, "DeviceTokenNotForTopic", Rejected("DeviceTokenNotForTopic", mistoken=True), Remedy.none),
    (400, "TopicDisallowed", Rejected("TopicDisallowed", mistoken=True), Remedy.none),
    (400, "IdleTimeout", TryLater("IdleTimeout", 0.0), RECONNECT),
    (403, "ExpiredProviderToken", CredentialFault("ExpiredProviderToken"), REFRESH),
    (429, "TooManyRequests", TryLater("TooManyRequests", scope="device"), Remedy.none),
    (429, "TooManyProviderTokenUpdates", TryLater("TooManyProviderTokenUpdates", 60.0, "provider"), RECONNECT),
    (500, "InternalServerError", TryLater("InternalServerError"), Remedy.none),
    (503, "ServiceUnavailable", TryLater("ServiceUnavailable", scope="provider"), Remedy.none),
    (503, "Shutdown", TryLater("Shutdown", 0.0), RECONNECT),
]  # fmt: skip


@pytest.mark.parametrize(("status", "reason", "outcome", "remedy"), APNS)
def test_apples_reasons(status: int, reason: str, outcome: Outcome, remedy: Remedy) -> None:
    """One row each."""
    body = json.dumps({"reason": reason}).encode()
    assert apns_reasons.read(Said(status, body)) == Verdict(outcome, remedy)


@pytest.mark.parametrize("reason", ["Unregistered", "ExpiredToken"])
@pytest.mark.parametrize(
    ("timestamp", "before_ms"),
    [(NOW_MS, NOW_MS), (None, None), ("1", None), (-1, None), (True, None), (1e300, None)],
)
def test_a_dead_token_is_dead_before_a_moment(
    reason: str, timestamp: Any, before_ms: int | None
) -> None:
    """Apple's own, in milliseconds; what cannot be one is none."""
    body = json.dumps({"reason": reason, "timestamp": timestamp}).encode()
    assert apns_reasons.read(Said(410, body)).outcome == TokenDead(reason, before_ms)


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, Delivered()),
        (400, Rejected("status 400")),
        (403, CredentialFault("status 403")),
        (410, TokenDead("status 410")),
        (429, TryLater("status 429", scope="device")),
        (500, TryLater("status 500")),
        (302, TryLater("status 302")),
        (1, TryLater("status 1")),
    ],
)
@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"reason":7}', b"\xff\xfe", b"[" * 9000])
def test_nonsense_of_apple_goes_by_its_status(status: int, outcome: Outcome, body: bytes) -> None:
    """Empty, no JSON, the wrong JSON."""
    assert apns_reasons.read(Said(status, body)).outcome == outcome


def test_a_reason_nobody_knows_keeps_its_name_and_goes_by_its_status() -> None:
    """Unless it is no word."""
    assert apns_reasons.read(Said(400, b'{"reason":"BadWeather"}')).outcome == Rejected(
        "BadWeather"
    )
    long = json.dumps({"reason": "x" * 900}).encode()
    assert apns_reasons.read(Said(400, long)).outcome == Rejected("x" * 60)
    assert apns_reasons.read(Said(400, b'{"reason":"a token: 77"}')).outcome == Rejected(
        "status 400"
    )


def test_half_an_answer_decides_nothing_but_acceptance() -> None:
    """A 410 whose reason never came takes no token."""
    for read in (apns_reasons.read, fcm_reasons.read):
        assert read(Said(200, b"", whole=False)).outcome == Delivered()
        for status in (400, 403, 404, 410, 500):
            assert read(Said(status, b'{"rea', whole=False)).outcome == TryLater("cut")


FCM_ERROR = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
BAD_REQUEST = "type.googleapis.com/google.rpc.BadRequest"
QUOTA = "type.googleapis.com/google.rpc.QuotaFailure"


def google(
    status: int, word: str, code: str = "", message: str = "", *more: dict[str, Any]
) -> bytes:
    """An error as Google writes it."""
    details = [*([{"@type": FCM_ERROR, "errorCode": code}] if code else []), *more]
    return json.dumps(
        {"error": {"code": status, "message": message, "status": word, "details": details}}
    ).encode()


def violation(field: str) -> dict[str, Any]:
    """A BadRequest of one field."""
    return {"@type": BAD_REQUEST, "fieldViolations": [{"field": field, "description": "no"}]}


NOT_VALID = "The registration token is not a valid FCM registration token"
DENIED, UNKNOWN, EXHAUSTED = "PERMISSION_DENIED", "UNAUTHENTICATED", "RESOURCE_EXHAUSTED"
SENDER, THIRD, OVER = "SENDER_ID_MISMATCH", "THIRD_PARTY_AUTH_ERROR", "QUOTA_EXCEEDED"
DEVICE = {
    "@type": QUOTA,
    "violations": [{"subject": "device:77", "description": "Device rate exceeded"}],
}
INVALID = "INVALID_ARGUMENT"
FCM: list[tuple[int, bytes, Outcome, Remedy]] = [
    (404, google(404, "NOT_FOUND", "UNREGISTERED"), TokenDead("UNREGISTERED"), Remedy.none),
    (400, google(400, INVALID, INVALID, NOT_VALID), Rejected(INVALID, mistoken=True), Remedy.none),
    (400, google(400, INVALID, INVALID, "", violation("message.token")), Rejected(INVALID, mistoken=True), Remedy.none),
    (400, google(400, INVALID, INVALID, NOT_VALID, violation("message.data[0].value")),
     Rejected("INVALID_ARGUMENT message.data[0].value"), Remedy.none),
    (400, google(400, INVALID, INVALID, "Message too big"), Rejected(INVALID), Remedy.none),
    (400, google(400, INVALID, "", "Invalid JSON payload"), Rejected(INVALID), Remedy.none),
    (403, google(403, DENIED, SENDER), Rejected(SENDER, mistoken=True), Remedy.none),
    (403, google(403, DENIED), CredentialFault(DENIED), Remedy.none),
    (404, google(404, "NOT_FOUND"), CredentialFault("NOT_FOUND"), Remedy.none),
    (401, google(401, UNKNOWN, THIRD), TryLater(THIRD, 600.0, "device"), Remedy.none),
    (401, google(401, UNKNOWN), CredentialFault(UNKNOWN), REFRESH),
    (429, google(429, EXHAUSTED, OVER), TryLater(OVER, 60.0, "provider"), Remedy.none),
    (429, google(429, EXHAUSTED, OVER, "", DEVICE), TryLater(OVER, 60.0, "device"), Remedy.none),
    (503, google(503, "UNAVAILABLE", "UNAVAILABLE"), TryLater("UNAVAILABLE", 10.0), Remedy.none),
    (500, google(500, "INTERNAL", "INTERNAL"), TryLater("INTERNAL", 10.0), Remedy.none),
    (502, b"<html>bad gateway", TryLater("status 502", 10.0), Remedy.none),
    (400, b"", Rejected("status 400"), Remedy.none),
    (404, b"<html>not here", CredentialFault("status 404"), Remedy.none),
    (200, b"nonsense", Delivered(), Remedy.none),
]  # fmt: skip


@pytest.mark.parametrize(("status", "body", "outcome", "remedy"), FCM)
def test_firebases_reasons(status: int, body: bytes, outcome: Outcome, remedy: Remedy) -> None:
    """One row each."""
    assert fcm_reasons.read(Said(status, body)) == Verdict(outcome, remedy)


def test_retry_after_holds_up_the_whole_provider_but_not_for_a_device() -> None:
    """Whoever says when is not asked before."""
    busy = google(503, "UNAVAILABLE", "UNAVAILABLE")
    assert fcm_reasons.read(Said(503, busy, True, 30.0)).outcome == TryLater(
        "UNAVAILABLE", 30.0, "provider"
    )
    device = google(429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED", "", DEVICE)
    assert fcm_reasons.read(Said(429, device, True, 5.0)).outcome == TryLater(
        "QUOTA_EXCEEDED", 5.0, "device"
    )
    assert apns_reasons.read(
        Said(503, b'{"reason":"ServiceUnavailable"}', True, 9.0)
    ).outcome == TryLater("ServiceUnavailable", 9.0, "provider")


KEYS = """
    error details @type errorCode reason status fieldViolations field violations message timestamp
""".split()  # noqa: SIM905  # eleven quoted words read worse
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(
    st.integers(1, 599),
    st.one_of(JSON.map(lambda value: json.dumps(value).encode()), st.binary(max_size=60)),
)
def test_no_answer_raises(status: int, body: bytes) -> None:
    """Whatever it is; and only a 200 is a delivery, only what says so a dead token."""
    for read in (apns_reasons.read, fcm_reasons.read):
        outcome = read(Said(status, body)).outcome
        assert isinstance(outcome, Delivered) == (status == 200)
        if isinstance(outcome, TokenDead):
            assert (
                status == 410 or b"Unregistered" in body or b"Expired" in body or b"UNREG" in body
            )


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0), (" 0 ", 0.0), ("999999999999", 3600.0), ("Tue, 14 Nov 2023 22:13:50 GMT", 30.0),
        ("Tue, 14 Nov 2023 22:13:10 GMT", 0.0), ("Tue, 14 Nov 2033 22:13:10 GMT", 3600.0), ("soon", None), ("-5", None),
        ("", None), ("1.5", None), ("٣", None), ("Tue, 99 Nov 2023 99:99:99 GMT", None),
    ],
)  # fmt: skip
def test_retry_after_is_seconds_or_a_date(value: str, seconds: float | None) -> None:
    """Bounded by an hour; what is nonsense counts as not said."""
    assert retry_after_s(value, NOW_MS) == seconds
