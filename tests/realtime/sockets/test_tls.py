"""A hub that ends TLS itself: the same door, by its own certificate."""

import ssl
from dataclasses import replace
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from muster.services.certificate import development_certificate
from proto import frames, limits
from proto.codec import MSGPACK
from proto.codes import Close
from tests.fakes.hub import ROOM, token
from tests.realtime.sockets.door import FAST, opened_door


@pytest.fixture
def contexts(tmp_path: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """The server's context and a client's that trusts it."""
    certificate, key = development_certificate(tmp_path, "127.0.0.1")
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(certificate, key)
    return serving, ssl.create_default_context(cafile=str(certificate))


async def test_frames_and_closes_pass_through_tls(
    contexts: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    """Authenticate, post, and hear the code of a close."""
    serving, trusting = contexts
    async with (
        opened_door(tls=serving) as door,
        connect(
            f"wss://127.0.0.1:{door.port}/v1/socket",
            ssl=trusting,
            subprotocols=[Subprotocol(limits.SUBPROTOCOL_MSGPACK)],
        ) as client,
    ):
        await client.send(MSGPACK.encode(frames.Auth(1, token())))
        assert isinstance(MSGPACK.decode_server(bytes(await client.recv())), frames.Ready)  # type: ignore[arg-type]  # binary
        await client.send(MSGPACK.encode(frames.Post(2, ROOM, "c", "x" * 7_000)))
        assert isinstance(MSGPACK.decode_server(bytes(await client.recv())), frames.Entry)  # type: ignore[arg-type]  # binary
        await client.recv()
        door.hub.sockets[0].close(Close.replaced, "a newer socket")
        await client.recv()
        with pytest.raises(ConnectionClosed) as closed:
            await client.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == Close.replaced


async def test_who_does_not_finish_the_tls_handshake_is_cut_off(
    contexts: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    """The deadline holds before there is anything to read."""
    async with opened_door(replace(FAST, auth_within_s=0.1), tls=contexts[0]) as door:
        peer = await door.connect()
        await peer.raw(b"\x16")
        await peer.gone()
