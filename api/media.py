"""Handlers about media: a ticket to upload, what became of it, where to read it.

Owns the bodies of these routes. The bytes go to the depot and come from it, never through here. Must never hold a
rule about what is taken (muster/media.py) or who may see it (muster/gallery.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal
from uuid import UUID, uuid5

from msgspec import Meta, Struct

from api.route import Call, Reply
from muster.clock import Clock
from muster.gallery import LOOKED_UP_MOST, FoundMedia, Gallery
from muster.intake import Intake
from muster.media import NAME_CHARS, Media, Purpose, State, Upload

_Type = Annotated[str, Meta(max_length=100, pattern=r"^[a-z0-9.+-]+/[a-z0-9.+-]+$")]


class NewMedia(Struct, frozen=True):
    """What I want to upload. `bytes` is its size, or more; a voice note says how long it is."""

    purpose: Purpose
    type: _Type
    bytes: Annotated[int, Meta(ge=1, le=2**40)]
    name: Annotated[str, Meta(max_length=NAME_CHARS)] = ""
    duration_ms: Annotated[int, Meta(ge=1, le=2**31 - 1)] | None = None


class UploadTicket(Struct, frozen=True):
    """POST `fields`, in this order, and then the bytes as `file`, as multipart/form-data to `url` before `until_ms`.

    A `url` without a host is this api's own.
    """

    id: UUID
    url: str
    fields: Mapping[str, str]
    until_ms: int


class AskedMedia(Struct, frozen=True):
    """Media I want to draw."""

    ids: Annotated[list[UUID], Meta(max_length=LOOKED_UP_MOST)]


class Looked(Struct, frozen=True):
    """Which size; answered by a redirect, or by JSON where a redirect cannot carry a token."""

    size: Literal["96", "512", "full"] = "full"
    answer: Literal["redirect", "json"] = "redirect"


class MediaHandlers:
    """The routes about media."""

    def __init__(self, intake: Intake, gallery: Gallery, clock: Clock) -> None:
        self._intake = intake
        self._gallery = gallery
        self._clock = clock

    async def open(self, call: Call) -> UploadTicket:
        new = call.body(NewMedia)
        # The id follows from who asks and the Idempotency-Key: a repeat is another ticket for the same upload.
        id_ = uuid5(call.me, f"media:{call.client_id}")
        asked = Upload(id_, call.me, new.purpose, new.type, new.bytes, new.name, new.duration_ms)
        opened = await self._intake.open(asked)
        return UploadTicket(id_, opened.ticket.url, opened.ticket.fields, opened.until_ms)

    async def complete(self, call: Call) -> Reply:
        media: Media = await self._intake.complete(call.me, call.path("media", UUID))
        return Reply(media, 202 if media.state is State.processing else 200)

    async def read(self, call: Call) -> Reply:
        wanted = call.query(Looked)
        address = await self._gallery.address(
            call.me, call.path("media", UUID), wanted.size, self._clock.now_ms()
        )
        if wanted.answer == "json":
            return Reply(address)
        return Reply(None, 302, {"Location": address.url})

    async def lookup(self, call: Call) -> FoundMedia:
        return await self._gallery.found(call.me, call.body(AskedMedia).ids, self._clock.now_ms())
