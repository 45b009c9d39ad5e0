"""The HTTP API by which tests script the mocks and ask them, and the page's addresses.

    GET    /received?after=&most=&token=   requests, the oldest first      GET    /counts
    GET    /repeats                        what took effect twice          GET    /screens, /screens/{token}
    POST   /faults/{service}               a `fault.Fault`                 GET, DELETE the same: what waits, none
    PUT    /weather/{service}              a `fault.Weather`, whole        GET    the same
    PUT    /tokens/{token}                 a `registry.Standing`           DELETE the same: as any other
    PUT    /phones/{token}                 {"online": false}               POST   /phones/{token}/opened
    POST   /leave/{service}                {"how": ..., "reason": ...}     GOAWAY on every connection, now
    PUT    /clock                          {"ahead_s": 3600}               POST   /revoke (access tokens)
    POST   /reset                          as at the start                 GET    /readyz

`service` is apns, apns-sandbox, fcm or oauth. What is wrong is 400 or 404 with a sentence.

Owns these addresses. Must never be reachable from another machine: only requests for this machine by name are answered,
and none that a page of another origin sends.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
from msgspec import Struct
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from loadtest.mocks.fault import Fault, Goodbye, Weather
from loadtest.mocks.mocks import Mocks
from loadtest.mocks.page import Handler, Page
from loadtest.mocks.registry import Standing
from loadtest.mocks.script import Full

_BODY_MOST: Final = 128 * 1024
_ENTRIES_MOST: Final = 10_000
_SCREENS_MOST: Final = 1_000
_YEAR_S: Final = 366 * 86_400
_HOSTS: Final = frozenset({"127.0.0.1", "localhost"})


class _Connected(Struct, frozen=True, forbid_unknown_fields=True):
    online: bool
    provider: str = "apns"


class _Leave(Struct, frozen=True, forbid_unknown_fields=True):
    how: Goodbye = "graceful"
    reason: str = "Shutdown"


class _Ahead(Struct, frozen=True, forbid_unknown_fields=True):
    ahead_s: float


class Admin:
    """`app` is what uvicorn serves."""

    def __init__(self, mocks: Mocks) -> None:
        self._mocks = mocks
        self._page = page = Page(mocks)
        routes = [
            *(_route("GET", path, handler) for path, handler in page.handlers().items()),
            # Whoever starts the mocks asks by any name whether they are there: it tells nothing else.
            Route("/readyz", self._ready),
            _route("GET", "/received", self._received),
            _route("GET", "/counts", self._counts),
            _route("GET", "/repeats", self._repeats),
            _route("GET", "/screens", self._screens),
            _route("GET", "/screens/{token}", self._screen),
            _route("GET", "/faults/{service}", self._faults),
            _route("POST", "/faults/{service}", self._fault),
            _route("DELETE", "/faults/{service}", self._no_faults),
            _route("GET", "/weather/{service}", self._weather),
            _route("PUT", "/weather/{service}", self._change),
            _route("PUT", "/tokens/{token}", self._token),
            _route("DELETE", "/tokens/{token}", self._no_token),
            _route("PUT", "/phones/{token}", self._phone),
            _route("POST", "/phones/{token}/opened", self._opened),
            _route("POST", "/leave/{service}", self._leave),
            _route("PUT", "/clock", self._clock),
            _route("POST", "/revoke", self._revoke),
            _route("POST", "/reset", self._reset),
        ]
        self.app = Starlette(routes=routes)

    def close(self) -> None:
        """Before the server stops: no request is left waiting."""
        self._page.close()

    async def _ready(self, _request: Request) -> Response:
        return _json({"services": list(self._mocks.listeners)})

    async def _received(self, request: Request) -> Response:
        after, most = _number(request, "after", 0), _number(request, "most", 1_000)
        token = request.query_params.get("token", "")
        return _json(self._mocks.notes.diary.entries(after, min(most, _ENTRIES_MOST), token))

    async def _counts(self, _request: Request) -> Response:
        counts = self._mocks.notes.diary.counts()
        for name, listener in self._mocks.listeners.items():
            counts.setdefault(name, {})["open connections"] = listener.connections
        return _json(counts)

    async def _repeats(self, _request: Request) -> Response:
        return _json(self._mocks.notes.diary.repeats())

    async def _screens(self, request: Request) -> Response:
        most = min(_number(request, "most", _SCREENS_MOST), _SCREENS_MOST)
        return _json(list(self._mocks.notes.phones.screens(most)))

    async def _screen(self, request: Request) -> Response:
        screen = self._mocks.notes.phones.screen(request.path_params["token"])
        if screen is None:
            raise HTTPException(404, "no phone has this token")
        return _json(screen)

    async def _faults(self, request: Request) -> Response:
        return _json(self._mocks.service(self._name(request)).script.waiting())

    async def _fault(self, request: Request) -> Response:
        service = self._mocks.service(self._name(request))
        fault: Any = await _body(request, Fault)
        try:
            service.script.add(fault)
        except Full as full:
            raise HTTPException(400, str(full)) from None
        return _json(service.script.waiting())

    async def _no_faults(self, request: Request) -> Response:
        self._mocks.service(self._name(request)).script.clear()
        return Response(status_code=204)

    async def _weather(self, request: Request) -> Response:
        return _json(self._mocks.service(self._name(request)).weather)

    async def _change(self, request: Request) -> Response:
        name = self._name(request)
        weather = await _body(request, Weather)
        try:
            await self._mocks.set_weather(name, weather)
        except OSError as error:
            raise HTTPException(409, f"the port cannot be had again: {error.strerror}") from None
        return _json(weather)

    async def _token(self, request: Request) -> Response:
        standing = await _body(request, Standing)
        return _json(self._mocks.notes.registry.put(request.path_params["token"], standing))

    async def _no_token(self, request: Request) -> Response:
        self._mocks.notes.registry.forget(request.path_params["token"])
        return Response(status_code=204)

    async def _phone(self, request: Request) -> Response:
        said = await _body(request, _Connected)
        token = request.path_params["token"]
        self._mocks.notes.phones.connect(token, said.provider, online=said.online)
        return await self._screen(request)

    async def _opened(self, request: Request) -> Response:
        self._mocks.notes.phones.opened(request.path_params["token"])
        return await self._screen(request)

    async def _leave(self, request: Request) -> Response:
        said = await _body(request, _Leave)
        self._mocks.listeners[self._name(request)].leave(said.how, said.reason)
        return Response(status_code=204)

    async def _clock(self, request: Request) -> Response:
        said = await _body(request, _Ahead)
        if not -_YEAR_S <= said.ahead_s <= _YEAR_S:
            raise HTTPException(400, "ahead_s is at most a year")
        self._mocks.notes.clock.ahead_s = said.ahead_s
        return _json(said)

    async def _revoke(self, _request: Request) -> Response:
        self._mocks.notes.access.revoke()
        return Response(status_code=204)

    async def _reset(self, _request: Request) -> Response:
        await self._mocks.reset()
        return Response(status_code=204)

    def _name(self, request: Request) -> str:
        name: str = request.path_params["service"]
        if name not in self._mocks.listeners:
            raise HTTPException(404, f"a service is one of {', '.join(self._mocks.listeners)}")
        return name


def _route(method: str, path: str, handler: Handler) -> Route:
    async def guarded(request: Request) -> Response:
        origin, host = request.headers.get("origin"), request.headers.get("host", "")
        if host.partition(":")[0] not in _HOSTS:
            raise HTTPException(400, "only for this machine, by name")
        if origin is not None and origin != f"http://{host}":
            raise HTTPException(403, "not for pages of another origin")
        return await handler(request)

    return Route(path, guarded, methods=[method])


async def _body(request: Request, kind: Any) -> Any:
    """The body as `kind`; an empty one is one with nothing said."""
    text = b""
    async for part in request.stream():
        text += part
        if len(text) > _BODY_MOST:
            raise HTTPException(400, "the body is too long")
    try:
        return msgspec.json.decode(text or b"{}", type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise HTTPException(400, str(error)) from None


def _number(request: Request, name: str, default: int) -> int:
    given = request.query_params.get(name, "")
    if given and not (given.isascii() and given.isdigit() and len(given) < 16):
        raise HTTPException(400, f"{name} is a whole number")
    return int(given) if given else default


def _json(what: object) -> Response:
    return Response(msgspec.json.encode(what), media_type="application/json")
