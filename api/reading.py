"""Reading a request: bytes to checked values, with a bound on everything.

Owns what a well-formed request is. Whatever is not raises `Refused` with a sentence; nothing that passes here
can be refused by Postgres for its characters.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec
from starlette.datastructures import QueryParams
from starlette.types import Receive, Scope

from api.route import PATH_TYPES
from muster.errors import Refused, not_found
from proto.codes import Code

BODY_BYTES: Final = 65_536
QUERY_BYTES: Final = 4_096
_JSON: Final = b"application/json"
_AS_IT_IS: Final = b"identity"
_NUL_ESCAPED: Final = b"\\u0000"


class Gone(Exception):
    """The client went away before it had sent its request: there is nobody to answer."""


def check_media(headers: Mapping[bytes, bytes]) -> None:
    """A body is JSON as it is, and says so if it says anything. Raises `Refused`: `bad_request`.

    What a form of another site's page can send is none of it, and nothing is unpacked into more than was sent.
    """
    media = headers.get(b"content-type", _JSON).partition(b";")[0].strip().lower()
    if media != _JSON:
        raise _bad("a body's content-type is application/json")
    if headers.get(b"content-encoding", _AS_IT_IS).strip().lower() != _AS_IT_IS:
        raise _bad("a body is sent as it is, without content-encoding")


async def read_body(scope: Scope, receive: Receive) -> bytes:
    """The whole body. Raises `Refused`: `too_large`; and `Gone`."""
    announced = dict(scope["headers"]).get(b"content-length", b"0")
    if announced.isdigit() and int(announced[:20]) > BODY_BYTES:
        raise _too_large()
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Gone
        part = message.get("body", b"")
        size += len(part)
        if size > BODY_BYTES:
            raise _too_large()
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)


def _too_large() -> Refused:
    return Refused(Code.too_large, f"a body has at most {BODY_BYTES} bytes")


class BodyReader:
    """Decodes bodies of one type."""

    def __init__(self, kind: type[msgspec.Struct]) -> None:
        self._decoder = msgspec.json.Decoder(kind)

    def read(self, data: bytes) -> object:
        """The body as its type. Raises `Refused`: `bad_request`."""
        try:
            body = self._decoder.decode(data)
        except msgspec.ValidationError as invalid:
            raise _bad(f"the body is not as it must be: {invalid}") from None
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise _bad("the body is not well-formed JSON in UTF-8") from None
        except RecursionError:
            raise _bad("the body is nested too deep") from None
        if _NUL_ESCAPED in data and _holds_nul(msgspec.to_builtins(body)):
            raise _bad("a string holds a NUL character, which cannot be stored")
        return body


def read_query(kind: type[msgspec.Struct], raw: bytes) -> object:
    """The query string as its type. Raises `Refused`: `bad_request`."""
    if len(raw) > QUERY_BYTES:
        raise _bad(f"a query has at most {QUERY_BYTES} bytes")
    said = QueryParams(raw)
    values = dict(said)
    if len(values) < len(said.multi_items()):
        raise _bad("a query says each thing once")
    _refuse_nul(values.values())
    try:
        return msgspec.convert(values, kind, strict=False)
    except msgspec.ValidationError as invalid:
        raise _bad(f"the query is not as it must be: {invalid}") from None


def read_path(path_params: Mapping[str, Any]) -> dict[str, Any]:
    """The parts of a path as their types. Raises `Refused`: what cannot exist is not found."""
    _refuse_nul(path_params.values())
    try:
        return {
            name: msgspec.convert(value, PATH_TYPES[name], strict=False)
            for name, value in path_params.items()
        }
    except msgspec.ValidationError:
        raise not_found() from None


def _refuse_nul(values: Iterable[str]) -> None:
    for value in values:
        # What was no UTF-8 arrives as lone surrogates or U+FFFD, by the server in front.
        if "\x00" in value or _unencodable(value):
            raise _bad("a part of the address holds a character that cannot be stored")


def _unencodable(value: str) -> bool:
    return not value.isascii() and any("\ud800" <= one <= "\udfff" for one in value)


def _holds_nul(value: object) -> bool:
    """Recursive as deep as the body's type, which is shallow."""
    if isinstance(value, str):
        return "\x00" in value
    if isinstance(value, dict):
        return any(_holds_nul(key) or _holds_nul(item) for key, item in value.items())
    if isinstance(value, list | tuple):
        return any(_holds_nul(item) for item in value)
    return False


def _bad(sentence: str) -> Refused:
    return Refused(Code.bad_request, sentence)
