"""The request id of something that is no frame, so that its error reaches who asked.

Owns nothing. Must never be used on what did decode.
"""

from __future__ import annotations

from typing import Final

import msgspec


class _Head(msgspec.Struct, array_like=True):
    """The first two elements that every frame has; what follows is passed over."""

    kind: int
    id: int


_MSGPACK: Final = msgspec.msgpack.Decoder(_Head)
_JSON: Final = msgspec.json.Decoder(_Head)


def request_id(data: bytes, text: bool) -> int:
    """The id in `data` if it can still be read, else 0."""
    try:
        head = _JSON.decode(data) if text else _MSGPACK.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return 0
    return head.id if 0 <= head.id < 2**31 else 0
