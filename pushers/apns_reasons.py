"""Apple's reasons, as data: what each of them means for a push.

Owns the table. Pure. A reason that is not in it goes by its status; nothing that is answered raises.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from pushers.outcome import CredentialFault, Delivered, Outcome, Rejected, TokenDead, TryLater
from pushers.verdict import Remedy, Said, Verdict

UPDATES_S: Final = 60.0
"""A connection on which the token changed too often is left alone."""

_REASON_CHARS: Final = 60

_OUR_FAULT: Final = """
    BadCollapseId BadExpirationDate BadMessageId BadPriority BadTopic DuplicateHeaders InvalidPushType
    MissingDeviceToken MissingTopic PayloadEmpty BadPath MethodNotAllowed PayloadTooLarge
    BadChannelId MissingChannelId ChannelNotRegistered CannotCreateChannelConfig FeatureNotEnabled
    InvalidPushTypeForChannel
""".split()  # noqa: SIM905  # nineteen quoted words read worse
_NO_TOKEN_OF_OURS: Final = ("BadDeviceToken", "DeviceTokenNotForTopic", "TopicDisallowed")
_CREDENTIALS: Final = """
    InvalidProviderToken MissingProviderToken Forbidden BadCertificate BadCertificateEnvironment
    UnrelatedKeyIdInToken BadEnvironmentKeyIdInToken BadEnvironmentKeyInToken
""".split()  # noqa: SIM905  # the same

REASONS: Final[Mapping[str, Verdict]] = {
    **{reason: Verdict(Rejected(reason)) for reason in _OUR_FAULT},
    **{reason: Verdict(Rejected(reason, mistoken=True)) for reason in _NO_TOKEN_OF_OURS},
    # Another key of the team on this connection, or one whose rights changed: a new one may know it.
    **{reason: Verdict(CredentialFault(reason), Remedy.reconnect) for reason in _CREDENTIALS},
    "ExpiredProviderToken": Verdict(CredentialFault("ExpiredProviderToken"), Remedy.refresh),
    "Unregistered": Verdict(TokenDead("Unregistered")),
    "ExpiredToken": Verdict(TokenDead("ExpiredToken")),
    "IdleTimeout": Verdict(TryLater("IdleTimeout", 0.0), Remedy.reconnect),
    "TooManyRequests": Verdict(TryLater("TooManyRequests", scope="device")),
    "TooManyProviderTokenUpdates": Verdict(
        TryLater("TooManyProviderTokenUpdates", UPDATES_S, scope="provider"), Remedy.reconnect
    ),
    "InternalServerError": Verdict(TryLater("InternalServerError")),
    "ServiceUnavailable": Verdict(TryLater("ServiceUnavailable", scope="provider")),
    "Shutdown": Verdict(TryLater("Shutdown", 0.0), Remedy.reconnect),
}


def read(said: Said) -> Verdict:
    """What this answer means."""
    if said.status == 200:
        return Verdict(Delivered())
    if not said.whole:
        return Verdict(TryLater("cut", said.retry_after_s))
    body = _object(said.body)
    reason = body.get("reason")
    known = REASONS.get(reason) if isinstance(reason, str) else None
    verdict = known or by_status(said.status, reason)
    outcome = verdict.outcome
    if isinstance(outcome, TokenDead):
        outcome = outcome._replace(before_ms=_timestamp(body))
    elif isinstance(outcome, TryLater) and said.retry_after_s is not None:
        outcome = outcome._replace(after_s=said.retry_after_s)
    return verdict._replace(outcome=outcome)


def by_status(status: int, reason: object = None) -> Verdict:
    """What a status says by itself."""
    named = reason if isinstance(reason, str) and reason.isalnum() else f"status {status}"
    named = named[:_REASON_CHARS]
    outcome: Outcome
    if status in (401, 403):
        outcome = CredentialFault(named)
    elif status == 410:
        outcome = TokenDead(named)
    elif status == 429:
        outcome = TryLater(named, scope="device")
    elif 400 <= status < 500:
        outcome = Rejected(named)
    else:
        outcome = TryLater(named)
    return Verdict(outcome)


def _object(body: bytes) -> dict[str, Any]:
    """What is no JSON object says nothing."""
    try:
        decoded = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return {}
    return decoded if isinstance(decoded, dict) else {}


def _timestamp(body: Mapping[str, Any]) -> int | None:
    """Milliseconds; what cannot be one is none."""
    at_ms = body.get("timestamp")
    if isinstance(at_ms, bool) or not isinstance(at_ms, int) or not 0 < at_ms < 2**53:
        return None
    return at_ms
