"""Time-based one-time codes (RFC 6238), and the rules by which one is believed.

    step_of    which step of the clock a code is of, among the one that is and its neighbours
    judge      right, wrong, replayed or locked, and what is to be kept of it

A code is right once: its step is kept, and neither it nor an earlier one is right again. Five that are not right lock,
twice as long each time, up to a day: at that pace nobody guesses one in a year. Every try counts before it is
judged, since the store holds the row while this is asked. Owns these rules. Pure: must never read a clock or a store.
"""

from __future__ import annotations

import base64
import hmac
from enum import Enum
from typing import Final

import pyotp
from msgspec import Struct
from msgspec.structs import replace

from muster.ids import Random

PERIOD_S: Final = 30
DIGITS: Final = 6
WINDOW: Final = 1
"""Steps before and after: phones' clocks are late, and so are people."""

SECRET_BYTES: Final = 20
"""160 bits, as RFC 4226 recommends for SHA-1, the one hash that every app knows."""

TRIES: Final = 5
LOCK_MS: Final = 15 * 60_000
LOCK_MOST_MS: Final = 24 * 3_600_000


class Verdict(Enum):
    """What becomes of a code."""

    right = "right"
    wrong = "wrong"
    replayed = "replayed"
    locked = "locked"


class State(Struct, frozen=True, gc=False):
    """What is kept of the codes that were tried. `tries` begin anew after each lock."""

    last_step: int = 0
    tries: int = 0
    locks: int = 0
    locked_until_ms: int = 0


class Judged(Struct, frozen=True, gc=False):
    """The verdict, and the state from now on."""

    verdict: Verdict
    state: State


def new_secret(random: Random) -> bytes:
    """Of a new factor."""
    return random.getrandbits(8 * SECRET_BYTES).to_bytes(SECRET_BYTES, "big")


def shown(secret: bytes) -> str:
    """The secret as people type it into an app: base32."""
    return base64.b32encode(secret).decode()


def uri(secret: bytes, account: str, issuer: str) -> str:
    """The secret as apps read it: an otpauth:// address, for a link or a QR code."""
    code = pyotp.TOTP(shown(secret), digits=DIGITS, interval=PERIOD_S)
    return code.provisioning_uri(name=account, issuer_name=issuer)


def step_of(secret: bytes, code: str, now_ms: int) -> int | None:
    """The step that `code` is of; None: of none that is near. All are compared, whichever fits."""
    codes = pyotp.TOTP(shown(secret), digits=DIGITS, interval=PERIOD_S)
    now = now_ms // 1_000 // PERIOD_S
    given = code.encode("utf-8", "replace")
    found = None
    for step in range(max(0, now - WINDOW), now + WINDOW + 1):
        if hmac.compare_digest(codes.generate_otp(step).encode(), given):
            found = step
    return found


def judge(state: State, now_ms: int, *, step: int | None = None, recovery: bool = False) -> Judged:
    """The rules above. `step`: of the code that was given; `recovery`: it is an unused recovery code instead."""
    if state.locked_until_ms > now_ms:
        return Judged(Verdict.locked, state)
    if recovery:
        return Judged(Verdict.right, State(state.last_step))
    if step is not None and step > state.last_step:
        return Judged(Verdict.right, State(step))
    verdict = Verdict.wrong if step is None else Verdict.replayed
    if state.tries + 1 < TRIES:
        return Judged(verdict, replace(state, tries=state.tries + 1))
    lock_ms = min(LOCK_MS << min(state.locks, 10), LOCK_MOST_MS)
    locked = State(state.last_step, 0, state.locks + 1, now_ms + lock_ms)
    return Judged(verdict, locked)
