"""The pure parts of the HTTP/2 client: GOAWAY cut out, header compression, the limit, base addresses."""

from __future__ import annotations

import asyncio
import contextlib
from typing import cast

import pytest
from h2.exceptions import ProtocolError
from hpack import Decoder
from hyperframe.frame import DataFrame, Frame, GoAwayFrame, PingFrame, SettingsFrame
from hypothesis import given
from hypothesis import strategies as st

from pushers.http2.dial import Base, base
from pushers.http2.exchange import Answer, End, Exchange
from pushers.http2.fields import SECRET, VARYING, FieldEncoder
from pushers.http2.goaway import Cut, GoAway
from pushers.http2.limit import Limit
from pushers.http2.streams import Streams

NOBODY = cast("asyncio.Future[Answer]", None)
"""Nobody waits for these."""

FRAMES: list[Frame] = [
    PingFrame(0, b"12345678"),
    DataFrame(1, data=b"\x07" * 30),
    DataFrame(3, data=b""),
    GoAwayFrame(0, last_stream_id=7, error_code=2, additional_data=b"why"),
    GoAwayFrame(0, last_stream_id=2**31 - 1),
]


@given(st.lists(st.sampled_from(range(len(FRAMES))), max_size=12), st.data())
def test_goaway_is_cut_out_however_the_bytes_come(chosen: list[int], data: st.DataObject) -> None:
    """What is left is every other frame, byte for byte, in order."""
    frames = [FRAMES[i] for i in chosen]
    stream = b"".join(frame.serialize() for frame in frames)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    cut, passed, found = Cut(), b"", []
    for begin, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        kept, goaways = cut.feed(stream[begin:end])
        passed += kept
        found += goaways
    assert passed == b"".join(f.serialize() for f in frames if not isinstance(f, GoAwayFrame))
    assert found == [
        GoAway(f.last_stream_id, f.error_code, f.additional_data)
        for f in frames
        if isinstance(f, GoAwayFrame)
    ]


@pytest.mark.parametrize(
    "frame", [b"\x00\x00\x04\x07" + bytes(9), b"\x00\x00\x08\x07\x00\x00\x00\x00\x01" + bytes(8)]
)
def test_what_is_no_proper_goaway_is_left_for_h2_to_refuse(frame: bytes) -> None:
    """Too short, or of a stream."""
    assert Cut().feed(frame) == (frame, [])


NAMES = [*SECRET, *VARYING, b":method", b":status", b"apns-topic", b"x-long"]
FIELDS = st.lists(st.tuples(st.sampled_from(NAMES), st.binary(max_size=300)), max_size=8)


@given(st.lists(st.one_of(FIELDS, st.sampled_from([0, 60, 4096])), max_size=12))
def test_what_is_compressed_reads_the_same(steps: list[list[tuple[bytes, bytes]] | int]) -> None:
    """Block after block, also when the table is resized in between."""
    encoder, decoder = FieldEncoder(), Decoder()
    decoder.max_allowed_table_size = 4096
    for step in steps:
        if isinstance(step, int):
            encoder.header_table_size = step
        else:
            read = decoder.decode(encoder.encode(step), raw=True)
            assert [(bytes(k), bytes(v)) for k, v in read] == step
            secrets = [k for k, _ in encoder.header_table.dynamic_entries if k in SECRET]
            assert secrets == []


def test_a_field_that_comes_again_is_one_byte() -> None:
    """And what varies is its name's index and its value."""
    encoder = FieldEncoder()
    again = [(b":method", b"POST"), (b"apns-topic", b"example.muster")]
    encoder.encode([*again, (b"apns-id", b"1" * 36)])
    assert len(encoder.encode([*again, (b"apns-id", b"2" * 36)])) == 1 + 1 + 2 + 1 + 36


def test_the_limit_grows_while_all_is_well_and_halves_when_it_is_not() -> None:
    """Fast at first, then by one a round trip; what goes badly in one second counts once; unused says nothing."""
    limit = Limit(1000, first=10)
    for _ in range(90):
        limit.good(in_flight=limit.now)
    assert limit.now == 100
    limit.bad(1.0)
    limit.bad(1.9)
    assert limit.now == 50
    for _ in range(52):
        limit.good(in_flight=limit.now)
    assert limit.now == 51
    for _ in range(1000):
        limit.good(in_flight=3)
    assert limit.now == 51
    for second in range(10):
        limit.bad(float(second + 3))
    assert limit.now == 1


NOISE = st.builds(
    lambda kind, flags, stream, payload: (
        len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload
    ),
    st.integers(0, 12),
    st.integers(0, 255),
    st.sampled_from([0, 1, 2, 3, 5, 7, 2**31 - 1]),
    st.one_of(st.binary(max_size=40), st.just(b"\x88"), st.just(b"\x00\x00\x00\x01")),
)


@given(st.lists(NOISE, max_size=10), st.binary(max_size=30))
def test_whatever_a_server_sends_is_an_answer_or_the_end_of_the_connection(
    frames: list[bytes], more: bytes
) -> None:
    """Frames of every kind, in any order, with any content; every request has exactly one end."""
    ends: list[End] = []
    streams = Streams(lambda _, end: ends.append(end), 100, proven=True, unproven=frozenset())
    streams.begin()
    streams.receive(SettingsFrame(0, settings={3: 100}).serialize())
    exchanges = [Exchange([(b":method", b"POST")], b"{}", NOBODY, 9.0) for _ in range(3)]
    for exchange in exchanges:
        streams.open(exchange, 0.0)
    with contextlib.suppress(ProtocolError):
        for frame in (*frames, more):
            streams.receive(frame)
            streams.outgoing()
        streams.overdue(10.0)
    streams.lost("closed")
    assert len(ends) == 3
    assert len(streams) == 0


def test_a_base_is_https_and_a_host() -> None:
    """With a port or without, and nothing else."""
    assert base("https://api.push.apple.com") == Base("api.push.apple.com", 443)
    assert base("https://127.0.0.1:8301/").authority == b"127.0.0.1:8301"
    assert base("https://[::1]").authority == b"[::1]"
    for bad in ("http://a", "https://", "https://a/path", "a", "https://a?b=c"):
        with pytest.raises(ValueError, match="https://host"):
            base(bad)
