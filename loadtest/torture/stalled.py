"""Sockets that ask for everything and read nothing.

Owns these sockets. They go past the links, which would read for them. Must never be among the devices that the checker
judges: they are owed nothing any more.
"""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random
from typing import Final
from uuid import uuid4

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from loadtest.client.connection import PATH
from loadtest.client.login import Account, Login
from loadtest.client.rest import Rest
from loadtest.torture.guest import PASSWORD, Guest
from loadtest.torture.link import LOOPBACK
from loadtest.torture.scenario import LOOK_EVERY_S, Stage
from loadtest.torture.server import Server
from muster.services.door import Door
from proto import limits
from proto.codec import MSGPACK
from proto.frames import Attend, Auth, Ready, Resume, RoomStates

RECEIVE_BYTES: Final = 4_096
LOUD: Final = "loud words " * 90
LOUD_EVERY_S: Final = 0.02
_SOCKETS: Final = re.compile(rb"^muster_sockets ([0-9.e+]+)$", re.MULTILINE)


class Readers:
    """See the module. `sockets` that were live when they stopped reading."""

    def __init__(self, stage: Stage) -> None:
        self.sockets: list[ClientConnection] = []
        self._stage = stage

    async def add(self, guest: Guest, door: Server) -> None:
        """One more device of this person, live in all rooms, which then stops reading."""
        login = Login(Account(guest.handle, PASSWORD), Rest(guest.http, Random(0)))
        token = await login.token()
        port = _port(door)
        raw = socket.socket()
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)
        raw.setblocking(False)
        await asyncio.get_running_loop().sock_connect(raw, (LOOPBACK, port))
        ours = await connect(
            f"ws://{LOOPBACK}:{port}{PATH}",
            sock=raw,
            subprotocols=[Subprotocol(limits.SUBPROTOCOL_MSGPACK)],
            compression=None,
            ping_interval=None,
            close_timeout=0.1,
            proxy=None,
        )
        await ours.send(MSGPACK.encode(Auth(1, token, install=str(uuid4()))))
        ready = MSGPACK.decode_server(await ours.recv(decode=False))
        assert isinstance(ready, Ready)
        await ours.send(MSGPACK.encode(Resume(2, None, [])))
        await _answered(ours, 2)
        rooms = [(place.room, None) for place in self._stage.crowd.places if guest in place.members]
        await ours.send(MSGPACK.encode(Attend(3, [*rooms])))
        await _answered(ours, 3)
        ours.transport.pause_reading()
        self.sockets.append(ours)

    async def shout(self, most_s: float) -> None:
        """Loud words in the largest rooms until all who do not read are out, or that long."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + most_s
        places = [place for place in self._stage.crowd.places if place.kind == "group"]
        look_at = 0.0
        async with asyncio.TaskGroup() as tasks:
            while loop.time() < deadline:
                place = self._stage.random.choice(places)
                guest = self._stage.random.choice(place.members)
                tasks.create_task(guest.say(place.room, LOUD))
                await asyncio.sleep(LOUD_EVERY_S)
                if loop.time() >= look_at:
                    look_at = loop.time() + 10 * LOOK_EVERY_S
                    if await self.left() == 0:
                        return

    async def left(self) -> int:
        """How many sockets the hubs serve beyond those of the phones."""
        served = 0
        async with httpx.AsyncClient() as http:
            for hub in self._stage.world.hubs:
                answer = await http.get(f"http://{LOOPBACK}:{_port(hub)}/metrics")
                found = _SOCKETS.search(answer.content)
                assert found is not None
                served += round(float(found[1])) - 1  # the one that asks
        return max(0, served - len(self._stage.crowd.devices))

    def close(self) -> None:
        """They are gone without a word."""
        for each in self.sockets:
            each.transport.abort()


@asynccontextmanager
async def stalled(stage: Stage, count: int) -> AsyncIterator[Readers]:
    """So many sockets, spread over hubs and people."""
    readers = Readers(stage)
    try:
        for number in range(count):
            guest = stage.crowd.guests[number % len(stage.crowd.guests)]
            await readers.add(guest, stage.world.hubs[number % len(stage.world.hubs)])
        yield readers
    finally:
        readers.close()


async def _answered(ours: ClientConnection, request: int) -> None:
    """Read up to the answer, which must be what was asked for."""
    while True:
        frame = MSGPACK.decode_server(await ours.recv(decode=False))
        if frame.id == request:
            assert isinstance(frame, RoomStates), f"not {frame}"
            return


def _port(server: Server) -> int:
    assert isinstance(server.service, Door)
    return server.service.port
