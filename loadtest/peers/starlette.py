"""One room in Starlette on uvicorn, one send after another: `python -m loadtest.peers.starlette PORT`.

Owns what somebody would write who reads its documentation, on the faster of uvicorn's WebSocket protocols. Must never
be tuned beyond that.
"""

from __future__ import annotations

import sys
from typing import Final

import uvicorn
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from loadtest.bench.limits import open_many_files

_members: Final[set[WebSocket]] = set()


async def _room(socket: WebSocket) -> None:
    await socket.accept()
    _members.add(socket)
    try:
        while True:
            await socket.receive_bytes()
    except WebSocketDisconnect:
        pass
    finally:
        _members.discard(socket)


async def _speak(socket: WebSocket) -> None:
    await socket.accept()
    try:
        while True:
            said = await socket.receive_bytes()
            for member in tuple(_members):
                await member.send_bytes(said)
    except WebSocketDisconnect:
        pass


if __name__ == "__main__":
    open_many_files()
    uvicorn.run(
        Starlette(routes=[WebSocketRoute("/room", _room), WebSocketRoute("/speak", _speak)]),
        port=int(sys.argv[1]),
        loop="uvloop",
        backlog=4_096,
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        access_log=False,
        log_level="warning",
    )
