"""A hub that says it delivered and did not: what the load's statistics must not believe.

Owns just enough of both doors for Locust's users to come in and talk: it is no Muster. It has one room, acks every
post, and keeps every third entry from everybody but its author.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from uuid import UUID

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from proto.codec import MSGPACK
from proto.entry import Body, EntryKind
from proto.frames import Ack, Auth, Entry, Limits, Post, Ready, Resume, RoomStates, ServerFrame
from proto.limits import SUBPROTOCOL_MSGPACK
from proto.shapes import RoomState, RoomStatus

_ROOM = UUID(int=99)
_KEPT_BACK = 3


class LyingHub:
    """Its sockets by person."""

    def __init__(self) -> None:
        self.url = ""
        self._sockets: dict[UUID, ServerConnection] = {}
        self._seq = 0

    def answer(self, socket: ServerConnection, request: Request) -> Response | None:
        """The api: where the hubs are."""
        if request.path != "/v1/hubs":
            return None
        return socket.respond(HTTPStatus.OK, json.dumps({"hubs": [self.url]}))

    async def serve(self, socket: ServerConnection) -> None:
        """One socket, until it goes."""
        me = UUID(int=len(self._sockets) + 1)
        self._sockets[me] = socket
        try:
            async for data in socket:
                assert isinstance(data, bytes)
                match MSGPACK.decode(data):
                    case Auth(id=request):
                        limits = Limits(65_536, 8_000, 1_000, 50.0, 100)
                        ready = Ready(request, me, me, me, me, me, 0, 25_000, 900_000, "", limits)
                        await _send(socket, ready)
                    case Resume(id=request, positions=positions):
                        await _send(socket, self._states(request, me, following=bool(positions)))
                    case Post() as post:
                        await self._post(me, post)
        except ConnectionClosed:
            pass

    def _states(self, request: int, me: UUID, *, following: bool) -> RoomStates:
        status: RoomStatus = "live" if following else "joined"
        state = RoomState(_ROOM, status, self._seq + 1, self._seq, self._seq)
        return RoomStates(request, me, [state])

    async def _post(self, me: UUID, post: Post) -> None:
        self._seq += 1
        seq = self._seq
        body = Body(text=post.text)
        entry = Entry(0, _ROOM, seq, seq, EntryKind.post, me, None, post.client_id, 0, body)
        for person, socket in list(self._sockets.items()):
            if person == me or seq % _KEPT_BACK:
                await _send(socket, entry)
        await _send(self._sockets[me], Ack(post.id, _ROOM, seq, seq, 0))


@asynccontextmanager
async def lying_hub() -> AsyncIterator[str]:
    """The address of its api."""
    hub = LyingHub()
    async with serve(
        hub.serve,
        "127.0.0.1",
        0,
        process_request=hub.answer,
        subprotocols=[Subprotocol(SUBPROTOCOL_MSGPACK)],
        compression=None,
    ) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        hub.url = f"ws://127.0.0.1:{port}"
        yield f"http://127.0.0.1:{port}"


async def _send(socket: ServerConnection, frame: ServerFrame) -> None:
    await socket.send(MSGPACK.encode(frame), text=False)
