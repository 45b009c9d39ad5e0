"""Which hub to connect to.

Owns the order: the preferred one first, the next after a failure. Pure. Must never open anything.
"""

from __future__ import annotations

from collections.abc import Sequence


class Hubs:
    """The hubs' addresses and which one is current."""

    def __init__(self, urls: Sequence[str], prefer: int = 0) -> None:
        if not urls:
            raise ValueError("there is no hub to connect to")
        self._urls = list(urls)
        self._current = prefer % len(self._urls)

    @property
    def url(self) -> str:
        """Where to connect now."""
        return self._urls[self._current]

    def failed(self) -> None:
        """The current one does not serve: try the next."""
        self._current = (self._current + 1) % len(self._urls)
