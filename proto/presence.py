"""The frames of presence: whose is heard, and how it is told.

Owns them; `frames.py` tells them anew under its own name. Must never hold a rule of who may see whom
(muster/presence.py).
"""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from msgspec import Meta, field

from proto import limits
from proto.bases import Client, Server
from proto.shapes import PersonPresence, PresenceForm

WatchedPeople = Annotated[list[UUID], Meta(max_length=limits.WATCHED_PEOPLE)]
WatchedRooms = Annotated[list[UUID], Meta(max_length=limits.WATCHED_ROOMS)]


class Watch(Client, frozen=True, tag=17):
    """Replace whose presence this socket hears: my contacts, these people, who is in these rooms.

    Answered by `Presences`; then changes follow. Whom I may not see is as if they were never there.
    """

    contacts: bool = False
    people: WatchedPeople = field(default_factory=list)
    rooms: WatchedRooms = field(default_factory=list)


class Presences(Server, frozen=True, tag=78):
    """How people I watch are now; a push changes what came before.

    `whole`: whoever is not named is offline; the answer to `Watch` is whole. Not `known`: nothing is known of anybody
    just now, which is not offline; a whole one follows as soon as there is something to say.
    """

    people: list[PersonPresence]
    whole: bool = False
    known: bool = True


class RoomPresence(Server, frozen=True, tag=79):
    """How the presence of a room I watch is told, by its size.

    names: by `Presences` of its members. sample: of my contacts among them; here `online` and some names, every 2 s
    when it has changed. count: `online` alone; null: nobody counts in a room so large.
    """

    room: UUID
    form: PresenceForm
    online: int | None
    people: list[PersonPresence]
