"""Entry codes: what the hosts' QR code says, by which somebody shows that they stand at the door.

    muster:1:<event>:<step>:<first 16 bytes of HMAC-SHA256(a secret of ours, event and step)>

The secret is one of the signing keys for this purpose: it changes with them, lies in no database, and what was made
by the key before is believed. A new code each STEP_MS, good for GOOD_MS from its step's beginning, so that a picture
of it that is sent home is soon worth nothing. Owns their form and their judging. Pure: the time is passed in. Must
never hold or log a secret.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from muster.errors import Refused
from muster.ids import RoomId
from proto.codes import Code

STEP_MS: Final = 30_000
GOOD_MS: Final = 120_000
_AHEAD_MS: Final = 30_000
"""How far the clocks of two of our processes may lie apart."""

PURPOSE: Final = "entry codes"
"""What the secrets are for (`muster.keys.Ring.secrets`)."""

_PREFIX: Final = "muster:1:"
_MAC_BYTES: Final = 16
CODE_CHARS: Final = 96
"""None is longer."""


def code_at(room: RoomId, secret: bytes, now_ms: int) -> tuple[str, int, int]:
    """The code of this moment, when the next one takes its place, and until when it is good (Unix ms)."""
    step = now_ms // STEP_MS
    begins_ms = step * STEP_MS
    word = f"{_PREFIX}{room.hex}:{step}:{_mac(room, secret, step)}"
    return word, begins_ms + STEP_MS, begins_ms + GOOD_MS


def check(code: str, room: RoomId, secrets: Sequence[bytes], now_ms: int) -> None:
    """Whether it opens this event now, made by any of these. Raises `Refused`: `bad_request`, with what to do."""
    step = _step(code, room, secrets)
    begins_ms = step * STEP_MS
    if begins_ms > now_ms + _AHEAD_MS:
        raise _foreign()
    if now_ms >= begins_ms + GOOD_MS:
        raise Refused(Code.bad_request, "this code has expired; scan the one that is shown now")


def _step(code: str, room: RoomId, secrets: Sequence[bytes]) -> int:
    """The step of a code that we made for this event. Raises `Refused`."""
    if not code.startswith(_PREFIX) or not code.isascii():
        raise _foreign()
    event, _, rest = code.removeprefix(_PREFIX).partition(":")
    number, _, mac = rest.partition(":")
    if not number.isdecimal() or len(number) > len("99999999999") or event != room.hex:
        raise _foreign()
    step = int(number)
    if not any(hmac.compare_digest(mac, _mac(room, secret, step)) for secret in secrets):
        raise _foreign()
    return step


def _mac(room: UUID, secret: bytes, step: int) -> str:
    whole = hmac.digest(secret, b"check-in" + room.bytes + step.to_bytes(8), "sha256")
    return base64.urlsafe_b64encode(whole[:_MAC_BYTES]).rstrip(b"=").decode()


def _foreign() -> Refused:
    return Refused(Code.bad_request, "this code does not belong to this event")
