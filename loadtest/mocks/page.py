"""The page for people: every phone with what its screen shows, made here and kept up to date by a little script.

Owns the HTML. What phones are sent is shown as text alone: nothing of it becomes markup. Must never change anything
itself (admin.py does).
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from html import escape
from importlib.resources import files
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from loadtest.mocks.mocks import Mocks
from loadtest.mocks.phones import OnScreen, Screen

PHONES_MOST: Final = 60
_WAIT_S: Final = 20.0
_VERSION_DIGITS: Final = 15
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:;"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS: Final = {
    "Content-Security-Policy": _POLICY,
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
_TYPES: Final = {"phones.css": "text/css", "phones.js": "text/javascript"}
Handler = Callable[[Request], Awaitable[Response]]
_NAMES: Final = {"apns": "iPhone", "fcm": "Android"}


class Page:
    """Its addresses."""

    def __init__(self, mocks: Mocks) -> None:
        self._mocks = mocks
        self._over = asyncio.Event()
        folder = files("loadtest.mocks").joinpath("web")
        self._html = folder.joinpath("phones.html").read_text("utf-8")
        self._files = {name: folder.joinpath(name).read_bytes() for name in _TYPES}

    def close(self) -> None:
        """Nobody is kept waiting any longer."""
        self._over.set()
        self._mocks.notes.phones.wake()

    def handlers(self) -> dict[str, Handler]:
        """By path; all are for GET."""
        scripts = dict.fromkeys((f"/{name}" for name in _TYPES), self._file)
        return {"/": self._page, "/phones": self._phones, **scripts}

    async def _page(self, _request: Request) -> Response:
        html = self._html.replace("<!-- phones -->", self._listed())
        return Response(html, media_type="text/html", headers=_HEADERS)

    async def _phones(self, request: Request) -> Response:
        """The list as it is once it is no longer what it was at version `since`, or after a while."""
        given = request.query_params.get("since", "")
        since = int(given) if given.isdecimal() and len(given) <= _VERSION_DIGITS else -1
        await self._mocks.notes.phones.changed(since, _WAIT_S, self._over)
        return Response(self._listed(), media_type="text/html", headers=_HEADERS)

    async def _file(self, request: Request) -> Response:
        name = request.url.path.removeprefix("/")
        return Response(self._files[name], media_type=_TYPES[name], headers=_HEADERS)

    def _listed(self) -> str:
        phones = self._mocks.notes.phones
        screens = list(phones.screens(PHONES_MOST))
        return phones_html(screens, len(phones), phones.version)


def phones_html(screens: Sequence[Screen], there_are: int, version: int) -> str:
    """The list of phones; `there_are`: with those that are not shown."""
    more = there_are - len(screens)
    rest = f'<p class="more">and {more} more, pushed to longer ago</p>' if more > 0 else ""
    empty = '<p class="more">No phone has been pushed to yet.</p>' if not screens else ""
    items = "".join(map(_phone, screens))
    return f'<div id="phones" data-version="{version}">{empty}<ul class="phones">{items}</ul>{rest}</div>'


def _phone(screen: Screen) -> str:
    token = escape(screen.token)
    ident = f"p{zlib.crc32(screen.token.encode()):08x}"
    count = len(screen.notifications)
    groups: dict[str, list[OnScreen]] = {}
    for number, one in enumerate(screen.notifications):
        groups.setdefault(one.thread or f"\0{number}", []).append(one)
    shown = "".join(map(_group, groups.values()))
    state = "" if screen.online else f'<p class="away">Away; {screen.kept} kept for it</p>'
    lost = '<p class="away">Pushes were dropped while it was away</p>' if screen.lost else ""
    badge = f'<span class="badge">{screen.badge}<span class="hidden"> unread</span></span>'
    inside = (
        f'<article aria-labelledby="{ident}"><header><h2 id="{ident}">{_NAMES[screen.provider]} '
        f'<code title="{token}">{escape(_short(screen.token))}</code></h2>'
        f"{badge if screen.badge else ''}</header>"
        f'<div class="screen" tabindex="0" role="group" aria-label="Screen: {count} notifications">'
        f"{state}{lost}{shown or '<p class=nothing>Nothing on the screen</p>'}</div>"
        f"<footer><span>{screen.pushes} {'push' if screen.pushes == 1 else 'pushes'}</span>"
        f'<button data-do="opened">Open the app</button>'
        f'<button data-do="{"away" if screen.online else "back"}">'
        f"{'Switch off' if screen.online else 'Switch on'}</button></footer></article>"
    )
    mark = f"{zlib.crc32(inside.encode()):08x}"
    return f'<li data-token="{token}" data-provider="{screen.provider}" data-mark="{mark}">{inside}</li>'


def _group(shown: Sequence[OnScreen]) -> str:
    """The notifications of one thread, together."""
    items = "".join(map(_notification, shown))
    return f'<ul class="thread">{items}</ul>'


def _notification(one: OnScreen) -> str:
    at = datetime.fromtimestamp(one.at_ms / 1_000, UTC)
    again = f' <span class="again">came {one.rang} times</span>' if one.rang > 1 else ""
    title = f'<h3 dir="auto">{escape(one.title)}</h3>' if one.title else ""
    return (
        f'<li class="note">{title}<p dir="auto">{escape(one.body)}</p>'
        f'<p class="when"><time datetime="{at.isoformat()}">{at:%H:%M:%S} UTC</time>{again}</p></li>'
    )


def _short(token: str) -> str:
    return token if len(token) <= 14 else f"{token[:8]}…{token[-4:]}"
