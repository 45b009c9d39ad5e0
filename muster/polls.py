"""Polls: messages that ask, what they may ask, where they stand, and their closing in time.

Owns the rules of a poll's words and the shapes of its standing. Must never count or close: ops do, under the room's
lock. Of an anonymous poll nothing here says who chose what, to anybody but the voter.
"""

from __future__ import annotations

from typing import Final, Protocol

import msgspec
from msgspec import Struct

from muster import cursor
from muster.errors import Refused, not_found
from muster.ids import PersonId, RoomId
from muster.permission import Relation, RoomKind
from muster.rooms import may_see
from muster.words import line
from proto import limits
from proto.codes import Code
from proto.entry import Poll

KIND: Final = "poll"
"""Of the job that closes one; post_poll_v1 makes it with the message."""

WHO_MOST: Final = 10
"""Voters that a history page names per option, the latest; `votes` lists them all."""


_NEWEST: Final = 2**53


class Standing(Struct, frozen=True, gc=False):
    """Where a poll stands, by option: how often it is chosen, by whom of late (never of an anonymous poll).

    `mine`: what I chose. `voters`: how many people chose anything.
    """

    counts: list[int]
    mine: list[int]
    voters: int
    who: list[list[PersonId]]
    closed: bool


class PollVote(Struct, frozen=True, gc=False):
    """What somebody chose, by the entry `seq`."""

    person: PersonId
    choices: list[int]
    seq: int


class VotePage(Struct, frozen=True, gc=False):
    """A page of votes, the latest first."""

    votes: list[PollVote]
    cursor: str | None


class Asked(Struct, frozen=True, gc=False):
    """What a reader is to a room, and a poll of it that they may see."""

    kind: RoomKind
    relation: Relation
    anonymous: bool | None


class VoteStore(Protocol):
    """Where votes are read from, cut to the reader's spans and blocks. `None`: no such room for them."""

    async def votes(
        self, room: RoomId, reader: PersonId, target: int, before: int, limit: int
    ) -> tuple[Asked, list[PollVote]] | None:
        """Up to `limit` votes before `before`, the latest first. No `anonymous`: there is no such poll."""
        ...


def checked(question: str, poll: Poll) -> Poll:
    """`poll` with its options as they are shown. Raises `Refused`: `bad_request`. When it may close Postgres judges."""
    if not 1 <= len(question.strip()) <= limits.POLL_QUESTION_CHARS:
        sentence = f"a poll's text is its question, of 1 to {limits.POLL_QUESTION_CHARS} characters"
        raise Refused(Code.bad_request, sentence)
    options = [
        line("an option", option, limits.POLL_OPTION_CHARS, least=1) for option in poll.options
    ]
    if len({option.casefold() for option in options}) < len(options):
        raise Refused(Code.bad_request, "the options of a poll differ from each other")
    return msgspec.structs.replace(poll, options=options)


class Polls:
    """Reads votes for somebody."""

    def __init__(self, store: VoteStore) -> None:
        self._store = store

    async def votes(
        self, room: RoomId, reader: PersonId, target: int, after: str | None, limit: int
    ) -> VotePage:
        """Who chose what. Raises `Refused`: `not_found`, or `permission_denied` of an anonymous poll."""
        before = _NEWEST if after is None else cursor.read(after)[0]
        found = await self._store.votes(room, reader, target, before, limit)
        if found is None:
            raise not_found()
        asked, votes = found
        may_see(asked.kind, asked.relation)
        if asked.anonymous is None:
            raise Refused(Code.not_found, "this room has no such poll")
        if asked.anonymous:
            raise Refused(Code.permission_denied, "this poll is anonymous")
        more = len(votes) == limit
        return VotePage(votes, cursor.write(votes[-1].seq, room) if more else None)
