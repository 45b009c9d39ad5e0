"""The opening handshake over real TCP: who gets a WebSocket, and what everybody else is told."""

import asyncio
from contextlib import suppress
from dataclasses import replace
from random import Random

import pytest
from websockets.exceptions import InvalidStatus

from loadtest.client.backoff import Backoff
from loadtest.client.connection import Closed, Connection
from muster.bucket import Rate
from proto import limits
from realtime.accept import Bounds
from tests.realtime.sockets.door import FAST, handshake, opened_door, until


async def test_msgpack_is_preferred_where_both_are_offered() -> None:
    """The server picks muster.v1.msgpack whatever the client's order."""
    async with opened_door() as door:
        peer = await door.connect()
        offered = f"{limits.SUBPROTOCOL_JSON}, {limits.SUBPROTOCOL_MSGPACK}"
        head = await peer.upgrade(Sec_WebSocket_Protocol=offered)
        assert f"Sec-WebSocket-Protocol: {limits.SUBPROTOCOL_MSGPACK}\r\n".encode() in head


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/v1/socket", {"Sec_WebSocket_Protocol": ""}, 400),
        ("/v1/socket", {"Sec_WebSocket_Protocol": "soap"}, 400),
        ("/v1/socket", {"Sec_WebSocket_Key": "short"}, 400),
        ("/v1/socket", {"Sec_WebSocket_Version": "8"}, 400),
        ("/v1/socket", {"Upgrade": ""}, 426),
        ("/v1/socket", {"Origin": "https://evil.example"}, 403),
        ("/v1/socket", {"Origin": "https://app.example.evil"}, 403),
        ("/v1/socket", {"Origin": "https://evilapp.example"}, 403),
        ("/v1/socket", {"Origin": "http://app.example"}, 403),
        ("/v1/socket", {"Origin": "https://app.example:8443"}, 403),
        ("/v1/socket", {"Origin": "null"}, 403),
        ("/v1/other", {}, 404),
        ("/healthz", {}, 404),
        ("/", {"Upgrade": ""}, 404),
    ],
)
async def test_what_is_no_handshake_of_ours_is_refused_in_plain_text(
    path: str, headers: dict[str, str], status: int
) -> None:
    """A refusal is an HTTP status, a sentence, and the end of the connection."""
    async with opened_door(origins=("https://app.example",)) as door:
        peer = await door.connect()
        head = await peer.upgrade(path, **headers)
        assert head.startswith(f"HTTP/1.1 {status} ".encode())
        assert b"text/plain" in head
        assert len(await peer.reader.read(1000)) > 10
        await peer.gone()


@pytest.mark.parametrize(
    ("allowed", "origin"),
    [
        (("https://app.example",), "https://app.example"),
        (("https://app.example",), ""),
        (("*",), "https://anyone.example"),
        ((), ""),
    ],
)
async def test_allowed_origins_and_none_at_all_come_in(
    allowed: tuple[str, ...], origin: str
) -> None:
    """Browsers need an origin on the list; apps send none, and are believed by their token alone."""
    async with opened_door(origins=allowed) as door:
        peer = await door.connect()
        assert b" 101 " in await peer.upgrade(Origin=origin)


