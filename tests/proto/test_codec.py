"""The codec gives back what it was given and refuses the rest, at a bounded cost."""

import json
import tracemalloc
from contextlib import suppress
from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proto import frames, limits
from proto.codec import CODECS, JSON, MSGPACK, BadFrame, Codec
from tests.proto import vectors
from tests.proto.shapes import client_frames, server_frames

BOTH = pytest.mark.parametrize("codec", [MSGPACK, JSON], ids=["msgpack", "json"])
ROOM = vectors.ROOM


@given(client_frames)
def test_client_frame_survives(frame: frames.ClientFrame) -> None:
    """What a client encodes, the server reads, in either subprotocol."""
    for codec in CODECS.values():
        assert codec.decode(codec.encode(frame)) == frame


@given(server_frames)
def test_server_frame_survives(frame: frames.ServerFrame) -> None:
    """What the server encodes, a client reads; and JSON made from the msgpack bytes is the same."""
    for codec in CODECS.values():
        assert codec.decode_server(codec.encode(frame)) == frame
    assert JSON.encode(MSGPACK.decode_server(MSGPACK.encode(frame))) == JSON.encode(frame)


@given(st.binary(max_size=300))
def test_garbage_raises_only_bad_frame(data: bytes) -> None:
    """No bytes at all raise anything but BadFrame."""
    for codec in CODECS.values():
        _read_or_refuse(codec, data)


@given(client_frames, st.data())
def test_damaged_frames_raise_only_bad_frame(
    frame: frames.ClientFrame, data: st.DataObject
) -> None:
    """A frame cut short, or with one byte changed, is another frame or a BadFrame."""
    for codec in CODECS.values():
        whole = codec.encode(frame)
        cut = data.draw(st.integers(0, len(whole) - 1))
        with pytest.raises(BadFrame):
            codec.decode(whole[:cut])
        with pytest.raises(BadFrame):
            codec.decode(whole + b"\x01")
        changed = bytearray(whole)
        changed[cut] = data.draw(st.integers(0, 255))
        _read_or_refuse(codec, bytes(changed))


_any_value: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.text(max_size=8)
    | st.binary(max_size=17),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=12,
)


@given(st.integers(0, 90), st.lists(_any_value, max_size=12))
def test_wrong_shapes_raise_only_bad_frame(kind: int, rest: list[Any]) -> None:
    """Well-formed arrays with any content are a frame or a BadFrame."""
    _read_or_refuse(MSGPACK, msgpack.packb([kind, *rest]))
    _read_or_refuse(JSON, json.dumps([kind, *rest], default=str).encode())


@BOTH
@pytest.mark.parametrize(
    "frame",
    [
        frames.Post(9, ROOM, "c", "x" * (limits.TEXT_CHARS + 1)),
        frames.Post(9, ROOM, "c" * (limits.CLIENT_ID_CHARS + 1), "x"),
        frames.Post(9, ROOM, "", "x"),
        frames.Post(9, ROOM, "c", "x", mentions=[ROOM] * (limits.MENTIONS + 1)),
        frames.Post(9, ROOM, "c", "x", attachments=[ROOM] * (limits.ATTACHMENTS + 1)),
        frames.Post(9, ROOM, "c", "x", meta={"": 1}),
        frames.Post(9, ROOM, "c", "x", meta={"k" * (limits.META_KEY_CHARS + 1): 1}),
        frames.Post(9, ROOM, "c", "x", meta={str(n): n for n in range(limits.META_KEYS + 1)}),
        frames.Post(9, ROOM, "c", "x", meta={"k": "v" * limits.META_BYTES}),
        frames.Post(9, ROOM, "c", "x", meta={"k": 2**53}),
        frames.Post(9, ROOM, "c", "x", reply_to=2**53),
        frames.Edit(9, ROOM, "c", "", "x"),
        frames.React(9, ROOM, "c", 1, ""),
        frames.React(9, ROOM, "c", 1, "e" * (limits.EMOJI_CHARS + 1)),
        frames.Resume(9, None, [(ROOM, 1)] * (limits.ROOMS_PER_FRAME + 1)),
        frames.Watch(9, False, [ROOM] * (limits.WATCHED_PEOPLE + 1)),
        frames.Watch(9, False, [], [ROOM] * (limits.WATCHED_ROOMS + 1)),
        frames.Read(9, [(ROOM, -1)]),
        frames.Auth(9, "t", "a" * 65),
        frames.Post(9, ROOM, "c", "a\x00b"),
        frames.Post(9, ROOM, "c\x00", "x"),
        frames.Post(9, ROOM, "c", "x", meta={"a\x00": 1}),
        frames.Post(9, ROOM, "c", "x", meta={"a": "\x00"}),
        frames.Edit(9, ROOM, "c", "t\x00", "x"),
        frames.Delete(9, ROOM, "c", "t\x00"),
        frames.React(9, ROOM, "c", 1, "\x00"),
        frames.Auth(9, "t", "app", "1", "ios", "i\x00"),
    ],
)
def test_limits_hold_and_name_the_request(codec: Codec, frame: frames.Client) -> None:
    """One value over a limit refuses one request: the id is still known, so the socket stays."""
    with pytest.raises(BadFrame) as refusal:
        codec.decode(codec.encode(frame))
    assert refusal.value.known == 9


