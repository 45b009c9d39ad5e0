"""Cursors: where the next page of a list begins, as one opaque word.

Owns how they are written and read. A cursor is no secret and proves nothing: a forged one only begins
somewhere else, within what its bearer may see anyway.
"""

from __future__ import annotations

import base64
import binascii
from typing import Final
from uuid import UUID

import msgspec

from muster.errors import Refused
from proto.codes import Code

_Place = tuple[int, UUID]
_DECODER: Final = msgspec.msgpack.Decoder(_Place)
_ENCODER: Final = msgspec.msgpack.Encoder(uuid_format="bytes")
_MOST: Final = 2**53


def write(number: int, id: UUID) -> str:  # noqa: A002  # it is an id of whatever is listed
    """The cursor after the row that is ordered by `number`, then `id`."""
    return base64.urlsafe_b64encode(_ENCODER.encode((number, id))).rstrip(b"=").decode()


def read(cursor: str) -> tuple[int, UUID]:
    """The reverse of `write`. Raises `Refused` for what never was a cursor."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        number, after = _DECODER.decode(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        raise _foreign() from None
    if not -_MOST <= number <= _MOST:
        raise _foreign()
    return number, after


def _foreign() -> Refused:
    return Refused(Code.bad_request, "this cursor was not made by this list")
