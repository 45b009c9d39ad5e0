"""Sealers: what turns a sensitive field into bytes that mean nothing without the keys, and back.

Owns the shape alone. Must never know an algorithm or a key: muster/envelope.py does.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol


class Field(NamedTuple):
    """A column that lies sealed."""

    table: str
    column: str


class Unsealable(Exception):
    """These bytes are no seal of ours for this field and row, or their key is unknown. Holds nothing of them."""


class Sealer(Protocol):
    """Keys that are in memory: nothing here waits. All raise `Refused`: `unavailable` where a key is not known yet."""

    def seal(self, plain: bytes, field: Field, row: bytes) -> bytes:
        """Bound to the field and to the row's key: elsewhere it does not open."""
        ...

    def open(self, sealed: bytes, field: Field, row: bytes) -> bytes:
        """What was sealed. Raises `Unsealable`."""
        ...

    def blind(self, plain: bytes, field: Field) -> bytes:
        """32 bytes, the same for the same value of this field: what a unique index or a look-up compares."""
        ...
