"""Every way to break the WebSocket protocol, by raw bytes: a fitting close code, and an end by deadline."""

import struct
from dataclasses import replace
from uuid import UUID

import pytest

from muster.agreements import Accepted, Agreements, InForce, Said
from muster.ids import PersonId, SessionId
from proto import frames, limits
from proto.codes import Close, Code, may_reconnect
from realtime.errands import Checks
from tests.fakes.hub import ROOM, token
from tests.realtime.sockets.door import FAST, masked, opened_door

JSON = limits.SUBPROTOCOL_JSON
MSGPACK = limits.SUBPROTOCOL_MSGPACK


@pytest.mark.parametrize(
    ("sent", "code", "subprotocol"),
    [
        pytest.param(b"\x82\x01x", 1002, MSGPACK, id="not masked"),
        pytest.param(b"\xc2\x80\x00\x00\x00\x00", 1002, MSGPACK, id="RSV1"),
        pytest.param(b"\x92\x80\x00\x00\x00\x00", 1002, MSGPACK, id="RSV3"),
        pytest.param(b"\x83\x80\x00\x00\x00\x00", 1002, MSGPACK, id="reserved opcode"),
        pytest.param(masked(9, b"x" * 126), 1002, MSGPACK, id="long ping"),
        pytest.param(masked(9, b"x", fin=False), 1002, MSGPACK, id="fragmented ping"),
        pytest.param(masked(0, b"x"), 1002, MSGPACK, id="continuation of nothing"),
        pytest.param(
            masked(2, b"x", fin=False) + masked(2, b"y"), 1002, MSGPACK, id="interrupted message"
        ),
        pytest.param(masked(8, b"\x03"), 1002, MSGPACK, id="close with one octet"),
        pytest.param(masked(8, struct.pack(">H", 999)), 1002, MSGPACK, id="close 999"),
        pytest.param(masked(8, struct.pack(">H", 1006)), 1002, MSGPACK, id="close 1006"),
        pytest.param(masked(8, b"\x03\xe8\xff"), 1007, MSGPACK, id="close reason not UTF-8"),
        pytest.param(
            b"\x82\xff" + struct.pack(">Q", 2**62) + bytes(4), 1009, MSGPACK, id="2^62 octets"
        ),
        pytest.param(
            b"\x82\xff" + struct.pack(">Q", 2**63 + 5) + bytes(4), 1009, MSGPACK, id="negative"
        ),
        pytest.param(
            b"\x82\xfe" + struct.pack(">H", 65_535) + bytes(4) + b"x", None, MSGPACK, id="largest"
        ),
        pytest.param(masked(2, b"x" * 70_000), 1009, MSGPACK, id="over the limit"),
        pytest.param(masked(1, b"[14,1]"), Close.protocol_violation, MSGPACK, id="text to msgpack"),
        pytest.param(masked(2, b"[14,1]"), Close.protocol_violation, JSON, id="binary to JSON"),
        pytest.param(masked(1, b'[14,1,"\xc3"]'), 1007, JSON, id="text not UTF-8"),
        pytest.param(
            masked(1, b"[14,\xc3", fin=False) + masked(0, b"1]"), 1007, JSON, id="split not UTF-8"
        ),
        pytest.param(
            masked(2, b"", fin=False) + masked(0, b"", fin=False) * 300,
            Close.too_large,
            MSGPACK,
            id="empty fragments without end",
        ),
        pytest.param(
            masked(2, b"x" * 3000, fin=False) + masked(0, b"x" * 3000, fin=False) * 30,
            1009,
            MSGPACK,
            id="large fragments without end",
        ),
    ],
)
async def test_a_peer_that_breaks_the_protocol_hears_why(
    sent: bytes, code: int | None, subprotocol: str
) -> None:
    """A goaway with the reason, a close with the code, and the connection ends, whatever the peer does."""
    terms = replace(FAST, heartbeat_s=0.1, pong_within_s=0.1)
    async with opened_door(terms) as door:
        peer = await door.authenticated(subprotocol=subprotocol)
        await peer.raw(sent)
        closed, before = await peer.closed()
        assert closed == (code or Close.no_pong)
        goaway = before[-1]
        assert isinstance(goaway, frames.Goaway)
        assert goaway.code == closed
        assert goaway.reason
        await peer.gone()
        await door.hub.gone.wait()
        assert door.hub.dropped[0][1] is False


async def test_fragments_are_one_message_and_controls_may_come_between() -> None:
    """A message in pieces, with a ping in the middle, is read as a whole."""
    async with opened_door() as door:
        peer = await door.authenticated()
        data = peer.codec.encode(frames.Ping(7))
        await peer.raw(masked(2, data[:1], fin=False) + masked(9, b"between"))
        assert await peer.frame() == (0x8A, b"between")
        await peer.raw(masked(0, b"", fin=False) + masked(0, data[1:]))
        pong = await peer.receive()
        assert isinstance(pong, frames.Pong)
        assert pong.id == 7


async def test_many_pings_at_once_are_all_answered_in_order() -> None:
    """Pongs with the payloads of the pings, so never more octets than came."""
    async with opened_door() as door:
        peer = await door.authenticated()
        await peer.raw(b"".join(masked(9, bytes([n])) for n in range(50)))
        assert [await peer.frame() for _ in range(50)] == [(0x8A, bytes([n])) for n in range(50)]


