"""Invite links: a code that lets whoever has it into a room, until a time or so many times.

Owns what a link may be, and the one sentence for every link that leads nowhere. Must never count a use or let
anybody in: that is an op (join_by_link_v1), judged under the room's lock.
"""

from __future__ import annotations

import base64
from typing import Final, Protocol

from msgspec import Struct

from muster.clock import Clock
from muster.errors import Refused, not_found
from muster.ids import PersonId, Random, RoomId
from muster.op import LinkTerms
from muster.permission import PRESENT, Action, Relation, RoomKind, may
from proto.codes import Code

EXPIRES_IN_S: Final = 7 * 86_400
EXPIRES_IN_MOST_S: Final = 365 * 86_400
USES_MOST: Final = 100_000
_CODE_BYTES: Final = 16


class Link(Struct, frozen=True, gc=False):
    """One invite link, as those see it who may invite. `uses` null: without a bound."""

    code: str
    created_by: PersonId
    created_at_ms: int
    expires_at_ms: int
    uses: int | None
    used: int


class Links(Struct, frozen=True, gc=False):
    """The links of a room that still work, the newest first."""

    links: list[Link]


class LinkStore(Protocol):
    """Where links are read."""

    async def of_room(
        self, room: RoomId, reader: PersonId
    ) -> tuple[RoomKind, Relation, list[Link]] | None:
        """The links that work, and what `reader` is to the room; `None` if nothing."""
        ...

    async def where(self, code: str) -> tuple[RoomId, str] | None:
        """The room a link leads to and its title, while it works."""
        ...

    async def room_of(self, code: str) -> RoomId | None:
        """The room a link was made for, whether or not it still works."""
        ...


def new_terms(expires_in_s: int, uses: int | None, clock: Clock, random: Random) -> LinkTerms:
    """Terms with a fresh code: 128 random bits, which nobody guesses."""
    code = base64.urlsafe_b64encode(random.getrandbits(8 * _CODE_BYTES).to_bytes(_CODE_BYTES))
    return LinkTerms(
        code=code.rstrip(b"=").decode(),
        expires_at_ms=clock.now_ms() + expires_in_s * 1_000,
        uses=uses,
    )


def dead_link() -> Refused:
    """One answer for a link that never was, has expired, is used up or revoked, or is not for this person."""
    return Refused(Code.not_found, "this link does not lead anywhere (any more)")


async def links_of(store: LinkStore, room: RoomId, reader: PersonId) -> Links:
    """The links of a room, for those who may make them. Raises `Refused`."""
    found = await store.of_room(room, reader)
    if found is None:
        raise not_found()
    kind, relation, links = found
    if may(Action.invite, kind, relation):
        return Links(links)
    if relation in PRESENT or relation is Relation.invited:
        raise Refused(Code.permission_denied, "your role in this room does not allow that")
    raise not_found()
