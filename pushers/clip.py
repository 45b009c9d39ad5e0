"""Clipping: as much of a text as fits into so many bytes of JSON, never cut within what a reader sees as one character.

Flags, families, skin tones and letters with marks are several code points each (UAX 29); `regex` knows where one ends.

Owns measuring and cutting. Pure. Must never change what it keeps, but for halves of surrogate pairs, which are nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec
import regex

ELLIPSIS: Final = "\N{HORIZONTAL ELLIPSIS}"
LINE_BYTES: Final = 240
"""Of names and titles, as JSON: longer than any screen is wide."""

_CLUSTER: Final = regex.compile(r"\X")
_ENCODER: Final = msgspec.json.Encoder()
_QUOTES: Final = 2


def encoded(value: Any) -> bytes:
    """JSON, with everything beyond ASCII as UTF-8."""
    return _ENCODER.encode(value)


def size(text: str) -> int:
    """Bytes between the quotes."""
    return len(_ENCODER.encode(text)) - _QUOTES


def clip(text: str, most: int) -> str:
    """`text`, or so much of its beginning that it has at most `most` bytes as JSON, ellipsis included."""
    text = _sound(text)
    if size(text) <= most:
        return text
    left = most - size(ELLIPSIS)
    if left < 0:
        return ""
    end = 0
    # No code point is shorter than a byte: this much is too much already, so its last cluster is never kept.
    for cluster in _CLUSTER.finditer(text[: left + 2]):
        left -= size(cluster[0])
        if left < 0:
            break
        end = cluster.end()
    return text[:end] + ELLIPSIS


def line(text: str) -> str:
    """A name or title."""
    return clip(text, LINE_BYTES)


def fitted(body_of: Callable[[str], Any], text: str, most: int) -> bytes:
    """The JSON of `body_of` as much of `text` as keeps it within `most` bytes.

    What `body_of` makes must hold its text once, and be small enough without it.
    """
    room = most - len(encoded(body_of("")))
    return encoded(body_of(clip(text, room)))


def _sound(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode()
    return text
