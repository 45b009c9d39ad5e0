"""Validators: an answer that the client has already is not sent again (RFC 9110, 8.8 and 13.1.2).

Owns ETag, If-None-Match, and which of an answer's two forms goes out, since a strong tag names one of them. Must never
let a shared cache keep an answer, nor any cache use one without asking.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from starlette.responses import Response

from muster.encoded import Encoded

JSON: Final = "application/json"
IN_A_THREAD_BYTES: Final = 128 * 1024
"""From here on the compression around us does it, beside the loop."""

_HEADERS: Final = {"Cache-Control": "private, no-cache", "Vary": "Accept-Encoding"}


def validated(
    answer: Encoded, asked: Mapping[bytes, bytes], status: int, more: Mapping[str, str]
) -> Response:
    """The answer with its validator, or 304 without it."""
    # By the same words as the compression around us, which else would change what this tag names.
    packed = answer.is_large and b"gzip" in asked.get(b"accept-encoding", b"")
    tag = answer.tag(packed=packed)
    headers = {**more, **_HEADERS, "ETag": tag}
    if names(asked.get(b"if-none-match", b""), tag):
        return Response(None, 304, headers)
    if packed and len(answer.content) < IN_A_THREAD_BYTES:
        headers["Content-Encoding"] = "gzip"
        return Response(answer.packed(), status, headers, JSON)
    if answer.is_large:
        del headers["Vary"]  # the compression around us adds it, again
    return Response(answer.content, status, headers, JSON)


def names(condition: bytes, tag: str) -> bool:
    """Whether an If-None-Match names `tag`. A weak one names the same bytes (releases before gave weak tags)."""
    if not condition:
        return False
    given = [one.strip().removeprefix("W/") for one in condition.decode("latin-1").split(",")]
    return tag in given or given == ["*"]
