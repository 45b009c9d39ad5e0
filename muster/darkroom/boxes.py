"""Files made of boxes (MP4, QuickTime, M4A): their notes on place, maker and time blanked where they stand.

    moov/udta, moov/meta, trak/udta ...   become `free` boxes full of zeros; no offset in the file moves
    uuid (XMP, makers' own)               the same

Owns which boxes those are. Must never grow a file or read one into memory: a few headers, by seeking, a bounded
number of them.
"""

from __future__ import annotations

import struct
from typing import BinaryIO, Final

from muster.media import Refusal, Unfit

_BOXES_MOST: Final = 20_000
_DEPTH_MOST: Final = 8
_INSIDE: Final = frozenset({b"moov", b"trak", b"mdia", b"minf", b"moof", b"traf", b"edts"})
_NOTES: Final = frozenset({b"udta", b"meta", b"uuid", b"xml ", b"\xa9xyz", b"loci"})
_CHUNK: Final = bytes(65_536)


def blank(file: BinaryIO, size: int) -> int:
    """How many boxes were blanked. Raises `Unfit` for what is not well-formed."""
    return _Blanking(file).walk(0, size, 0)


class _Blanking:
    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._seen = 0

    def walk(self, at: int, end: int, depth: int) -> int:
        if depth > _DEPTH_MOST:
            raise Unfit(Refusal.unreadable)
        blanked = 0
        while at + 8 <= end:
            self._seen += 1
            if self._seen > _BOXES_MOST:
                raise Unfit(Refusal.too_costly)
            head, length = self._head(at, end)
            kind = self._kind
            if kind in _NOTES:
                self._blank(at, head, length)
                blanked += 1
            elif kind in _INSIDE:
                blanked += self.walk(at + head, at + length, depth + 1)
            at += length
        # QuickTime ends a list of boxes with four zeros.
        if depth and end - at not in (0, 4):
            raise Unfit(Refusal.unreadable)
        return blanked

    def _head(self, at: int, end: int) -> tuple[int, int]:
        """How long the head is, and the box with it."""
        self._file.seek(at)
        raw = self._file.read(16)
        length, self._kind = struct.unpack(">I4s", raw[:8])
        head = 8
        if length == 1 and len(raw) == 16:
            (length,) = struct.unpack(">Q", raw[8:])
            head = 16
        elif length == 0:
            length = end - at
        if length < head or at + length > end:
            raise Unfit(Refusal.unreadable)
        return head, length

    def _blank(self, at: int, head: int, length: int) -> None:
        self._file.seek(at + 4)
        self._file.write(b"free")
        self._file.seek(at + head)
        left = length - head
        while left > 0:
            left -= self._file.write(_CHUNK[: min(left, len(_CHUNK))])
