"""What people may write where a line of text is shown: names, titles, topics, reasons.

Owns lengths and characters of such lines. Must never change what was written, but for blanks around it.
Messages are not lines: their text is free (proto/limits.py).
"""

from __future__ import annotations

import unicodedata

from muster.errors import Refused
from proto.codes import Code

# Characters that turn the direction of what follows: a name must not rewrite the line it stands in.
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_CONTROL = frozenset({"Cc", "Cs", "Zl", "Zp"})


def line(what: str, text: str, most: int, *, least: int = 0, breaks: bool = False) -> str:
    """`text` without blanks around it. Raises `Refused`; `breaks` allows line breaks and tabs."""
    text = text.strip()
    if not least <= len(text) <= most:
        raise Refused(Code.bad_request, f"{what} has {least} to {most} characters")
    for character in text:
        if breaks and character in "\n\r\t":
            continue
        if character in _TURNING or unicodedata.category(character) in _CONTROL:
            raise Refused(Code.bad_request, f"{what} holds a character that cannot be shown")
    return text
