"""One request on its way and what became of it.

Owns the three ends there are: an `Answer`, `Unsent` and `Unanswered`. Must never be logged: fields and body hold
tokens and people's words.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

Fields = Sequence[tuple[bytes, bytes]]
"""Header fields, lower case, those that begin with a colon first."""


class Unsent(Exception):
    """It was surely not acted on: sending it again does no harm. The reason is one word."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Unanswered(Exception):
    """It was sent whole and no answer came: perhaps it was acted on. The reason is one word."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Answer(NamedTuple):
    """`whole`: false where the status came and the connection ended before the rest."""

    status: int
    fields: Fields
    body: bytes
    whole: bool

    def field(self, name: bytes) -> str:
        """The first header field of this name; empty if there is none."""
        for key, value in self.fields:
            if key == name:
                return value.decode("latin-1")
        return ""


End = Answer | Unsent | Unanswered


class Exchange:
    """A request; `done` has its end. `sent`: all of it was handed to the connection."""

    __slots__ = (
        "began_s",
        "body",
        "deadline_s",
        "done",
        "fields",
        "heard",
        "left",
        "parts",
        "sent",
        "status",
        "stream",
        "tries",
    )

    def __init__(
        self, fields: Fields, body: bytes, done: asyncio.Future[Answer], deadline_s: float
    ) -> None:
        self.fields = fields
        self.body = body
        self.done = done
        self.deadline_s = deadline_s
        self.tries = 0
        self.start(0, 0.0)

    def start(self, stream: int, now_s: float) -> None:
        """It is about to be sent, perhaps again."""
        self.stream = stream
        self.began_s = now_s
        self.left = self.body
        self.sent = False
        self.status = 0
        self.heard: Fields = ()
        self.parts: list[bytes] = []

    def answer(self, *, whole: bool) -> Answer:
        """What came so far."""
        parts = self.parts
        body = parts[0] if len(parts) == 1 else b"".join(parts)
        return Answer(self.status, self.heard, body, whole)

    def cut(self, reason: str) -> End:
        """How it ends when nothing more comes."""
        if self.status:
            return self.answer(whole=False)
        return Unanswered(reason) if self.sent else Unsent(reason)
