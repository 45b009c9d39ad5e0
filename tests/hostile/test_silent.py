"""Crowds that connect and say nothing, while somebody wants to talk."""

import asyncio
import resource
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from time import monotonic
from urllib.parse import urlsplit

import pytest

from loadtest.stack import Stack
from muster.bucket import Rate
from realtime.accept import CROWD, Bounds, Gate
from tests.realtime.sockets.door import handshake
from tests.walk.people import people

SILENT = 10_000
FILES_KEPT = 500
ADDRESSES = 8
GROWTH_MIB = 100.0
"""Ten KiB for each who has not said anything yet."""


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize(
    "says",
    [
        pytest.param(b"", id="nothing", marks=pytest.mark.prove),
        pytest.param(
            handshake("muster.v1.json")[:60], id="half a handshake", marks=pytest.mark.prove
        ),
        pytest.param(handshake("muster.v1.json"), id="a handshake"),
    ],
)
async def test_people_talk_while_ten_thousand_say_nothing(stack: Stack, says: bytes) -> None:
    """Mute, half a handshake, a WebSocket without auth: others come in and chat, and the mute are let go."""
    before = _memory_mib(stack.found.children["hub 1"])
    async with _crowd(urlsplit(stack.hub_urls[0]).port or 0, says) as crowd:
        started = monotonic()
        async with people(stack, "ada", "bob") as (ada, bob):
            room = (await ada.rest.create_room("public", "silence")).id
            await bob.rest.join(room)
            await bob.has_room(room)
            await ada.says(room, "anybody?")
            await bob.has(room, "anybody?")
        assert monotonic() - started < 10.0
        assert _memory_mib(stack.found.children["hub 1"]) - before < GROWTH_MIB
        async with asyncio.timeout(20):
            await asyncio.gather(*(_until_let_go(one) for one in crowd))


def test_a_crowd_of_one_address_leaves_room_for_the_others() -> None:
    """However fast one address opens sockets, another one's is opened too."""
    gate = Gate(Bounds(accepts=Rate(100.0, 1_000.0)), Random(1))
    gate.ready = True
    opened = 0
    for turn in range(50):
        now = turn * 0.01
        for _ in range(100):
            gate.came("crowd")
            opened += gate.upgrade("crowd", now, welcome=True) is None
        gate.came("somebody")
        assert gate.upgrade("somebody", now, welcome=True) is None
        gate.named("somebody")
    assert opened > CROWD


def test_a_crowd_alone_gets_all_there_is() -> None:
    """A balancer that hides everybody behind one address loses half of the burst and none of the rate."""
    gate = Gate(Bounds(accepts=Rate(100.0, 1_000.0)), Random(1))
    gate.ready = True
    for _ in range(2_000):
        gate.came("balancer")
        gate.upgrade("balancer", 0.0, welcome=True)
    at_once = [gate.upgrade("balancer", 1.0, welcome=True) for _ in range(1_000)]
    assert at_once.count(None) == 100


@asynccontextmanager
async def _crowd(port: int, says: bytes) -> AsyncIterator[list[socket.socket]]:
    """As many connections as this process may have, from several addresses of this machine."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    loop = asyncio.get_running_loop()
    crowd: list[socket.socket] = []
    try:
        for number in range(min(SILENT, most - FILES_KEPT)):
            one = socket.socket()
            crowd.append(one)
            one.setblocking(False)
            one.bind((f"127.0.0.{2 + number % ADDRESSES}", 0))
            await loop.sock_connect(one, ("127.0.0.1", port))
            if says:
                await loop.sock_sendall(one, says)
        yield crowd
    finally:
        for one in crowd:
            one.close()


async def _until_let_go(one: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    try:
        while await loop.sock_recv(one, 4_096):
            pass
    except ConnectionError:
        pass


def _memory_mib(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024
