"""Which passwords may be taken: long enough, not too long, and not among those that everybody tries first.

    check      length -> the list of breached or common ones -> the person's own handle

No rule asks for kinds of characters, and none ends a password with time: neither makes people choose better ones (NIST
SP 800-63B). Owns these rules. Must never log, keep or send a password, and never cut one off.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

from muster.errors import Refused
from muster.metrics import IdentityMetrics
from muster.passwords import LEAST_CHARS, MOST_CHARS
from proto.codes import Code


class KnownPasswords(Protocol):
    """Passwords that others know: muster/breached.py, muster/guessable.py."""

    def has(self, password: str) -> bool:
        """May read a file: not for the loop."""
        ...


class PasswordPolicy:
    """Judges new passwords."""

    def __init__(self, known: KnownPasswords, metrics: IdentityMetrics) -> None:
        self._known = known
        self._metrics = metrics

    async def check(self, password: str, handle: str) -> None:
        """Raises `Refused`: `bad_request` unless the person of this handle may take `password`."""
        if not LEAST_CHARS <= len(password) <= MOST_CHARS:
            raise Refused(
                Code.bad_request, f"a password has {LEAST_CHARS} to {MOST_CHARS} characters"
            )
        if _names(password, handle) or await asyncio.to_thread(self._known.has, password):
            self._metrics.count("password_refused")
            raise Refused(Code.bad_request, "this password is too easily guessed; choose another")


def _names(password: str, handle: str) -> bool:
    """Whether it is the handle, with nothing but digits and signs around it."""
    bare = "".join(letter for letter in password.casefold() if letter.isalpha())
    return bool(handle) and bare == "".join(one for one in handle.casefold() if one.isalpha())
