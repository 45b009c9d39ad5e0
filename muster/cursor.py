"""Cursors: where the next page of a list begins, as one opaque word.

Owns how they are written and read. A cursor is no secret and proves nothing: a forged one only begins
somewhere else, within what its bearer may see anyway.
"""

from __future__ import annotations

import base64
from typing import Final, NamedTuple
from uuid import UUID

import msgspec

from muster.errors import Refused
from proto.codes import Code


class Place(NamedTuple):
    """An entry among those of many rooms, ordered by time."""

    at_ms: int
    room: UUID
    seq: int


class Spot(NamedTuple):
    """A place in a list of rooms (time, room) and one of contacts (seq, person), read side by side.

    `anew`: of everything, not of changes. `rooms` null: from the beginning, or with `rooms_done` past the end.
    """

    anew: bool
    rooms: tuple[int, UUID] | None
    contacts: tuple[int, UUID]
    rooms_done: bool = False


LAST: Final = UUID(int=2**128 - 1)
"""After every id."""

_DECODER: Final = msgspec.msgpack.Decoder(tuple[int, UUID])
_PLACES: Final = msgspec.msgpack.Decoder(tuple[int, UUID, int])
_SPOTS: Final = msgspec.msgpack.Decoder(
    tuple[bool, tuple[int, UUID] | None, tuple[int, UUID], bool]
)
_ENCODER: Final = msgspec.msgpack.Encoder(uuid_format="bytes")
_MOST: Final = 2**53


def write(number: int, id: UUID) -> str:  # noqa: A002  # it is an id of whatever is listed
    """The cursor after the row that is ordered by `number`, then `id`."""
    return _word((number, id))


def read(cursor: str) -> tuple[int, UUID]:
    """The reverse of `write`. Raises `Refused` for what never was a cursor."""
    try:
        number, after = _DECODER.decode(_bytes(cursor))
    except (ValueError, msgspec.MsgspecError):
        raise _foreign() from None
    if not -_MOST <= number <= _MOST:
        raise _foreign()
    return number, after


def write_place(place: Place) -> str:
    """The cursor after this entry."""
    return _word(tuple(place))


def read_place(cursor: str) -> Place:
    """The reverse of `write_place`. Raises `Refused` likewise."""
    try:
        at_ms, room, seq = _PLACES.decode(_bytes(cursor))
    except (ValueError, msgspec.MsgspecError):
        raise _foreign() from None
    if not (-_MOST <= at_ms <= _MOST and 0 <= seq <= _MOST):
        raise _foreign()
    return Place(at_ms, room, seq)


def write_spot(spot: Spot) -> str:
    """The cursor after this place."""
    return _word(tuple(spot))


def read_spot(cursor: str) -> Spot:
    """The reverse of `write_spot`. Raises `Refused` likewise."""
    try:
        spot = Spot(*_SPOTS.decode(_bytes(cursor)))
    except (ValueError, msgspec.MsgspecError):
        raise _foreign() from None
    numbers = (spot.contacts[0], *(spot.rooms or ())[:1])
    if not all(-_MOST <= number <= _MOST for number in numbers):
        raise _foreign()
    return spot


def _word(parts: tuple[object, ...]) -> str:
    return base64.urlsafe_b64encode(_ENCODER.encode(parts)).rstrip(b"=").decode()


def _bytes(cursor: str) -> bytes:
    """Raises `ValueError` (binascii.Error is one)."""
    return base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)


def _foreign() -> Refused:
    return Refused(Code.bad_request, "this cursor was not made by this list")
