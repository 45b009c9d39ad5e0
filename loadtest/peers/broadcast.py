"""One room on the asyncio server of `websockets`, by its broadcast(): `python -m loadtest.peers.broadcast PORT`.

Owns what somebody would write who reads its documentation. Must never be tuned beyond that.
"""

from __future__ import annotations

import asyncio
import sys

import uvloop
from websockets.asyncio.server import ServerConnection, broadcast, serve

from loadtest.bench.limits import open_many_files

_members: set[ServerConnection] = set()


async def _talk(socket: ServerConnection) -> None:
    assert socket.request is not None
    if socket.request.path == "/speak":
        async for message in socket:
            broadcast(_members, message)
        return
    _members.add(socket)
    try:
        await socket.wait_closed()
    finally:
        _members.discard(socket)


async def _serve(port: int) -> None:
    async with serve(_talk, "127.0.0.1", port, compression=None, backlog=4_096):
        await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    open_many_files()
    uvloop.run(_serve(int(sys.argv[1])))
