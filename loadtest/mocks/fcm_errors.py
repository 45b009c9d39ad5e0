"""The bodies in which FCM refuses.

Owns the table of its error codes, and their details. Must never decide which applies.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from email.utils import formatdate
from typing import Final, NamedTuple

import msgspec

from loadtest.mocks.request import Reply

_TYPE: Final = "type.googleapis.com/"
_FCM_ERROR: Final = _TYPE + "google.firebase.fcm.v1.FcmError"
_BAD_REQUEST: Final = _TYPE + "google.rpc.BadRequest"
_QUOTA_FAILURE: Final = _TYPE + "google.rpc.QuotaFailure"
_ERROR_INFO: Final = _TYPE + "google.rpc.ErrorInfo"
_JSON: Final = ("content-type", "application/json; charset=UTF-8")


class Known(NamedTuple):
    """An error code of FCM: HTTP status, the status by which Google names it, its sentence."""

    http: int
    status: str
    message: str


CODES: Final[Mapping[str, Known]] = {
    "INVALID_ARGUMENT": Known(400, "INVALID_ARGUMENT", "Request contains an invalid argument."),
    "UNREGISTERED": Known(404, "NOT_FOUND", "Requested entity was not found."),
    "SENDER_ID_MISMATCH": Known(403, "PERMISSION_DENIED", "SenderId mismatch"),
    "QUOTA_EXCEEDED": Known(429, "RESOURCE_EXHAUSTED", "Quota exceeded."),
    "UNAVAILABLE": Known(503, "UNAVAILABLE", "The service is currently unavailable."),
    "INTERNAL": Known(500, "INTERNAL", "Internal error encountered."),
    "THIRD_PARTY_AUTH_ERROR": Known(
        401, "UNAUTHENTICATED", "Auth error from APNS or Web Push Service"
    ),
}
STATUSES: Final[Mapping[str, int]] = {
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "RESOURCE_EXHAUSTED": 429,
}
"""Refusals by what stands before FCM: they have no FcmError."""


class Violation(NamedTuple):
    """What is wrong with which field."""

    field: str
    description: str


def refused(
    code: str,
    *,
    message: str = "",
    violations: Sequence[Violation] = (),
    quota: str = "",
    status: int | None = None,
) -> Reply:
    """By FCM itself. `quota`: whose it is, `device` or `project`."""
    known = CODES[code]
    details: list[dict[str, object]] = [{"@type": _FCM_ERROR, "errorCode": code}]
    if violations:
        details.append(_bad_request(violations))
    if quota:
        why = f"Message rate of the {quota} exceeded"
        failed = [{"subject": quota, "description": why}]
        details.append({"@type": _QUOTA_FAILURE, "violations": failed})
    return _reply(
        known.http if status is None else status,
        known.status,
        message or known.message,
        details,
        code,
    )


def unreadable(violations: Sequence[Violation]) -> Reply:
    """By the gate before FCM, which reads the JSON."""
    said = "; ".join(one.description for one in violations)
    message = f"Invalid JSON payload received. {said}"
    return _reply(400, "INVALID_ARGUMENT", message, [_bad_request(violations)], "BadRequest")


def denied(status: str, message: str, info: str = "", http: int | None = None) -> Reply:
    """By the gate before FCM, which looks who asks. `info`: Google's reason."""
    details: list[dict[str, object]] = []
    if info:
        details.append({"@type": _ERROR_INFO, "reason": info, "domain": "googleapis.com"})
    code = http if http is not None else STATUSES.get(status, 400)
    return _reply(code, status, message, details, info or status)


def retry_after(reply: Reply, wait_s: int, now_ms: int, *, as_date: bool) -> Reply:
    """The same with the header, as seconds or as an HTTP date."""
    shown = formatdate(now_ms / 1_000 + wait_s, usegmt=True) if as_date else str(wait_s)
    return reply._replace(headers=(*reply.headers, ("retry-after", shown)))


def _bad_request(violations: Sequence[Violation]) -> dict[str, object]:
    return {"@type": _BAD_REQUEST, "fieldViolations": [one._asdict() for one in violations]}


def _reply(
    http: int, status: str, message: str, details: Sequence[Mapping[str, object]], reason: str
) -> Reply:
    error: dict[str, object] = {"code": http, "message": message, "status": status}
    if details:
        error["details"] = details
    return Reply(http, (_JSON,), msgspec.json.encode({"error": error}), reason)
