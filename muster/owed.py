"""What people are owed: messages of which their phones have not rung yet.

    entries --candidates--> who may be owed something --read--> Owed --pushers/decide--> ... --settle-->
    notified

What is owed is no list: per person, room and provider there is one integer, `notified`: up to which seq
everything was
pushed, or finally decided not to be. What is after it and after the read pointer may be owed, and is judged
when it is
due, by what stands in Postgres then. So losing every queue loses nothing: `unsettled` finds all of it again.

Owns these shapes and the contract of the store. Must never decide (pushers/decide.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol
from uuid import UUID

from muster.push_device import Provider, PushDevice


class Key(NamedTuple):
    """Whom it is owed to, and of which room; bytes of both ids."""

    person: bytes
    room: bytes


class Fresh(NamedTuple):
    """A range of new messages of one room, as a lane brought them; bytes of ids. `named`: who is mentioned in
    them.
    """

    room: bytes
    from_seq: int
    to_seq: int
    authors: frozenset[bytes]
    named: frozenset[bytes]
    here: bool


class Candidate(NamedTuple):
    """Somebody who may be owed something of these messages and has a device there. `urgent`: direct, or
    mentioned.
    """

    key: Key
    provider: Provider
    urgent: bool
    is_read: bool = False
    """Nothing is owed, but what a phone shows was read elsewhere."""


class Message(NamedTuple):
    """One unread message as it reads now."""

    seq: int
    msg_no: int
    author: UUID
    author_name: str
    text: str
    has_media: bool
    mentions_me: bool
    at_ms: int


class News(NamedTuple):
    """What an event tells somebody: its id, and which news it is (`state` of an entry `notice`)."""

    event: UUID
    state: str


URGENT_NEWS: Final = frozenset({"invited", "cancelled"})
"""Of them; these are in the place of mentions: they ring in quiet hours where mentions do."""


class Wishes(NamedTuple):
    """What somebody wants of pushes at all. Minutes of the day in the device's zone; equal: no quiet hours.

    `level`: all, mentions or none, of every room that has none of its own. `urgent_through`: mentions and
    direct messages
    ring in quiet hours too. `busy_until_ms`: do not disturb.
    """

    level: str = "all"
    quiet_from_min: int = 0
    quiet_to_min: int = 0
    urgent_through: bool = False
    busy_until_ms: int = 0


class Owed(NamedTuple):
    """One person's room, as of one moment.

    `level`: the room's own, or None where nothing was chosen (then `all` in direct rooms and groups, `mentions` in
    public, announcement and event rooms, never more than `Wishes.level`). `messages`: the newest few that are after
    both `read_seq` and `notified`, visible to this person, not theirs, not deleted, author not hidden; `unread` counts
    all such, `mentions` those that name them. `through`: the head these were read at. `badge`: as the sync says it,
    over all rooms. `received`: per device of `devices`, up to where it said it holds the room.
    """

    key: Key
    room_kind: str
    title: str
    is_member: bool
    is_request: bool
    level: str | None
    muted_until_ms: int
    read_seq: int
    notified: int
    through: int
    messages: tuple[Message, ...]
    unread: int
    mentions: int
    badge: int
    wishes: Wishes
    devices: tuple[PushDevice, ...]
    received: tuple[int, ...]
    session_over: frozenset[UUID]
    """Devices whose session has ended by age: pushed at privacy generic, for 60 days at most."""

    first_ms: int = 0
    """When the oldest of `unread` came (Unix ms), which `messages` may not reach back to; 0: not known."""

    standing: int = 0
    """Messages after `read_seq` alone, rung or not: what a counted alert says; 0: not known."""

    news: News | None = None
    """Of a self log: the one notice of an event that `messages` then is, with its event's title, level and mute."""

    more: bool = False
    """There are more notices after `through`: they are about other things, and ring by themselves."""

    rung: int = 0
    """What the last alert that a provider accepted was about; 0: phones show nothing of the room."""

    waits_ms: int = 0
    """Since when somebody has waited, at the latest (Unix ms): where `unread` is no whole count, the oldest may have
    come before. 0: nobody does."""

    @property
    def is_shown_and_read(self) -> bool:
        """Whether all that phones show of this room was read, so that it is to go."""
        return 0 < self.rung <= self.read_seq


class Settled(NamedTuple):
    """Nothing up to `seq` is owed any more. `rung`: about this an alert was accepted, or may have been; 0: none.

    `gone`: what rang up to here is shown no more; 0: nothing was told of it.
    """

    key: Key
    seq: int
    rung: int = 0
    gone: int = 0


class OwedStore(Protocol):
    """Every call raises `Refused` (temporary) when Postgres does not answer in time."""

    async def candidates(self, fresh: Sequence[Fresh]) -> list[Candidate]:
        """Who may be owed something of these, by an index of members with level all and the mentioned: never a
        list of
        all members of a large room."""
        ...

    async def owed(self, provider: Provider, keys: Sequence[Key]) -> list[Owed]:
        """What is owed now, with devices of this provider alone; whoever is owed nothing and no member is left
        out.
        """
        ...

    async def settle(self, provider: Provider, settled: Sequence[Settled]) -> list[Key]:
        """Move `notified` forward; never back. Of what rang: whatever had been read before this was written."""
        ...

    async def shown_and_read(self, provider: Provider, keys: Sequence[Key]) -> list[Key]:
        """Those of which phones show something, all of it read."""
        ...

    async def unsettled(self, provider: Provider, after: Key | None, most: int) -> list[Candidate]:
        """Everything that may be owed, in order of keys after `after`: head > notified and head > read; and what is
        shown and was read.
        """
        ...

    async def drop_token(self, device: UUID, token: str, before_ms: int | None) -> bool:
        """Forget a token that the provider says is dead, if it was registered before; whether it was there."""
        ...
