"""GOAWAY, cut out of what a server sends.

    bytes --Cut--> the same without GOAWAY, for h2; and what each GOAWAY said

h2 takes a GOAWAY for the end of everything, while a server that says it goes on answering what it has. Owns finding
frames in a stream of bytes. What is no proper GOAWAY is left in, for h2 to refuse. Must never hold back more than one.
"""

from __future__ import annotations

from typing import Final, NamedTuple

_HEAD: Final = 9
_GOAWAY: Final = 7
_LEAST: Final = 8
_MOST: Final = 16_384
_STREAM_BITS: Final = 0x7FFFFFFF


class GoAway(NamedTuple):
    """Streams after `last_stream` were not and will not be acted on."""

    last_stream: int
    error: int
    said: bytes


class Cut:
    """One direction of one connection."""

    def __init__(self) -> None:
        self._held = b""
        self._passing = 0  # bytes of a frame that is let through, still to come

    def feed(self, data: bytes) -> tuple[bytes, list[GoAway]]:
        """What h2 is to see of `data`, and what was cut out of it."""
        if self._held:
            data, self._held = self._held + data, b""
        at, size = self._passing, len(data)
        kept: list[bytes] = []
        found: list[GoAway] = []
        begin = 0
        while at + _HEAD <= size:
            length = data[at] << 16 | data[at + 1] << 8 | data[at + 2]
            end = at + _HEAD + length
            if (
                data[at + 3] == _GOAWAY
                and _LEAST <= length <= _MOST
                and not any(data[at + 5 : at + 9])
            ):
                if end > size:
                    break
                kept.append(data[begin:at])
                found.append(_read(data[at + _HEAD : end]))
                begin = end
            at = end
        if at < size:
            self._held = data[at:]
            self._passing = 0
        else:
            self._passing = at - size
        if not found and not self._held:
            return data, found
        kept.append(data[begin : min(at, size)])
        return b"".join(kept), found


def _read(payload: bytes) -> GoAway:
    last = int.from_bytes(payload[:4], "big") & _STREAM_BITS
    return GoAway(last, int.from_bytes(payload[4:8], "big"), payload[8:])
