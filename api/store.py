"""Handlers of the local depot: uploads taken, objects handed out, both by signed words alone.

Nobody shows a token here: the fields of an upload and the query of an address were signed for somebody who did. Owns
what such an answer says to a browser: a type that was found, never one to be guessed, and nothing that may act. Must
never read or write a file by itself (muster/stores/depots/local.py). Where media lie in S3, nothing is here.
"""

from __future__ import annotations

import asyncio
from typing import Annotated, Final

from msgspec import Meta, Struct
from starlette.responses import FileResponse, Response

from api.form import Form
from api.route import Call
from muster.depot import MEDIA, disposition
from muster.errors import Refused
from muster.stores.depots.local import LocalDepot
from proto.codes import Code

_Word = Annotated[str, Meta(max_length=1_000)]
_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    # A signed address is good anywhere; what it shows runs nothing.
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Content-Security-Policy": "default-src 'none'; sandbox; frame-ancestors 'none'",
    "Cache-Control": "private, max-age=86400, immutable",
    # Compressed already; without this word it would be compressed again.
    "Content-Encoding": "identity",
}


class Signed(Struct, frozen=True):
    """The query of an address, as it was signed."""

    type: _Word
    until: _Word
    signature: _Word
    name: _Word | None = None


class StoreHandlers:
    """The routes of the local depot."""

    def __init__(self, depot: LocalDepot | None) -> None:
        """Without a depot there is nothing here."""
        self._depot = depot

    async def upload(self, call: Call) -> None:
        content_type, parts = call.incoming
        form = Form(content_type, parts)
        depot = self._there()
        policy = depot.policy(await form.fields())
        await depot.receive(policy, form.file())

    async def read(self, call: Call) -> Response:
        depot, signed = self._there(), call.query(Signed)
        said = {"type": signed.type, "until": signed.until, "signature": signed.signature}
        if signed.name is not None:
            said["name"] = signed.name
        path, served = depot.readable(f"{MEDIA}/{call.path('object', str)}", said)
        if not await asyncio.to_thread(path.is_file):
            raise _nothing()
        headers = {**_HEADERS, "Content-Disposition": disposition(served)}
        return FileResponse(path, headers=headers, media_type=served.type)

    def _there(self) -> LocalDepot:
        if self._depot is None:
            raise _nothing()
        return self._depot


def _nothing() -> Refused:
    return Refused(Code.not_found, "there is nothing at this address")
