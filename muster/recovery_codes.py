"""Recovery codes: ten words on paper, for whoever has lost the phone with the codes.

Owns how they look and what is kept of them. Pure. Must never be kept or logged: only the hash is.
"""

from __future__ import annotations

import hashlib
from typing import Final

from muster.ids import PersonId, Random

COUNT: Final = 10
_LETTERS: Final = "abcdefghjkmnpqrstvwxyz0123456789"
"""Thirty-two, without i, l, o and u: read aloud and copied by hand, none is taken for another."""

_CHARS: Final = 16
_GROUP: Final = 4
_BITS: Final = 5
_MEANT: Final = str.maketrans("ilou", "110v")


def new_codes(random: Random) -> list[str]:
    """Ten new ones, of 80 bits each, as they are shown: `xxxx-xxxx-xxxx-xxxx`."""
    return [_code(random.getrandbits(_BITS * _CHARS)) for _ in range(COUNT)]


def stored(person: PersonId, code: str) -> bytes | None:
    """What is kept of a code, however it was typed; None for what never was one."""
    plain = "".join(code.casefold().replace("-", " ").split()).translate(_MEANT)
    if len(plain) != _CHARS or not all(letter in _LETTERS for letter in plain):
        return None
    return hashlib.sha256(b"muster recovery" + person.bytes + plain.encode()).digest()


def _code(bits: int) -> str:
    letters = "".join(_LETTERS[bits >> (_BITS * at) & 31] for at in range(_CHARS))
    return "-".join(letters[at : at + _GROUP] for at in range(0, _CHARS, _GROUP))
