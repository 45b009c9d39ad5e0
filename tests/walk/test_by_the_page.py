"""A stranger's client: docs/protocol.md, section 1, with a plain WebSocket library and stdlib JSON."""

import json
import secrets
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from loadtest.stack import Stack

pytestmark = pytest.mark.asyncio(loop_scope="session")
PASSWORD = "a long enough password"


async def _token(http: httpx.AsyncClient, handle: str) -> str:
    person = {"handle": handle, "password": PASSWORD}
    assert (await http.post("/v1/people", json=person)).status_code == 201
    session = await http.post("/v1/sessions", json={**person, "install": "my-laptop"})
    token: str = session.json()["access_token"]
    return token


async def _says(socket: ClientConnection, line: str) -> None:
    await socket.send(line)


async def _answers(socket: ClientConnection) -> list[Any]:
    text = await socket.recv(decode=True)
    answer: list[Any] = json.loads(text)
    return answer


def _open(stack: Stack, hub: int = 0) -> connect:
    return connect(
        f"{stack.hub_urls[hub]}/v1/socket",
        subprotocols=[Subprotocol("muster.v1.json")],
        compression=None,
        proxy=None,
    )


async def test_the_walk_through_is_true(stack: Stack) -> None:
    """Line by line as the page has it."""
    async with httpx.AsyncClient(base_url=stack.api_url) as http:
        token = await _token(http, f"ada_{secrets.token_hex(4)}")
        bearer = {"Authorization": f"Bearer {token}"}
        made = await http.post(
            "/v1/rooms", json={"kind": "public", "title": "lobby"}, headers=bearer
        )
        room = made.json()["id"]
        assert (await http.get("/v1/hubs")).json()["hubs"] == stack.hub_urls
    async with _open(stack) as socket:
        await _says(socket, f'[1,1,"{token}"]')
        ready = await _answers(socket)
        assert ready[:2] == [64, 1]
        person, self_room, generation = ready[2], ready[5], ready[6]
        assert self_room == person
        assert ready[-2]["frame_bytes"] == 65_536
        assert 500 <= ready[-1] <= 2_000
        await _says(socket, "[2,2,null,[]]")
        own = [self_room, "live", 2, 1, 0]
        assert await _answers(socket) == [68, 2, generation, [own, [room, "joined", 2, 1, 0]]]
        await _says(socket, f'[3,3,[["{room}",0]]]')
        assert await _answers(socket) == [68, 3, generation, [own, [room, "live", 1, 1, 0]]]
        joined = await _answers(socket)
        assert joined[:8] == [69, 0, room, 1, 0, "join", person, person]
        assert joined[-1] == {"role": "owner", "members": 1}
        await _says(socket, f'[5,4,"{room}","my-first","hello"]')
        heard = sorted([await _answers(socket), await _answers(socket)])
        assert heard[0][:5] + heard[0][6:] == [65, 4, room, 2, 1, True]
        assert heard[1][:9] == [69, 0, room, 2, 1, "post", person, None, "my-first"]
        assert heard[1][-1] == {"text": "hello"}
        await _says(socket, f'[5,5,"{room}","my-first","hello"]')
        again = await _answers(socket)
        assert again[:5] + again[6:] == [65, 5, room, 2, 1, False]


async def test_bad_frames_are_answered_then_the_socket_ends(stack: Stack) -> None:
    """The page: answered with the id where it can be read; too many end the socket with 4501."""
    async with httpx.AsyncClient(base_url=stack.api_url) as http:
        token = await _token(http, f"ada_{secrets.token_hex(4)}")
    async with _open(stack) as socket:
        await _says(socket, f'[1,1,"{token}"]')
        await _answers(socket)
        await _says(socket, '[5,7,"no room","c","x"]')
        assert (await _answers(socket))[:3] == [66, 7, 104]
        await _says(socket, "hello")
        assert (await _answers(socket))[:3] == [66, 0, 104]
        await _says(socket, "[14,8]")
        assert (await _answers(socket))[:2] == [77, 8]


async def test_first_frame_must_be_auth(stack: Stack) -> None:
    """Anything else is answered, announced and closed, with a code that says not to come back."""
    async with _open(stack) as socket:
        await _says(socket, "[14,1]")
        assert (await _answers(socket))[:3] == [66, 1, 101]
        goaway = await _answers(socket)
        assert (goaway[0], goaway[2], goaway[5]) == (76, 4500, False)
        with pytest.raises(ConnectionClosed) as closed:
            await socket.recv()
        assert closed.value.rcvd
        assert closed.value.rcvd.code == 4500


async def test_a_subprotocol_is_needed(stack: Stack) -> None:
    """A client that offers none of ours is refused before it is a WebSocket."""
    with pytest.raises(InvalidStatus) as refused:
        async with connect(f"{stack.hub_urls[0]}/v1/socket", compression=None, proxy=None):
            pass
    assert refused.value.response.status_code == 400