@BOTH
def test_largest_post_fits(codec: Codec) -> None:
    """Every limit of a post reached at once is still one frame."""
    frame = frames.Post(
        2**31 - 1,
        ROOM,
        "c" * limits.CLIENT_ID_CHARS,
        "👋" * limits.TEXT_CHARS,
        [ROOM] * limits.MENTIONS,
        True,
        2**53 - 1,
        [ROOM] * limits.ATTACHMENTS,
        {"k": "v" * (limits.META_BYTES - 8)},
    )
    assert codec.decode(codec.encode(frame)) == frame


@BOTH
def test_unknown_trailing_fields_are_skipped(codec: Codec) -> None:
    """A newer client may say more than this server knows."""
    newer = [14, 1, {"more": [1, 2, None]}]
    data = json.dumps(newer).encode() if codec.text else msgpack.packb(newer)
    assert codec.decode(data) == frames.Ping(1)


def test_last_of_repeated_keys_counts() -> None:
    """A map that says a key twice says the last, in either subprotocol; it is never two."""
    text = f'[5,1,"{ROOM}","c","x",null,false,null,null,{{"a":1,"a":2}}]'.encode()
    packed = msgpack.packb([5, 1, ROOM.bytes, "c", "x", None, False, None, None])
    twice = b"\x9a" + packed[1:] + b"\x82\xa1a\x01\xa1a\x02"
    for frame in (JSON.decode(text), MSGPACK.decode(twice)):
        assert isinstance(frame, frames.Post)
        assert frame.meta == {"a": 2}


def test_limit_before_authentication_is_the_callers() -> None:
    """The limit passed in is the one that holds."""
    data = MSGPACK.encode(frames.Auth(1, "t" * limits.FRAME_BYTES_BEFORE_AUTH))
    with pytest.raises(BadFrame) as refusal:
        MSGPACK.decode(data, limits.FRAME_BYTES_BEFORE_AUTH)
    assert refusal.value.too_large
    assert isinstance(MSGPACK.decode(data), frames.Auth)


@pytest.mark.parametrize(
    ("codec", "data"),
    [
        (MSGPACK, b"\x93\x0e\x01" + b"\x91" * 65_000),
        (MSGPACK, b"\x93\x0e\x01\xdd\x00\x00\xff\x00" + b"\x90" * 65_280),
        (MSGPACK, b"\x95\x05\x01\xdb\x7f\xff\xff\xff" + b"x" * 65_000),
        (MSGPACK, b"\x94\x02\x01\xc0\xdd\x00\x00\xff\x00" + b"\x92\xa0\x01" * 20_000),
        (MSGPACK, b"\x91\xdf\x7f\xff\xff\xff" + b"\xa1a\x01" * 20_000),
        (JSON, b"[14,1," + b"[" * 65_000),
        (JSON, b"[2,1,null,[" + b'["",1],' * 8_000),
        (JSON, b'[14,1,{"a":' * 5_000),
        (JSON, b"[14," + b"9" * 65_000 + b"]"),
    ],
)
def test_bombs_cost_bounded_memory(codec: Codec, data: bytes) -> None:
    """64 KiB made to unfold into much more never takes more than a few times its size."""
    tracemalloc.start()
    try:
        _read_or_refuse(codec, data)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 8 * limits.FRAME_BYTES


def test_server_frames_are_refused_from_clients_and_the_reverse() -> None:
    """The two directions share no kind, so an echo is never taken for a command."""
    for codec in CODECS.values():
        for server in vectors.SERVER.values():
            with pytest.raises(BadFrame):
                codec.decode(codec.encode(server))
        for client in vectors.CLIENT.values():
            with pytest.raises(BadFrame):
                codec.decode_server(codec.encode(client))


def _read_or_refuse(codec: Codec, data: bytes) -> None:
    for decode in (codec.decode, codec.decode_server):
        with suppress(BadFrame):
            decode(data)
