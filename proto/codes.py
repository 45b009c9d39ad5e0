"""Error codes and close codes: one table each.

Owns the numbers and names that clients act on, on the socket and in REST problem documents.
Must never carry a sentence about one particular failure: that is the `message` beside the code.

The shape (code, message, temporary) and the ranges that carry advice are those of Centrifugo's
client protocol, so that an old client reacts rightly to a code it has never seen.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final, NamedTuple


class Code(IntEnum):
    """Why a request was not done. `TEMPORARY`: the same request may succeed later."""

    internal = 100
    unauthorized = 101
    not_found = 102
    permission_denied = 103
    bad_request = 104
    too_large = 105
    limit_exceeded = 106
    conflict = 107
    unavailable = 108
    token_expired = 109
    too_many_requests = 110
    archived = 111
    upgrade_required = 112
    already_done = 113
    silenced = 114
    slow_mode = 115
    agreement_required = 116


TEMPORARY: Final = frozenset(
    {Code.internal, Code.unavailable, Code.too_many_requests, Code.slow_mode}
)
"""Codes after which the client repeats the same request, with the same client id, after a pause.

`unavailable` and `internal` on a post mean *outcome unknown*: only the same client id is safe.
"""

HTTP_STATUS: Final[dict[Code, int]] = {
    Code.internal: 500,
    Code.unauthorized: 401,
    Code.not_found: 404,
    Code.permission_denied: 403,
    Code.bad_request: 400,
    Code.too_large: 413,
    Code.limit_exceeded: 422,
    Code.conflict: 409,
    Code.unavailable: 503,
    Code.token_expired: 401,
    Code.too_many_requests: 429,
    Code.archived: 409,
    Code.upgrade_required: 426,
    Code.already_done: 409,
    Code.silenced: 403,
    Code.slow_mode: 429,
    Code.agreement_required: 403,
}


class CloseAdvice(NamedTuple):
    """What a close code tells the client: come back or not, and whether the session resumes."""

    reconnect: bool
    meaning: str


class Close(IntEnum):
    """Close codes of our own. 4000-4499: come back. 4500-4999: stop, a person must act."""

    shutdown = 4000
    slow = 4001
    no_pong = 4002
    internal = 4003
    token_expired = 4004
    too_many_requests = 4005
    stale = 4006
    replaced = 4007
    unauthorized = 4500
    bad_frame = 4501
    too_large = 4502
    revoked = 4503
    banned = 4504
    upgrade_required = 4505
    flood = 4506
    protocol_violation = 4507
    agreement_required = 4508


CLOSE_TABLE: Final[dict[Close, CloseAdvice]] = {
    Close.shutdown: CloseAdvice(
        True, "this hub goes away; wait retry_after_ms, then resume elsewhere"
    ),
    Close.slow: CloseAdvice(True, "the socket did not take what it was sent; resume"),
    Close.no_pong: CloseAdvice(True, "nothing was heard for the heartbeat time; resume"),
    Close.internal: CloseAdvice(True, "a fault of the server's; resume after a pause"),
    Close.token_expired: CloseAdvice(True, "fetch a new access token first, then come back"),
    Close.too_many_requests: CloseAdvice(True, "too many sockets just now; wait, then come back"),
    Close.stale: CloseAdvice(
        True, "no authentication arrived in time; come back when there is a token"
    ),
    Close.replaced: CloseAdvice(True, "the same device opened a newer socket"),
    Close.unauthorized: CloseAdvice(False, "the token is not valid; log in"),
    Close.bad_frame: CloseAdvice(False, "a frame could not be read; the client has a fault"),
    Close.too_large: CloseAdvice(False, "a frame or message was over the limit"),
    Close.revoked: CloseAdvice(False, "the session was logged out; log in"),
    Close.banned: CloseAdvice(False, "the account is banned"),
    Close.upgrade_required: CloseAdvice(False, "this version of the app is no longer served"),
    Close.flood: CloseAdvice(False, "frames kept coming far above the limits"),
    Close.protocol_violation: CloseAdvice(False, "the WebSocket protocol itself was broken"),
    Close.agreement_required: CloseAdvice(
        False, "the terms now in force are to be accepted first; come back afterwards"
    ),
}


CLIENTS_FAULT: Final = frozenset({1002, 1003, 1007, 1008, 1009, 1010})
"""The WebSocket's own codes for a client that does it wrong: it would come back and do the same again."""


def may_reconnect(code: int | None) -> bool:
    """Whether a client comes back after this close code; `None` is a connection that just broke.

    Codes below 4000 are the WebSocket's own: those that blame the client say stop, all others come back.
    """
    if code is None or code < 4000:
        return code not in CLIENTS_FAULT
    return code < 4500
