"""Privacy: who may write to somebody, find them, and see them.

Owns the circles, the settings and their defaults. Must never judge a particular pair of people: Postgres does
(allows_v1), where it also knows who is whose contact.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

from msgspec import Struct

from muster.errors import Refused
from muster.ids import PersonId
from muster.op import PrivacyChange
from muster.people import unknown_person
from proto.codes import Code


class PrivacyCircle(StrEnum):
    """How near somebody must be. Each circle holds those after it.

    A room-mate shares a group or an event with me; a room or an event that anyone may join makes nobody one.
    """

    everyone = "everyone"
    room_mates = "room-mates"
    contacts = "contacts"
    nobody = "nobody"


class Privacy(Struct, frozen=True, gc=False):
    """Who may do what with me.

    `message`: write to me first; others' direct rooms land in my Requests, and with `nobody` they cannot be made, nor
    can anyone invite me. `find`: by the beginning of handle or name. `find_by_handle`: by the whole handle.
    """

    message: PrivacyCircle
    find: PrivacyCircle
    find_by_handle: PrivacyCircle
    online: PrivacyCircle
    events: PrivacyCircle


class PrivacyStore(Protocol):
    """Where settings are read."""

    async def privacy(self, person: PersonId) -> Privacy | None: ...


def privacy_change(
    message: PrivacyCircle | None,
    find: PrivacyCircle | None,
    find_by_handle: PrivacyCircle | None,
    online: PrivacyCircle | None,
    events: PrivacyCircle | None,
) -> PrivacyChange:
    """A change of settings; what is `None` stays. Raises `Refused`: `bad_request` where all are."""
    change = PrivacyChange(
        message=message, find=find, find_by_handle=find_by_handle, online=online, events=events
    )
    if change == PrivacyChange():
        raise Refused(
            Code.bad_request, "name at least one of message, find, find_by_handle, online, events"
        )
    return change


async def privacy_of(store: PrivacyStore, person: PersonId) -> Privacy:
    """Somebody's settings. Raises `Refused`: `not_found`."""
    found = await store.privacy(person)
    if found is None:
        raise unknown_person()
    return found
