"""Threads: a message and the messages that reply to it.

Owns which seqs a page of replies covers. Must never read outside a member's spans. A thread is one level deep: what
replies to a reply is that reply's thread, so a client that wants one thread replies to its root.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from msgspec import Struct

from muster.errors import not_found
from muster.history import Item
from muster.ids import PersonId, RoomId
from muster.permission import Relation, RoomKind
from muster.rooms import may_see


class ThreadPage(Struct, frozen=True, gc=False):
    """A message and some of its replies in order of seq, as of `head`. `more`: there are replies after these.

    Deleted replies are gone from a thread; their places stay in the room's history.
    """

    room: RoomId
    head: int
    root: Item
    replies: list[Item]
    more: bool


class Thread(NamedTuple):
    """What was read: the room, what the reader is to it, the root if they may see it, and replies."""

    kind: RoomKind
    relation: Relation
    head: int
    root: Item | None
    replies: list[Item]


class ThreadStore(Protocol):
    """Where threads are read from, cut to the reader's spans and blocks. `None`: no such room for them."""

    async def thread(
        self, room: RoomId, reader: PersonId, root: int, after: int, limit: int
    ) -> Thread | None:
        """The first `limit` replies after the seq `after`."""
        ...


async def thread_of(
    store: ThreadStore, room: RoomId, reader: PersonId, root: int, after: int, limit: int
) -> ThreadPage:
    """A page of a thread. Raises `Refused`: `not_found`, for the room and for the message alike."""
    found = await store.thread(room, reader, root, after, limit + 1)
    if found is None:
        raise not_found()
    may_see(found.kind, found.relation)
    if found.root is None:
        raise not_found()
    replies = found.replies[:limit]
    return ThreadPage(room, found.head, found.root, replies, len(found.replies) > limit)
