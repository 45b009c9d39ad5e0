"""What a phone tells the app on it.

Owns the calls, each of which does nothing here: an app overrides what it shows. Calls come from the
event loop and must not wait.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from loadtest.client.connection import Closed
from loadtest.client.rest import Page
from proto.frames import Count, Entry, Head, Pointer, Ready, ServerFrame, Submission, TypingNow


class App:
    """An app that shows nothing."""

    def connected(self, ready: Ready, url: str) -> None:
        """A socket is open, authenticated and resumed."""

    def disconnected(self, closed: Closed, pause_s: float) -> None:
        """It is gone; the next attempt comes after `pause_s`."""

    def heard(self, frame: ServerFrame) -> None:
        """A frame came, just as it is, before anything follows from it."""

    def asked(self, positions: Sequence[tuple[UUID, int | None]]) -> None:
        """The phone names these positions to the hub: to resume, or to attend."""

    def unsure(self, submission: Submission, why: str) -> None:
        """What was sent has no answer that counts: it may be committed or not, and will be sent again."""

    def fetched(self, room: UUID, after: int, page: Page) -> None:
        """A page of history came for what is missing after `after`."""

    def room_opened(self, room: UUID) -> None:
        """I am in this room; its history can be fetched."""

    def room_closed(self, room: UUID, at: int) -> None:
        """I am no longer in it; `at` is the seq up to which I got it."""

    def entry(self, entry: Entry) -> None:
        """The next entry of a room or of my self log: once each, in order, without holes."""

    def head(self, head: Head) -> None:
        """A room that is not live has moved."""

    def typing(self, typing: TypingNow) -> None:
        """Somebody types."""

    def pointer(self, pointer: Pointer) -> None:
        """Somebody has received or read up to here."""

    def count(self, count: Count) -> None:
        """A large room has so many members."""
