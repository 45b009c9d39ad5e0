"""Firebase's reasons, as data: what each of them means for a push.

    status, FcmError.errorCode, BadRequest.fieldViolations, QuotaFailure, Retry-After --> one verdict

Owns the tables. Pure. A reason that is not in them goes by its status; nothing that is answered raises.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import msgspec

from pushers.outcome import CredentialFault, Delivered, Outcome, Rejected, TokenDead, TryLater
from pushers.verdict import Remedy, Said, Verdict

QUOTA_S: Final = 60.0
BUSY_S: Final = 10.0
THIRD_PARTY_S: Final = 600.0
_REASON_CHARS: Final = 60
_UNKNOWN: Final = "not a valid fcm registration token"
_TOKEN_FIELDS: Final = frozenset({"message.token", "message.fid"})

REASONS: Final[Mapping[str, Verdict]] = {
    "UNREGISTERED": Verdict(TokenDead("UNREGISTERED")),
    "INVALID_ARGUMENT": Verdict(Rejected("INVALID_ARGUMENT")),
    "SENDER_ID_MISMATCH": Verdict(Rejected("SENDER_ID_MISMATCH", mistoken=True)),
    "QUOTA_EXCEEDED": Verdict(TryLater("QUOTA_EXCEEDED", QUOTA_S, scope="provider")),
    "UNAVAILABLE": Verdict(TryLater("UNAVAILABLE", BUSY_S)),
    "INTERNAL": Verdict(TryLater("INTERNAL", BUSY_S)),
    # A key for Apple or for browsers is missing in the project. Only devices of that platform wait: what a token's
    # platform is we do not know, and a breaker would let one stranger's browser hold up everybody.
    "THIRD_PARTY_AUTH_ERROR": Verdict(
        TryLater("THIRD_PARTY_AUTH_ERROR", THIRD_PARTY_S, scope="device")
    ),
}


class _Error(NamedTuple):
    status: str
    message: str
    code: str
    fields: tuple[str, ...]
    quota: str


def read(said: Said) -> Verdict:
    """What this answer means."""
    if said.status == 200:
        return Verdict(Delivered())
    if not said.whole:
        return Verdict(TryLater("cut", said.retry_after_s))
    error = _error(said.body)
    verdict = REASONS.get(error.code) or by_status(said.status, error.status)
    outcome = verdict.outcome
    if isinstance(outcome, Rejected) and error.code == "INVALID_ARGUMENT":
        outcome = _invalid(error)
    elif error.code == "QUOTA_EXCEEDED" and "device" in (error.quota + error.message).lower():
        outcome = TryLater("QUOTA_EXCEEDED", QUOTA_S, scope="device")
    if isinstance(outcome, TryLater) and said.retry_after_s is not None:
        # Who says when is not to be asked by anybody before.
        scope = outcome.scope if outcome.scope == "device" else "provider"
        outcome = outcome._replace(after_s=said.retry_after_s, scope=scope)
    return verdict._replace(outcome=outcome)


def by_status(status: int, reason: str = "") -> Verdict:
    """What a status says by itself: without an FcmError it is about us, not about the device."""
    named = reason[:_REASON_CHARS] if reason.replace("_", "").isalnum() else f"status {status}"
    outcome: Outcome
    if status == 401:
        return Verdict(CredentialFault(named), Remedy.refresh)
    if status in (403, 404):
        outcome = CredentialFault(named)
    elif status == 429:
        outcome = TryLater(named, QUOTA_S, scope="provider")
    elif 400 <= status < 500:
        outcome = Rejected(named)
    else:
        outcome = TryLater(named, BUSY_S)
    return Verdict(outcome)


def _invalid(error: _Error) -> Outcome:
    """Our payload or their token: a violation names the field, else the message tells."""
    ours = [field for field in error.fields if field not in _TOKEN_FIELDS]
    if ours:
        return Rejected(f"INVALID_ARGUMENT {ours[0]}"[:_REASON_CHARS])
    return Rejected(
        "INVALID_ARGUMENT", mistoken=bool(error.fields) or _UNKNOWN in error.message.lower()
    )


def _error(body: bytes) -> _Error:
    """What is no error as Google writes one says nothing."""
    try:
        decoded = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        decoded = None
    error = _dict(_dict(decoded).get("error"))
    code, quota = "", ""
    fields: list[str] = []
    for detail in _list(error.get("details")):
        kind = _text(_dict(detail).get("@type"))
        if kind.endswith(".FcmError"):
            code = _text(detail.get("errorCode"))
        elif kind.endswith(".BadRequest"):
            found = _list(detail.get("fieldViolations"))
            fields += [_text(_dict(one).get("field")) for one in found]
        elif kind.endswith(".QuotaFailure"):
            found = _list(detail.get("violations"))
            for one in map(_dict, found):
                quota += f"{_text(one.get('subject'))} {_text(one.get('description'))} "
    return _Error(
        _text(error.get("status")), _text(error.get("message")), code, tuple(fields), quota
    )


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
