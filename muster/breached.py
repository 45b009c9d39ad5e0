"""Lists of breached passwords in a file, as MUSTER_BREACHED_FILE names it.

    of hashes   SHA-1 in hex, one a line and in order, whole or only its first letters, with or without `:count`, as
                Have I Been Pwned gives it. Memory-mapped and bisected: 40 GB take no memory of ours
    of words    one password a line, in any order; held as 8 bytes each, whatever its case

Owns reading them. Must never keep a password, and never ask anybody: looking one up leaves no trace outside.
"""

from __future__ import annotations

import mmap
import re
from array import array
from bisect import bisect_left
from collections.abc import Iterator
from hashlib import sha1
from pathlib import Path
from typing import BinaryIO, Final

from muster.guessable import Guessable
from muster.password_policy import KnownPasswords

WORDS_BYTES: Final = 256 << 20
"""A list of words larger than this takes too long at every start: hash and sort it."""

_HASH: Final = re.compile(rb"[0-9A-Fa-f]{10,40}(?=[:\r\n]|$)")
_SAMPLES: Final = 1_000
_SHORT_BYTES: Final = 8


class BreachedError(Exception):
    """The file cannot be used; the message is a plain sentence."""


class Hashes:
    """A list of hashes."""

    def __init__(self, file: BinaryIO, where: str) -> None:
        """Maps the file. Raises `BreachedError` if it is not in order, as far as some samples tell."""
        self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        first = _HASH.match(self._line(0)[0])
        assert first is not None  # by it the caller knew what the file is
        self._width = len(first.group())
        size = len(self._map)
        heads = [self._line(size * at // _SAMPLES)[0] for at in range(_SAMPLES)]
        if heads != sorted(heads) or not all(map(_HASH.match, heads)):
            self._map.close()
            raise BreachedError(f"{where} is no list of hashes in order: sort it")

    def has(self, password: str) -> bool:
        """See `KnownPasswords`: some 35 looks into the file."""
        wanted = _digest(password).hex().upper().encode()[: self._width]
        low, high = 0, len(self._map)
        while low < high:
            line, start, end = self._between(low, (low + high) // 2, high)
            if line == wanted:
                return True
            if line < wanted:
                low = end + 1
            else:
                high = start
        return False

    def _line(self, at: int) -> tuple[bytes, int, int]:
        return self._between(0, at, len(self._map))

    def _between(self, low: int, at: int, high: int) -> tuple[bytes, int, int]:
        """The head of the line that the byte `at` is of, where it begins, and where its end mark is."""
        start = self._map.rfind(b"\n", low, at) + 1 or low
        end = self._map.find(b"\n", at, high)
        end = high if end < 0 else end
        return self._map[start : min(end, start + self._head())].upper(), start, end

    def _head(self) -> int:
        return getattr(self, "_width", 2 * 20)


class Words:
    """A list of words."""

    def __init__(self, lines: Iterator[bytes]) -> None:
        """What is no UTF-8 was never typed here."""
        self._heads = array("Q", sorted({_short(line) for line in lines}))

    def __len__(self) -> int:
        return len(self._heads)

    def has(self, password: str) -> bool:
        """See `KnownPasswords`."""
        wanted = _short(password.encode("utf-8", "replace"))
        at = bisect_left(self._heads, wanted)
        return at < len(self._heads) and self._heads[at] == wanted


def known_passwords(path: Path | None) -> KnownPasswords:
    """The list in this file; without one the common ones that we know. Raises `BreachedError`."""
    return Guessable() if path is None else open_breached(path)


def open_breached(path: Path) -> KnownPasswords:
    """The list in this file. Raises `BreachedError`."""
    try:
        with path.open("rb") as file:
            head = file.readline(1_000)
            if not head.strip():
                raise BreachedError(f"{path} is empty")
            if _HASH.match(head):
                return Hashes(file, str(path))
            file.seek(0, 2)
            if file.tell() > WORDS_BYTES:
                raise BreachedError(
                    f"{path} is a list of words of more than {WORDS_BYTES >> 20} MiB: make it one of"
                    " SHA-1 hashes, in order"
                )
            file.seek(0)
            return Words(line.strip(b"\r\n") for line in file if line.strip())
    except (OSError, ValueError) as error:
        raise BreachedError(f"{path} cannot be read: {error}") from None


def _digest(password: str) -> bytes:
    return sha1(password.encode("utf-8", "replace"), usedforsecurity=False).digest()


def _short(word: bytes) -> int:
    folded = word.decode("utf-8", "replace").casefold()
    return int.from_bytes(_digest(folded)[:_SHORT_BYTES], "big")
