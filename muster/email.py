"""Addresses of mail: what one is, and the form in which it is unique.

Owns these rules. Two addresses are the same one when they differ in nothing but the case of letters, or in how the
domain is written. Dots and what follows a plus are left alone: what they mean is each provider's own affair. Must
never do I/O, and never quote an address in an error.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

import idna

from muster.errors import Refused
from muster.sealer import Field
from proto.codes import Code

FIELD: Final = Field("emails", "address_sealed")
CHARS: Final = 254
"""What a mail server takes at most (RFC 5321)."""

_LOCAL_CHARS: Final = 64
_LOCAL: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_LABEL: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


class Email(NamedTuple):
    """An address as mail is sent to it. Its repr hides it."""

    address: str

    @property
    def unique(self) -> bytes:
        """The form in which it is somebody's."""
        return self.address.lower().encode()

    def __repr__(self) -> str:
        return "Email()"


def email(text: str) -> Email:
    """The address that `text` is. Raises `Refused`: `bad_request`.

    No quotes, comments, addresses of machines or letters beyond ASCII before the @; the domain may have them (IDNA).
    """
    local, at, domain = text.strip().rpartition("@")
    if not at or len(local) > _LOCAL_CHARS or not _LOCAL.fullmatch(local):
        raise _bad()
    try:
        name = idna.encode(domain, uts46=True, transitional=False).decode().lower()
    except (idna.IDNAError, UnicodeError):
        raise _bad() from None
    labels = name.split(".")
    whole = f"{local}@{name}"
    if len(labels) < 2 or labels[-1].isdigit() or len(whole) > CHARS:
        raise _bad()
    if not all(_LABEL.fullmatch(label) for label in labels):
        raise _bad()
    return Email(whole)


def _bad() -> Refused:
    return Refused(Code.bad_request, "this is not an address that mail can be sent to")
