"""One message by itself, with what a notification shows beside it: where it was said, and by whom.

Owns that shape and where it is read. Must never show what the reader's history would not.
"""

from __future__ import annotations

from msgspec import Struct

from muster.errors import Refused
from muster.gallery import Gallery
from muster.history import History, Item, Way
from muster.ids import PersonId, RoomId
from muster.media import MediaInfo
from muster.people import PeopleStore
from muster.permission import RoomKind
from muster.rooms import Rooms
from proto.codes import Code
from proto.entry import EntryKind


class Single(Struct, frozen=True, gc=False):
    """A message as it reads now. `title`: the room's, empty in direct rooms. `author_name`: the app's `sender` where
    the app speaks; empty: the system. `media`: how its attachments are drawn.
    """

    room: RoomId
    kind: RoomKind
    title: str
    author_name: str
    entry: Item
    media: list[MediaInfo]


class Singles:
    """Reads them. From the primary: a push may be faster than a replica."""

    def __init__(
        self, history: History, rooms: Rooms, people: PeopleStore, gallery: Gallery
    ) -> None:
        self._history = history
        self._rooms = rooms
        self._people = people
        self._gallery = gallery

    async def item(self, room: RoomId, reader: PersonId, seq: int) -> Item:
        """The message at `seq`. Raises `Refused`: `not_found`."""
        page = await self._history.page(room, reader, Way.after, max(0, seq - 1), 1)
        for item in page.entries:
            if item.seq == seq and item.kind is EntryKind.post:
                return item
        raise no_message()

    async def shown(self, room: RoomId, reader: PersonId, item: Item) -> Single:
        """With what is shown beside it. Raises `Refused`: `not_found`."""
        where = await self._rooms.room(room, reader, fresh=True)
        name = item.body.sender or ""
        if item.body.author_kind is None:
            account = await self._people.account(item.author)
            name = "" if account is None else account.profile.name
        media = await self._gallery.infos(room, item.body.attachments or ())
        return Single(room, where.kind, where.title, name, item, media)


def no_message() -> Refused:
    """There is none at that seq, or none for the reader."""
    return Refused(Code.not_found, "no such message, or it is not for you")