@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        (b"\xc1", "not well-formed"),
        (b"", "not well-formed"),
        (b"\x92\xcc\xff\x05", "not a frame"),
        (b"\x92\x0e\x05\x00", "not well-formed"),
        (b"\x91" * 500, "not a frame"),
        (b"\xc8\xff\xff\x01", "not well-formed"),
    ],
)
async def test_what_is_no_frame_is_answered_with_a_sentence_and_nothing_is_lost(
    sent: bytes, sentence: str
) -> None:
    """Malformed, empty, unknown, trailing, deep, extension type: an error, and the socket goes on."""
    async with opened_door() as door:
        peer = await door.authenticated()
        await peer.raw(masked(2, sent))
        error = await peer.receive()
        assert isinstance(error, frames.Error)
        assert error.code == Code.bad_request
        assert sentence in error.message
        await peer.send(frames.Post(3, ROOM, "c", "still here"))
        assert isinstance(await peer.receive(), frames.Entry)


async def test_the_error_for_what_is_no_frame_carries_its_id_where_it_can_be_read() -> None:
    """A client with a request outstanding learns which one failed."""
    async with opened_door() as door:
        peer = await door.authenticated(subprotocol=JSON)
        await peer.raw(masked(1, b'[5, 31, "no room"]'))
        error = await peer.receive()
        assert isinstance(error, frames.Error)
        assert error.id == 31


@pytest.mark.parametrize(
    "empty",
    [frames.Post(4, ROOM, "c", " \n"), frames.Edit(4, ROOM, "c", 1, "")],
    ids=["post", "edit"],
)
async def test_a_message_that_says_nothing_is_refused_and_the_socket_stays(
    empty: frames.ClientFrame,
) -> None:
    """The request is wrong, not the connection, and it is no fault of ours."""
    async with opened_door() as door:
        peer = await door.authenticated()
        await peer.send(empty, frames.Ping(5))
        error, pong = await peer.receive(), await peer.receive()
        assert isinstance(error, frames.Error)
        assert (error.id, error.code) == (4, Code.bad_request)
        assert isinstance(pong, frames.Pong)
        assert door.tally.faults == 0
        assert not door.writer.ops


async def test_who_keeps_sending_no_frames_is_closed() -> None:
    """A client with a fault is told to stop."""
    async with opened_door() as door:
        peer = await door.authenticated()
        await peer.raw(masked(2, b"\xc1") * 20)
        code, before = await peer.closed()
        assert code == Close.bad_frame
        assert len([one for one in before if isinstance(one, frames.Error)]) == 11


async def test_more_than_4_kib_before_authentication_ends_the_socket() -> None:
    """Nothing is kept of who has not said who they are."""
    async with opened_door() as door:
        peer = await door.opened()
        await peer.raw(masked(2, b"x" * 60_000)[:5_000])
        code, _ = await peer.closed()
        assert code == Close.too_large
        await peer.gone()


async def test_a_frame_before_auth_is_refused() -> None:
    """The first frame authenticates."""
    async with opened_door() as door:
        peer = await door.opened()
        await peer.send(frames.Post(3, ROOM, "c", "x"))
        code, before = await peer.closed()
        assert code == Close.unauthorized
        assert isinstance(before[0], frames.Error)
        assert before[0].code == Code.unauthorized
        assert not door.writer.ops


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ("nonsense", Close.unauthorized),
        (token(session=66), Close.revoked),
        # Of other kinds: a refresh token, the token between two steps, a service key.
        ("mrt_" + "A" * 43, Close.unauthorized),
        ("mmf_" + "A" * 43, Close.unauthorized),
        ("msk_" + "0" * 32 + "_" + "A" * 43, Close.unauthorized),
    ],
)
async def test_a_token_that_is_not_believed_ends_the_socket(given: str, code: Close) -> None:
    """Foreign tokens and revoked sessions: an error, and a close that says not to come back."""
    async with opened_door() as door:
        door.hub.over.add(SessionId(UUID(int=66)))
        peer = await door.opened()
        await peer.send(frames.Auth(1, given))
        closed, before = await peer.closed()
        assert closed == code
        assert isinstance(before[0], frames.Error)
        assert isinstance(before[1], frames.Goaway)
        assert not before[1].resumable
        assert not door.hub.calls


class _NothingAccepted:
    """Where what people accepted is kept; nobody did."""

    async def of(self, person: PersonId) -> list[Accepted]:
        return []

    async def add(self, person: PersonId, documents: list[InForce]) -> None:
        """Nobody asks for it."""


async def test_who_owes_the_terms_is_told_so_and_stays_away() -> None:
    """Where the operator insists: an error, and a close of its own, after which nobody comes back by themselves."""
    said = Said(InForce("terms", "2", ""), InForce("privacy", "", ""), enforced=True)
    async with opened_door(checks=Checks(Agreements(_NothingAccepted(), said))) as door:
        peer = await door.opened()
        await peer.send(frames.Auth(1, token()))
        closed, before = await peer.closed()
        assert closed == Close.agreement_required
        assert not may_reconnect(closed)
        assert isinstance(before[0], frames.Error)
        assert before[0].code == Code.agreement_required
        assert not door.hub.calls


async def test_a_fault_of_ours_ends_one_socket_and_no_other() -> None:
    """A bug in one request closes its socket with a retryable code; the process and others go on."""
    async with opened_door() as door:
        ada, bob = await door.authenticated(), await door.authenticated(token(9, 8, 7))
        door.writer.fault = ZeroDivisionError("a bug")
        await ada.send(frames.Post(3, ROOM, "c", "x"))
        assert (await ada.closed())[0] == Close.internal
        assert door.tally.faults == 1
        await bob.send(frames.Ping(1))
        assert isinstance(await bob.receive(), frames.Pong)
