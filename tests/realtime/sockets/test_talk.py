"""Two clients talk through real sockets, in both subprotocols."""

from uuid import UUID

from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from proto import frames, limits
from proto.codec import JSON
from proto.codes import Close
from tests.fakes.hub import GENERATION, ROOM, token
from tests.realtime.sockets.door import handshake, masked, opened_door


async def test_a_post_is_acknowledged_and_reaches_everybody() -> None:
    """What one posts, both get as an entry, and its sender an ack with the same seq."""
    async with opened_door() as door:
        ada, bob = await door.authenticated(), await door.authenticated(token(9, 8, 7))
        await ada.send(frames.Post(5, ROOM, "c1", "hello"))
        entry, ack = await ada.receive(), await ada.receive()
        assert isinstance(entry, frames.Entry)
        assert isinstance(ack, frames.Ack)
        assert (ack.id, ack.seq) == (5, entry.seq)
        assert await bob.receive() == entry


async def test_ready_says_who_and_on_what_terms() -> None:
    """The answer to auth carries person, session, device, generation and limits."""
    async with opened_door() as door:
        peer = await door.opened()
        ready = await peer.authenticate(token(4, 5, 6))
        assert (ready.person, ready.session, ready.device) == (
            UUID(int=4),
            UUID(int=5),
            UUID(int=6),
        )
        assert ready.generation == GENERATION
        assert ready.self_room == ready.person
        assert ready.heartbeat_ms == 5_000
        assert ready.limits.frame_bytes == limits.FRAME_BYTES


async def test_a_library_client_talks_json() -> None:
    """A client of the `websockets` library holds a conversation in JSON text frames."""
    async with (
        opened_door() as door,
        connect(
            f"ws://127.0.0.1:{door.port}/v1/socket",
            subprotocols=[Subprotocol(limits.SUBPROTOCOL_JSON)],
            compression="deflate",
        ) as client,
    ):
        assert client.response is not None
        assert "Sec-WebSocket-Extensions" not in client.response.headers
        await client.send(f'[1, 1, "{token()}"]')
        assert isinstance(JSON.decode_server(str(await client.recv()).encode()), frames.Ready)
        await client.send(f'[5, 2, "{ROOM}", "c1", "hélas"]')
        entry = JSON.decode_server(str(await client.recv()).encode())
        assert isinstance(entry, frames.Entry)
        assert entry.body.text == "hélas"
        pong = await client.ping()
        await pong


async def test_frames_behind_auth_in_the_same_segment_are_answered_in_order() -> None:
    """A client need not wait for Ready before it resumes and posts."""
    async with opened_door() as door:
        peer = await door.opened()
        await peer.send(
            frames.Auth(1, token()),
            frames.Resume(2, None, []),
            frames.Post(3, ROOM, "c", "x"),
        )
        kinds = [type(await peer.receive()) for _ in range(4)]
        assert kinds == [frames.Ready, frames.RoomStates, frames.Entry, frames.Ack]


async def test_one_octet_per_segment_is_read_as_well() -> None:
    """Bytes may come one by one."""
    async with opened_door() as door:
        peer = await door.connect()
        for octet in handshake(peer.subprotocol):
            await peer.raw(bytes([octet]))
        head = await peer.reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101 ")
        for octet in masked(2, peer.codec.encode(frames.Auth(1, token()))):
            await peer.raw(bytes([octet]))
        assert isinstance(await peer.receive(), frames.Ready)


async def test_a_clean_close_tells_the_hub_that_it_was_meant() -> None:
    """Client close 1000 or 1001 is "offline"; anything else, and no close at all, is a lost connection."""
    async with opened_door() as door:
        for said, meant in ((1000, True), (1001, True), (3000, False), (None, False)):
            peer = await door.authenticated()
            if said is not None:
                await peer.raw(masked(8, said.to_bytes(2, "big")))
                assert (await peer.closed())[0] == said
            peer.close()
            await door.hub.gone.wait()
            door.hub.gone.clear()
            assert door.hub.dropped[-1][1] is meant


async def test_the_older_socket_hears_why_it_is_closed() -> None:
    """The hub closes with a goaway that says whether to come back."""
    async with opened_door() as door:
        peer = await door.authenticated()
        door.hub.sockets[0].close(Close.replaced, "this device opened a newer socket")
        code, before = await peer.closed()
        assert code == Close.replaced
        goaway = before[-1]
        assert isinstance(goaway, frames.Goaway)
        assert (goaway.code, goaway.resumable) == (Close.replaced, True)
