"""`Refused` as an RFC 9457 problem document, with the code of the frame table.

Owns this translation. Must never tell more than the sentence a `Refused` carries.
"""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import Struct
from starlette.responses import Response

from muster.errors import Refused
from proto.codes import HTTP_STATUS, Code

MEDIA_TYPE: Final = "application/problem+json"
_RETRY_AFTER_MS: Final = 1_000

TITLES: Final[dict[Code, str]] = {
    Code.internal: "A fault of the server's",
    Code.unauthorized: "Not logged in",
    Code.not_found: "Not found",
    Code.permission_denied: "Not allowed",
    Code.bad_request: "Not understood",
    Code.too_large: "Too large",
    Code.limit_exceeded: "Over a limit",
    Code.conflict: "In conflict with what is",
    Code.unavailable: "Not available just now",
    Code.token_expired: "The access token has expired",
    Code.too_many_requests: "Too many requests",
    Code.archived: "The room is archived",
    Code.upgrade_required: "This version is no longer served",
    Code.already_done: "Already done",
    Code.silenced: "Silenced",
    Code.slow_mode: "Too soon for this room",
    Code.agreement_required: "New terms to be accepted",
}


class Problem(Struct, frozen=True):
    """What every error looks like. `code` and `name` are those of the protocol's table of errors."""

    type: str
    title: str
    status: int
    detail: str
    code: int
    name: str
    temporary: bool


def problem(refused: Refused, status: int | None = None) -> Response:
    """The response for `refused`; `status` where HTTP has a finer word than the table."""
    code = refused.code
    status = status or HTTP_STATUS[code]
    body = Problem(
        type=f"urn:muster:problem:{code.name}",
        title=TITLES[code],
        status=status,
        detail=refused.message,
        code=int(code),
        name=code.name,
        temporary=refused.temporary,
    )
    headers = {}
    if refused.temporary or refused.retry_after_ms is not None:
        wait_ms = refused.retry_after_ms or _RETRY_AFTER_MS
        headers["Retry-After"] = str(max(1, -(-wait_ms // 1_000)))
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return Response(
        msgspec.json.encode(body), status_code=status, headers=headers, media_type=MEDIA_TYPE
    )
