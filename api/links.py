"""Handlers about invite links: making and using them, their page, and the files by which phones know our links.

Owns the bodies of these routes and the page. Must never tell of a room more than its title, and that only to
whoever has a link that works.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from api.route import Call, Done, Raw
from muster import submit
from muster.clock import Clock
from muster.errors import Refused
from muster.ids import Random
from muster.links import (
    EXPIRES_IN_MOST_S,
    EXPIRES_IN_S,
    USES_MOST,
    Link,
    Links,
    LinkStore,
    dead_link,
    links_of,
    new_terms,
)
from muster.sessions import Submitter
from proto.codes import Code

_HTML: Final = "text/html; charset=utf-8"
_JSON: Final = "application/json"
_PAGE: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex"><title>{title}</title>
<style>body{{font:1.1rem/1.5 system-ui,sans-serif;max-width:32rem;margin:20vh auto;padding:0 1rem;text-align:center;
color:#1d1d1f;background:#fff}}@media(prefers-color-scheme:dark){{body{{color:#f2f2f4;background:#1d1d1f}}}}a{{color:inherit}}</style>
</head><body><main><h1>{title}</h1><p>{text}</p></main></body></html>
"""
_OPEN: Final = (
    "You are invited. Open this link on a phone that has the app,"
    ' or <a href="/app#/i/{code}">come in with this browser</a>.'
)
_DEAD: Final = "This invitation does not lead anywhere (any more)."
_WHY_NOT: Final = frozenset({Code.not_found, Code.permission_denied, Code.archived})


class NewLink(Struct, frozen=True):
    """How long a link works, and how many may come in by it; `uses` null: without a bound."""

    expires_in_s: Annotated[int, Meta(ge=60, le=EXPIRES_IN_MOST_S)] = EXPIRES_IN_S
    uses: Annotated[int, Meta(ge=1, le=USES_MOST)] | None = None


class LinkHandlers:
    """The routes about invite links."""

    def __init__(self, store: LinkStore, writer: Submitter, clock: Clock, random: Random) -> None:
        self._store = store
        self._writer = writer
        self._clock = clock
        self._random = random

    async def make(self, call: Call) -> Link:
        wanted = call.body(NewLink)
        terms = new_terms(wanted.expires_in_s, wanted.uses, self._clock, self._random)
        try:
            await self._writer.submit(submit.link(call.me, call.room, call.client_id, terms))
        except Refused as refused:
            if refused.code is Code.limit_exceeded:
                raise Refused(refused.code, "this room has as many links as one may have") from None
            raise
        assert terms.expires_at_ms is not None
        return Link(
            terms.code, call.me, self._clock.now_ms(), terms.expires_at_ms, terms.uses, used=0
        )

    async def links(self, call: Call) -> Links:
        return await links_of(self._store, call.room, call.me)

    async def revoke(self, call: Call) -> None:
        code = call.path("code", str)
        await self._writer.submit(submit.unlink(call.me, call.room, call.client_id, code))

    async def join(self, call: Call) -> Done:
        code = call.path("code", str)
        room = await self._store.room_of(code)
        if room is None:
            raise dead_link()
        try:
            outcome = await self._writer.submit(
                submit.link_join(call.me, room, call.client_id, code)
            )
        except Refused as refused:
            if refused.code in _WHY_NOT:
                raise dead_link() from None
            raise
        return Done(outcome.room, outcome.seq, outcome.msg_no, outcome.at_ms, outcome.fresh)

    async def page(self, call: Call) -> Raw:
        found = await self._store.where(call.path("code", str))
        if found is None:
            return Raw(_PAGE.format(title="Invitation", text=_DEAD).encode(), _HTML, status=404)
        title = escape(found[1])
        text = _OPEN.format(code=escape(call.path("code", str)))
        return Raw(_PAGE.format(title=title, text=text).encode(), _HTML)


class AppLinkHandlers:
    """The files that let phones open our links in the app; not there unless they are set."""

    def __init__(
        self, ios_app_ids: Sequence[str], android_package: str, fingerprints: Sequence[str]
    ) -> None:
        apple = {
            "applinks": {"details": [{"appIDs": list(ios_app_ids), "components": [{"/": "/i/*"}]}]}
        }
        android = [
            {
                "relation": ["delegate_permission/common.handle_all_urls"],
                "target": {
                    "namespace": "android_app",
                    "package_name": android_package,
                    "sha256_cert_fingerprints": list(fingerprints),
                },
            }
        ]
        self._apple = msgspec.json.encode(apple) if ios_app_ids else None
        self._android = msgspec.json.encode(android) if android_package and fingerprints else None

    async def apple(self, _call: Call) -> Raw:
        return _file(self._apple)

    async def android(self, _call: Call) -> Raw:
        return _file(self._android)


def _file(content: bytes | None) -> Raw:
    if content is None:
        raise Refused(Code.not_found, "there is nothing at this address")
    return Raw(content, _JSON, {"Cache-Control": "public, max-age=3600"})
