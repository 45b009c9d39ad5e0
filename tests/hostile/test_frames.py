"""Frames that are wrong in ways a client would repeat: it is told to stop, not to come back and do it again."""

import asyncio
from urllib.parse import urlsplit

import httpx
import pytest

from loadtest.stack import Stack
from proto import frames, limits
from tests.realtime.sockets.door import Peer, masked
from tests.walk.people import Person, people

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (masked(1, b"x" * 70_000), 1009),
        (masked(1, b"x" * 60_000, fin=False) + masked(0, b"x" * 60_000), 1009),
        (masked(1, b"\xff\xfe"), 1007),
        (masked(0, b"a continuation of nothing"), 1002),
        (masked(3, b"an opcode that is none"), 1002),
        (masked(9, b"x" * 126), 1002),
        (masked(2, b"binary"), 4507),
    ],
    ids=["too large", "too large in parts", "no utf-8", "continuation", "opcode", "ping", "binary"],
)
async def test_who_would_do_it_again_is_told_to_stop(stack: Stack, sent: bytes, code: int) -> None:
    """The goaway says that it does not resume, and the close code is one that says stop."""
    async with people(stack, "eve") as (eve,):
        peer = await _socket(stack, eve)
        await peer.pour(sent)
        closed, before = await peer.closed()
        goaway = before[-1]
        assert isinstance(goaway, frames.Goaway)
        assert (closed, goaway.code, goaway.resumable) == (code, code, False)
        peer.close()


async def test_words_that_look_like_a_nul_are_words(stack: Stack) -> None:
    r"""A backslash, a u and four zeros are six characters: only the one character NUL is refused."""
    async with people(stack, "ada") as (ada,):
        room = (await ada.rest.create_room("group", "escapes")).id
        peer = await _socket(stack, ada)
        for number, words, kind in ((5, "\\u0000", frames.Ack), (6, "\x00", frames.Error)):
            await peer.send(frames.Post(number, room, f"c{number}", "escapes", meta={"a": words}))
            answer = await peer.receive()
            while getattr(answer, "id", 0) != number:
                answer = await peer.receive()
            assert isinstance(answer, kind), answer
        peer.close()


async def _socket(stack: Stack, person: Person) -> Peer:
    """A second socket of somebody, on an install of its own."""
    async with httpx.AsyncClient(base_url=stack.api_url) as client:
        body = {
            "handle": person.phone.login.account.handle,
            "password": "a long enough password",
            "install": "second",
        }
        token = (await client.post("/v1/sessions", json=body)).json()["access_token"]
    port = urlsplit(stack.hub_urls[0]).port
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    peer = Peer(reader, writer, limits.SUBPROTOCOL_JSON)
    await peer.upgrade()
    await peer.authenticate(token)
    return peer
