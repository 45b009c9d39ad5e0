"""What the mocks of push providers received, read from their diary while it is written.

Owns the reading, and that nothing of it was missed. Must never change what a service does.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

import httpx
import msgspec
from msgspec import Struct

from loadtest.bench.push_crowd import Mark

MOST: Final = 10_000


class _Entry(Struct, frozen=True):
    number: int
    at_ms: int
    service: str
    token: str
    id: str
    taken: bool


class Seen:
    """Of pushes that took effect: when each first did, and how often."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        """`http` asks the mocks' page."""
        self.first_ms: dict[Mark, int] = {}
        self.times: Counter[Mark] = Counter()
        self._http = http
        self._decoder = msgspec.json.Decoder(list[_Entry])
        self._number = 0

    @property
    def repeats(self) -> int:
        """How many took effect that had before."""
        return self.times.total() - len(self.times)

    async def look(self) -> None:
        """Read what came since. Raises `RuntimeError` where that was more than the mocks remember."""
        while True:
            asked = {"after": self._number, "most": MOST}
            answer = await self._http.get("/received", params=asked)
            answer.raise_for_status()
            entries = self._decoder.decode(answer.content)
            if not entries:
                return
            if entries[0].number != self._number + 1:
                raise RuntimeError("the mocks received more than could be read in time")
            for entry in entries:
                if entry.taken:
                    mark = Mark(entry.token, entry.id)
                    self.first_ms.setdefault(mark, entry.at_ms)
                    self.times[mark] += 1
            self._number = entries[-1].number
