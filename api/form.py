"""An upload's form, read as it comes: fields first, then the bytes of `file`.

Owns the grammar of multipart/form-data as far as uploads use it. Must never hold more than a few KiB of one: the
fields are small or refused, the file passes through.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Final

from starlette.types import Receive

from api.reading import Gone
from muster.errors import Refused
from proto.codes import Code

FIELDS_MOST: Final = 20
FIELDS_BYTES: Final = 8_192
STALLED_S: Final = 20.0
"""An upload that brings nothing for so long is over."""

_BOUNDARY: Final = re.compile(
    rb'multipart/form-data\s*;(?:.*;)?\s*boundary="?([A-Za-z0-9\'()+_,./:=?-]{1,70})"?\s*(?:;.*)?',
    re.IGNORECASE,
)
_NAME: Final = re.compile(
    rb'content-disposition:\s*form-data\s*;.*?\bname="([^"\r\n]{1,100})"', re.IGNORECASE
)


async def parts_of(receive: Receive) -> AsyncIterator[bytes]:
    """A request's body, piece by piece. Raises `Refused` where it stalls, `Gone` where it breaks."""
    more = True
    while more:
        try:
            async with asyncio.timeout(STALLED_S):
                message = await receive()
        except TimeoutError:
            raise Refused(Code.bad_request, "the upload did not go on in time") from None
        if message["type"] == "http.disconnect":
            raise Gone
        more = message.get("more_body", False)
        if message.get("body"):
            yield message["body"]


class Form:
    """One upload. Read `fields` first, then `file`."""

    def __init__(self, content_type: bytes, parts: AsyncIterator[bytes]) -> None:
        """Raises `Refused`: `bad_request` for what is no such form."""
        found = _BOUNDARY.fullmatch(content_type.strip())
        if found is None:
            raise _bad("an upload is multipart/form-data")
        self._delimiter = b"\r\n--" + found[1]
        self._parts = parts
        # The first delimiter has no line before it.
        self._held = b"\r\n"

    async def fields(self) -> dict[str, str]:
        """Those before the file. Raises `Refused`: `bad_request`."""
        fields: dict[str, str] = {}
        taken = 0
        for _ in range(FIELDS_MOST + 1):
            name = await self._begin()
            if name == "file":
                return fields
            value = await self._until(self._delimiter)
            taken += len(value)
            if taken > FIELDS_BYTES:
                break
            self._held = self._delimiter + self._held
            fields[name] = value.decode("utf-8", "replace")
        raise _bad("the form has more before its `file` than an upload needs")

    async def file(self) -> AsyncIterator[bytes]:
        """The file's bytes, as they come. Raises `Refused`: `bad_request` where the form breaks off."""
        keep = len(self._delimiter) - 1
        while True:
            end = self._held.find(self._delimiter)
            if end >= 0:
                if end:
                    yield self._held[:end]
                return
            if len(self._held) > keep:
                ready, self._held = self._held[:-keep], self._held[-keep:]
                yield ready
            await self._more()

    async def _begin(self) -> str:
        """Past a delimiter and a part's head: the part's name."""
        while len(self._held) < len(self._delimiter) + 2:
            await self._more()
        if not self._held.startswith(self._delimiter + b"\r\n"):
            raise _bad("the form ends before its `file`, or is no form")
        self._held = self._held[len(self._delimiter) :]
        head = await self._until(b"\r\n\r\n")
        found = _NAME.search(head)
        if found is None:
            raise _bad("a part of the form has no name")
        return found[1].decode("utf-8", "replace")

    async def _until(self, mark: bytes) -> bytes:
        while mark not in self._held:
            if len(self._held) > FIELDS_BYTES:
                raise _bad("a part of the form before its `file` is too long")
            await self._more()
        value, _, self._held = self._held.partition(mark)
        return value

    async def _more(self) -> None:
        try:
            self._held += await anext(self._parts)
        except StopAsyncIteration:
            raise _bad("the form breaks off") from None


def _bad(sentence: str) -> Refused:
    return Refused(Code.bad_request, sentence)
