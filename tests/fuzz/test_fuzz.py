"""The claims of targets.py hold for what is kept, for fresh mutations by a seed that is told, and for Hypothesis."""

import asyncio
from random import Random, SystemRandom

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proto.codec import JSON, MSGPACK
from tests.fuzz import corpus, targets
from tests.fuzz.__main__ import Found, run
from tests.fuzz.mutation import mutations
from tests.proto.shapes import client_frames
from tests.realtime.sockets.door import masked
from tests.sim.time import JumpingLoop

FRAMES = {"codec": 15_000, "inlet": 3_000, "connection": 1_500}


def talk(data: bytes) -> int:
    """One connection on a loop of its own."""

    async def once() -> int:
        async with targets.connections() as door:
            return await door.connection(data)

    with asyncio.Runner(loop_factory=JumpingLoop) as runner:
        return runner.run(once())


@pytest.mark.parametrize("target", FRAMES)
def test_what_nobody_meant_harms_nobody(target: str) -> None:
    """The corpus, then thousands of mutations: BadFrame or a clean close, bounded time, no memory kept."""
    seed = SystemRandom().randrange(2**31)
    print(f"python -m tests.fuzz --target {target} --seed {seed}")
    with asyncio.Runner(loop_factory=JumpingLoop) as runner:
        figures = runner.run(run(target, FRAMES[target], seed))
    assert figures.frames >= FRAMES[target]


def test_the_same_seed_is_the_same_run() -> None:
    """A find can be repeated by its seed."""
    seeds = corpus.seeds("codec")
    one, other = mutations(Random(5), seeds), mutations(Random(5), seeds)
    assert [next(one) for _ in range(500)] == [next(other) for _ in range(500)]


_PIECES = st.one_of(
    st.builds(
        masked,
        st.sampled_from([0, 1, 2, 8, 9, 10]),
        st.binary(max_size=130),
        fin=st.booleans(),
    ),
    client_frames.map(lambda frame: masked(2, MSGPACK.encode(frame))),
    client_frames.map(lambda frame: masked(1, JSON.encode(frame))),
    st.binary(max_size=20),
)
_STREAMS = st.lists(_PIECES, max_size=8).map(b"".join)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 5), st.integers(0, 255), _STREAMS)
def test_any_talk_ends_cleanly(how: int, size: int, stream: bytes) -> None:
    """Frames that are right, wrong and between, from anybody: well-formed answers, no fault of ours, an end."""
    talk(bytes([how, size]) + stream)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 1), st.integers(0, 255), _STREAMS)
def test_any_stream_is_read_the_same_however_it_is_cut(text: int, size: int, stream: bytes) -> None:
    """Slices of one byte or all at once: the same messages, the same end."""
    targets.inlet(bytes([text, size]) + stream)


@pytest.mark.parametrize("target", FRAMES)
def test_a_fault_is_found_and_told_with_its_seed(
    target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The targets bite: a decoder that raises what it should not is a find of each of them."""

    def broken(_frame: object) -> None:
        raise ValueError("broken on purpose")

    monkeypatch.setattr("proto.codec._refuse_unstorable", broken)
    monkeypatch.setattr("realtime.inlet._is_utf8", broken)
    with (
        pytest.raises(Found, match=f"{target}, seed 7, input"),
        asyncio.Runner(loop_factory=JumpingLoop) as runner,
    ):
        runner.run(run(target, 500, 7))
