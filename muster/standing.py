"""Where people stand with regard to events: what Redis keeps of it between two pieces of evidence.

    load --judge--> move: only if nobody else has moved it since; else load and judge again
    due set --take_due--> any hub looks again at whom nothing was heard of

A standing is one small value (muster/place.py packs it) per person and event, with a version that is never the same
twice. Two phones of one person on two hubs are thus one machine. It holds no position, only in which ring around the
border, tens of metres wide, the last few fixes were, and
Redis forgets it by itself soon after `keep_until_ms`.

What may go wrong, and who makes up for it:

- A process dies between Postgres and here: the next evidence is judged again, and what it says is recorded already.
- Redis loses everything, or what one node of a cluster held: those buckets are closed, every call about them raises
  `Lost`, until somebody has put back what Postgres knows (`Rebuilding`).
- Redis fails over to a replica that lagged: `Health.is_doubted`, told once to every object, for the same to be done.
- Redis does not answer: `Unreachable`; nothing is known of the outcome, and saying the same again does no harm.

Owns these contracts alone. stores/redis keeps standings in Redis, tests/fakes/standing.py in memory; both pass
tests/contracts/test_standing.py.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final, NamedTuple, Protocol

from muster.ids import PersonId, RoomId
from muster.roll import Unreachable as Unreachable  # noqa: PLC0414  # one fault, whatever Redis was asked

HAND_S: Final = 10.0
"""Longer than anybody looks at what they took out of the due set; then others do."""


class Lost(Exception):
    """Redis has lost what it held, and nobody has put it back yet."""


class Key(NamedTuple):
    """One person with regard to one event."""

    person: PersonId
    room: RoomId


class Kept(NamedTuple):
    """A standing as it was found; `version` 0: there is none."""

    version: int
    state: bytes


NONE: Final = Kept(0, b"")


class Move(NamedTuple):
    """Put `state` in the place of that `version` (0: of none); an empty one: forget it.

    Looked at again at `due_ms`; None: not by itself.
    """

    key: Key
    version: int
    state: bytes
    keep_until_ms: int
    due_ms: int | None


class Due(NamedTuple):
    """Whose time has come, and by how much the oldest of all has waited."""

    keys: list[Key]
    late_ms: int


class Health(NamedTuple):
    """`is_lost`: some buckets are closed. `is_doubted`: another process answers than when this was last asked."""

    is_lost: bool
    is_doubted: bool


Rebuilding = dict[int, bytes]
"""The mark of a rebuilding, by bucket: whoever loses everything in the middle of it does not find its mark again."""


class Standings(Protocol):
    """Raises `Unreachable` within a second or two, whatever happens. Calls may overlap."""

    async def load(
        self, people: Collection[PersonId], *, closed: bool = False
    ) -> dict[PersonId, dict[RoomId, Kept]]:
        """All that is kept of these people. Raises `Lost`, but to whoever rebuilds (`closed`)."""
        ...

    async def move(self, moves: Sequence[Move], *, closed: bool = False) -> list[int]:
        """Each by itself: its new version; 0: it was not what it should have been, nothing is done.

        What is forgotten answers -1. Raises `Lost` likewise; some may be done.
        """
        ...

    async def take_due(self, most: int) -> Due:
        """Whose time has come, of each bucket up to so many; for HAND_S nobody else gets them. None of what is lost."""
        ...

    async def look(self) -> Health:
        """Whether something has to be put back."""
        ...

    async def begin(self) -> Rebuilding:
        """Begin to put back what was lost, perhaps beside others who do the same."""
        ...

    async def finish(self, rebuilding: Rebuilding) -> None:
        """Everything is back: open those buckets, unless they have lost everything again since it began."""
        ...