async def test_probes_are_answered_on_the_same_port() -> None:
    """GET and HEAD of the probes; other methods are told so."""
    async with opened_door() as door:
        for method, status, body in (("GET", 200, b"ok\n"), ("HEAD", 200, b""), ("PUT", 405, None)):
            peer = await door.connect()
            await peer.raw(f"{method} /healthz HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            answer = await peer.reader.read()
            assert answer.startswith(f"HTTP/1.1 {status} ".encode())
            if body is not None:
                assert answer.endswith(b"\r\n\r\n" + body)


async def test_a_door_that_is_not_ready_answers_503_with_a_pause() -> None:
    """Before the lanes are read, and again while draining, clients are told to come back."""
    async with opened_door() as door:
        door.gate.ready = False
        peer = await door.connect()
        head = await peer.upgrade()
        assert head.startswith(b"HTTP/1.1 503 ")
        assert b"Retry-After: " in head


async def test_too_many_new_sockets_are_told_to_wait() -> None:
    """The accept bucket refuses before the upgrade, with a pause in whole seconds; it is counted by its reason."""
    async with opened_door(bounds=Bounds(accepts=Rate(0.5, 1.0))) as door:
        assert b" 101 " in await (await door.connect()).upgrade()
        head = await (await door.connect()).upgrade()
        assert b" 503 " in head
        assert b"Content-Length: 34\r\n" in head
        assert b"Retry-After: 3\r\n" in head  # 2 s until there is a token, and a place in the queue
        assert door.gate.turned_away == {"accepts": 1}


async def test_a_request_in_pieces_is_refused_alike() -> None:
    """Whole in one read or not: the same status and pause."""
    async with opened_door(bounds=Bounds(accepts=Rate(0.5, 1.0))) as door:
        await door.opened()
        peer = await door.connect()
        head = handshake(peer.subprotocol)
        read = door.tally.bytes_in
        await peer.raw(head[:40])
        await until(lambda: door.tally.bytes_in > read)
        await peer.raw(head[40:])
        answer = await peer.reader.read()
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"Retry-After: 3\r\n" in answer
        assert door.gate.turned_away == {"accepts": 1}


async def test_a_phone_comes_back_when_the_refusal_said() -> None:
    """`Retry-After` of a refused handshake is obeyed like a goaway's, jitter on top."""
    async with opened_door(bounds=Bounds(accepts=Rate(0.5, 1.0))) as door:
        await door.opened()
        with pytest.raises(InvalidStatus) as refused:
            await Connection.open(f"ws://127.0.0.1:{door.port}", lambda _frame: None)
        closed = Closed.refused(refused.value)
        assert closed.retry_after_ms == 3_000
        assert Backoff(Random(1)).pause_s(0.0, closed.retry_after_ms) >= 3.0
        assert Closed.refused(OSError()).retry_after_ms is None


async def test_one_address_cannot_fill_the_door_with_nameless_sockets() -> None:
    """Over the bound of one address nobody nameless is upgraded; probes still are answered."""
    async with opened_door(bounds=Bounds(nameless_per_peer=1)) as door:
        first = await door.opened()
        second = await door.connect()
        assert b" 503 " in await second.upgrade()
        second.close()
        await until(lambda: door.gate.nameless == 1)
        await first.authenticate()
        assert b" 101 " in await (await door.connect()).upgrade()
        probe = await door.connect()
        await probe.raw(b"GET /healthz HTTP/1.1\r\n\r\n")
        assert (await probe.reader.read()).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(50) + b"\n", b""),
        (b"GARBAGE\r\n\r\n", b""),
        (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 200 + b"\r\n", b"HTTP/1.1 431 "),
        (b"GET / HTTP/1.1\r\nX: " + b"y" * 9000, b"HTTP/1.1 431 "),
        (b"POST /healthz HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello", b""),
    ],
)
async def test_what_is_no_http_request_ends_the_connection(sent: bytes, answer: bytes) -> None:
    """TLS to a plain port, noise, endless headers, bodies."""
    async with opened_door() as door:
        peer = await door.connect()
        await peer.raw(sent)
        assert (await peer.reader.read()).startswith(answer)


async def test_frames_before_the_answer_are_refused() -> None:
    """A client that does not wait for the 101 is not spoken to."""
    async with opened_door() as door:
        peer = await door.connect()
        await peer.raw(
            b"GET /v1/socket HTTP/1.1\r\nUpgrade: websocket\r\n\r\n\x82\x80\x00\x00\x00\x00"
        )
        assert (await peer.reader.read()).startswith(b"HTTP/1.1 400 ")


async def test_a_handshake_that_trickles_is_cut_off() -> None:
    """The deadline counts from the connection, however busy it looks."""
    async with opened_door(replace(FAST, auth_within_s=0.1)) as door:
        peer = await door.connect()
        trickle = iter(b"GET /v1/socket HTTP/1.1\r\nX: " + b"y" * 8_000)
        while not door.tally.aborted:
            await peer.pour(bytes([next(trickle)]))
            with suppress(TimeoutError, ConnectionError):
                async with asyncio.timeout(0.01):
                    await peer.reader.read(1)
        await peer.gone()
