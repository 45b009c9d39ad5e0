"""Fragments of one WebSocket message put together.

Owns the count of fragments, which the library does not bound (empty ones pass any size limit); the library
bounds their bytes. Must never look inside the message.
"""

from __future__ import annotations


class TooManyFragments(Exception):
    """A message came in more pieces than anyone needs."""


class Assembly:
    """One message on its way in pieces; made for its first fragment, gone with its last."""

    __slots__ = ("_limit", "_parts", "text")

    def __init__(self, text: bool, limit: int) -> None:
        self.text = text
        self._limit = limit
        self._parts: list[bytes] = []

    def add(self, data: bytes) -> None:
        """One more fragment. Raises `TooManyFragments`."""
        self._parts.append(data)
        if len(self._parts) > self._limit:
            raise TooManyFragments(f"a message has at most {self._limit} fragments")

    def message(self) -> bytes:
        """The whole of it."""
        return b"".join(self._parts)
