"""Header compression (HPACK) for many requests that differ in little and hold secrets.

Owns which field is compressed how: what is secret or long and different each time is written plain and never indexed
(the receiver is told never to do so either), what varies has its name indexed alone, the rest is one byte once it was
sent. No Huffman code for what is not indexed: in Python it costs more than all else of a request, and saves a quarter
of 270 bytes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from hpack import Encoder
from hpack.hpack import encode_integer

SECRET: Final = frozenset({b":path", b"authorization"})
VARYING: Final = frozenset({b"apns-id", b"apns-expiration", b"apns-collapse-id", b"content-length"})
_NEVER: Final = 0x10
_PLAIN: Final = 0x00
_NAME_BITS: Final = 4
_LENGTH_BITS: Final = 7
_KNOWN_MOST: Final = 256


class FieldEncoder(Encoder):
    """The encoder of one connection."""

    def __init__(self) -> None:
        super().__init__()
        # What a field was written as; true until something is inserted into the table.
        self._known: dict[tuple[bytes, bytes], bytes] = {}
        self._names: dict[tuple[bytes, int], bytes] = {}

    @property
    def header_table_size(self) -> int:
        """What the other side allows."""
        return self.header_table.maxsize

    @header_table_size.setter
    def header_table_size(self, value: int) -> None:
        self.header_table.maxsize = value
        if self.header_table.resized:
            self.table_size_changes.append(value)
        # Said twice before a block, the second time is no change; the first has yet to be told.
        self.header_table.resized = bool(self.table_size_changes)
        self._forget()

    def encode(self, headers: Iterable[Any], huffman: bool = True) -> bytes:
        """A header block. See `hpack.Encoder.encode`."""
        if self.header_table.resized:
            self._forget()
            return super().encode(headers, huffman)
        known, add = self._known, self.add
        block = []
        for field in headers:
            written = known.get(field)
            block.append(add(field, False, huffman) if written is None else written)
        return b"".join(block)

    def add(self, to_add: tuple[bytes, bytes], sensitive: bool, huffman: bool = False) -> bytes:
        """One field. See `hpack.Encoder.add`."""
        name, value = to_add
        if sensitive or name in SECRET:
            return self._name(name, _NEVER) + _text(value)
        if name in VARYING and self._is_indexed(name):
            return self._name(name, _PLAIN) + _text(value)
        before = list(self.header_table.dynamic_entries)
        written = super().add(to_add, False, huffman)
        if list(self.header_table.dynamic_entries) != before:
            self._forget()
        elif len(self._known) < _KNOWN_MOST:
            self._known[name, value] = written
        return written

    def _forget(self) -> None:
        self._known.clear()
        self._names.clear()

    def _is_indexed(self, name: bytes) -> bool:
        return (name, _PLAIN) in self._names or self.header_table.search(name, b"") is not None

    def _name(self, name: bytes, form: int) -> bytes:
        written = self._names.get((name, form))
        if written is None:
            match = self.header_table.search(name, b"")
            if match is None:
                written = bytes((form,)) + _text(name)
            else:
                index = encode_integer(match[0], _NAME_BITS)
                index[0] |= form
                written = bytes(index)
            self._names[name, form] = written
        return written


def _text(text: bytes) -> bytes:
    """Its length and itself, without Huffman code."""
    return bytes(encode_integer(len(text), _LENGTH_BITS)) + text
