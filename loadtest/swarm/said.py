"""What one person said and has no answer to yet.

Owns when an answer is too late, and that after a reconnect the same is said again under the same client id. Pure: the
clock is passed in. Must never hold more than a phone would.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import inf
from typing import Final
from uuid import UUID

from proto.frames import Post

ANSWERED_WITHIN_S: Final = 5.0
KEPT_MOST: Final = 100
"""While nobody is online; beyond it the oldest is given up."""


@dataclass(slots=True)
class Saying:
    """A post from the moment it was due. `answer_by` is infinite while it is not sent."""

    due: float
    room: UUID
    client_id: str
    text: str
    answer_by: float = inf


class Said:
    """In the order it was said."""

    __slots__ = ("_next", "_sent", "_waiting")

    def __init__(self, first_request: int) -> None:
        self._next = first_request
        self._sent: dict[int, Saying] = {}
        self._waiting: list[Saying] = []

    def __len__(self) -> int:
        return len(self._sent) + len(self._waiting)

    def say(self, saying: Saying) -> Saying | None:
        """Keep it until it is sent and answered; returns what is given up for it."""
        given_up = self._waiting.pop(0) if len(self._waiting) >= KEPT_MOST else None
        self._waiting.append(saying)
        return given_up

    def send(self, now: float) -> Iterator[Post]:
        """The frames of all that is not sent yet."""
        for saying in self._waiting:
            saying.answer_by = now + ANSWERED_WITHIN_S
            request, self._next = self._next, self._next + 1
            self._sent[request] = saying
            yield Post(request, saying.room, saying.client_id, saying.text)
        self._waiting.clear()

    def answered(self, request: int) -> Saying | None:
        """There is an answer to this request; None if nothing waits for it."""
        return self._sent.pop(request, None)

    def broken(self) -> None:
        """The socket is gone: all that has no answer is to be sent again, before what is new."""
        self._waiting = [*self._sent.values(), *self._waiting]
        self._sent.clear()

    def unanswered(self, now: float) -> list[Saying]:
        """What was sent and is given up now."""
        late = [number for number, saying in self._sent.items() if saying.answer_by <= now]
        return [self._sent.pop(number) for number in late]

    def next_at(self) -> float:
        """When to ask for what is unanswered."""
        return min((saying.answer_by for saying in self._sent.values()), default=inf)
