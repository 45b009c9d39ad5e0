"""What the session rules ask the connection to do: one small frozen struct each.

Owns the vocabulary between session.py (which decides) and connection.py (which does). Must never do anything.
"""

from __future__ import annotations

from msgspec import Struct

from proto import frames
from proto.codes import Close


class Authenticate(Struct, frozen=True, gc=False):
    """Find out whose token this is, and let the hub admit them."""

    frame: frames.Auth


class Submit(Struct, frozen=True, gc=False):
    """Commit this to its room's log, and answer with its seq."""

    frame: frames.Submission


class AskRooms(Struct, frozen=True, gc=False):
    """Ask the hub where every room stands, to make these rooms live, or whose presence is to be told."""

    frame: frames.Resume | frames.Attend | frames.Watch


class Place(Struct, frozen=True, gc=False):
    """Judge where somebody is, and answer with the verdicts."""

    frame: frames.Placing


class Typing(Struct, frozen=True, gc=False):
    """Tell who looks at the room."""

    frame: frames.Typing


class Pointers(Struct, frozen=True, gc=False):
    """Received or read positions, batched by the hub."""

    frame: frames.Received | frames.Read


class RefreshToken(Struct, frozen=True, gc=False):
    """Find out whether this token goes on where the old one ends."""

    frame: frames.Refresh


class Look(Struct, frozen=True, gc=False):
    """Note whether somebody looks at the app."""

    frame: frames.Attention


class TellTime(Struct, frozen=True, gc=False):
    """Answer a ping with the wall clock's time, which the rules do not know."""

    frame: frames.Ping


class Answer(Struct, frozen=True, gc=False):
    """Send this frame."""

    frame: frames.Server


class CloseWith(Struct, frozen=True, gc=False):
    """Say goodbye and close."""

    code: Close
    reason: str
    retry_after_ms: int | None = None


Effect = (
    Submit
    | Pointers
    | Typing
    | AskRooms
    | Place
    | Look
    | TellTime
    | Answer
    | RefreshToken
    | Authenticate
    | CloseWith
)
Effects = tuple[Effect, ...]
