"""What somebody wants of pushes at all: how much, and when it is quiet.

Owns the shape that REST and sync give and the bounds of a change. Must never decide about a push: pushers/decide.py
does, with these and the level of the room.
"""

from __future__ import annotations

from typing import Annotated, Literal, Protocol

from msgspec import Meta, Struct

from muster.errors import Refused
from muster.ids import PersonId, self_room
from muster.op import Op, PushChange
from muster.permission import ALLOW, Action
from proto.codes import Code

Level = Literal["all", "mentions", "none"]
Minute = Annotated[int, Meta(ge=0, le=1_439)]
"""Of the day, in a device's own zone."""


class PushWishes(Struct, frozen=True, gc=False):
    """`level`: the most that any room may push. Quiet from one minute of the day to the other, over midnight too;
    equal: never. `urgent_through`: mentions and direct messages ring in quiet hours.
    """

    level: Level = "all"
    quiet_from_min: int = 0
    quiet_to_min: int = 0
    urgent_through: bool = False


class WishesReader(Protocol):
    """Where they are read."""

    async def wishes(self, person: PersonId) -> PushWishes:
        """The defaults where nothing was ever changed."""
        ...


def change_wishes(author: PersonId, client_id: str, change: PushChange) -> Op:
    """Change them, through the self log; what is absent stays. Raises `Refused`: `bad_request` where all is."""
    if change == PushChange():
        raise Refused(
            Code.bad_request,
            "name at least one of level, quiet_from_min, quiet_to_min, urgent_through",
        )
    return Op("push", self_room(author), author, client_id, ALLOW[Action.own], body=change)
