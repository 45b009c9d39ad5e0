"""The gallery: media as they are looked at.

Owns who gets an address, for which size, and how long it lives. Must never hand one out without having asked who may
see it: the store cuts to the uploader, to members whose spans show the message it hangs on, to pictures of people
and rooms in use, to whom nobody blocks, and to reviewers of a report of that message.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final, NamedTuple, Protocol
from uuid import UUID

from msgspec import Struct

from muster.depot import MEDIA, Depot, Served, key
from muster.errors import Refused
from muster.ids import PersonId, RoomId
from muster.media import DECODED, MediaInfo
from proto.codes import Code

LOOKED_UP_MOST: Final = 100
SIZES: Final = ("96", "512", "full")


class Shown(NamedTuple):
    """A medium that its asker may see."""

    info: MediaInfo
    secret: str


class GalleryStore(Protocol):
    """Where media are read."""

    async def visible(self, reader: PersonId, media: Sequence[UUID]) -> list[Shown]:
        """Those that `reader` may see, in no order."""
        ...

    async def infos(self, room: RoomId, media: Sequence[UUID]) -> list[MediaInfo]:
        """Those that hang in this room: for somebody who was shown what they hang on."""
        ...


class Address(Struct, frozen=True, gc=False):
    """Where a medium is read until then; without a host it is the api's own."""

    url: str
    until_ms: int


class FoundMedium(Struct, frozen=True, gc=False):
    """A medium, and addresses of its sizes."""

    media: MediaInfo
    urls: dict[str, str]


class FoundMedia(Struct, frozen=True, gc=False):
    """Those of the asked that there are for me; their addresses work until `until_ms`."""

    media: list[FoundMedium]
    until_ms: int


class Gallery:
    """Looks at media for somebody."""

    def __init__(self, store: GalleryStore, depot: Depot, link_s: int) -> None:
        self._store = store
        self._depot = depot
        self._link_s = link_s

    async def address(self, reader: PersonId, media: UUID, size: str, now_ms: int) -> Address:
        """Where to read one. Raises `Refused`: `not_found`, whatever the reason."""
        shown = await self._store.visible(reader, [media])
        if not shown or size not in sizes_of(shown[0].info):
            raise Refused(Code.not_found, "there is no such medium, or not for you")
        return Address(await self._link(shown[0], size), now_ms + self._link_s * 1_000)

    async def found(self, reader: PersonId, media: Collection[UUID], now_ms: int) -> FoundMedia:
        """Those of `media` that `reader` may see, in the order asked."""
        shown = {one.info.id: one for one in await self._store.visible(reader, list(media))}
        found = [
            FoundMedium(
                shown[id_].info,
                {size: await self._link(shown[id_], size) for size in sizes_of(shown[id_].info)},
            )
            for id_ in dict.fromkeys(media)
            if id_ in shown
        ]
        return FoundMedia(found, now_ms + self._link_s * 1_000)

    async def infos(self, room: RoomId, media: Collection[UUID]) -> list[MediaInfo]:
        """How media of a room are drawn, for somebody who was shown the messages they hang on."""
        wanted = list(dict.fromkeys(media))
        return await self._store.infos(room, wanted) if wanted else []

    async def _link(self, shown: Shown, size: str) -> str:
        info = shown.info
        name = None if info.type in DECODED else info.name
        at = key(MEDIA, info.id, shown.secret, size)
        return await self._depot.link(at, Served(info.type, name), self._link_s)


def sizes_of(info: MediaInfo) -> tuple[str, ...]:
    """Which sizes there are: pictures have thumbnails."""
    return SIZES if info.type in DECODED else ("full",)
