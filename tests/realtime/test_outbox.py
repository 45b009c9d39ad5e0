"""The slow-reader ladder, pure: flowing, congested, over."""

from hypothesis import given
from hypothesis import strategies as st

from realtime.outbox import Level, Outbox

BOUND = 1_000


def test_what_was_put_comes_out_as_one_write_in_order() -> None:
    """All frames of a tick are one write; then nothing waits."""
    outbox = Outbox(BOUND, 10.0)
    outbox.put(b"one")
    outbox.put(b"two")
    assert outbox.take() == b"onetwo"
    assert (outbox.take(), outbox.queued) == (b"", 0)


def test_a_quarter_of_the_bound_is_congestion_and_writing_ends_it() -> None:
    """Above it the hub stops pushing; once all is written it may go on."""
    outbox = Outbox(BOUND, 10.0)
    outbox.put(bytes(250))
    assert outbox.level(1.0) is Level.flowing
    outbox.put(b"x")
    assert outbox.level(1.0) is Level.congested
    outbox.take()
    assert outbox.level(2.0) is Level.flowing


def test_over_the_bound_is_over_at_once() -> None:
    """What the transport holds counts as well."""
    outbox = Outbox(BOUND, 10.0)
    outbox.block(900)
    assert outbox.level(1.0) is Level.congested
    outbox.put(bytes(101))
    assert outbox.level(1.0) is Level.over


def test_congested_for_too_long_is_over() -> None:
    """Not drained within the time: over, however little waits."""
    outbox = Outbox(BOUND, 10.0)
    outbox.block(1)
    assert outbox.level(5.0) is Level.congested
    assert outbox.deadline == 15.0
    assert outbox.level(14.9) is Level.congested
    assert outbox.level(15.0) is Level.over


def test_drained_in_between_the_time_starts_anew() -> None:
    """Only time without a pause counts."""
    outbox = Outbox(BOUND, 10.0)
    outbox.block(1)
    outbox.level(5.0)
    outbox.unblock()
    assert outbox.level(9.0) is Level.flowing
    outbox.block(1)
    outbox.level(12.0)
    assert outbox.level(21.0) is Level.congested


@given(
    st.lists(
        st.one_of(
            st.binary(max_size=400),
            st.sampled_from(["take", "block", "unblock", "wait"]),
        ),
        max_size=60,
    )
)
def test_nothing_is_lost_or_reordered_and_over_is_the_only_way_past_the_bound(
    steps: list[bytes | str],
) -> None:
    """Whatever happens in whatever order, what comes out is what went in."""
    outbox, now, went_in, came_out = Outbox(BOUND, 10.0), 0.0, b"", b""
    for step in steps:
        match step:
            case bytes():
                outbox.put(step)
                went_in += step
            case "take":
                came_out += outbox.take()
            case "block":
                outbox.block(10)
            case "unblock":
                outbox.unblock()
            case _:
                now += 1.0
        assert went_in.startswith(came_out)
        assert outbox.queued == len(went_in) - len(came_out)
        if outbox.queued > BOUND:
            assert outbox.level(now) is Level.over
    outbox.unblock()
    assert came_out + outbox.take() == went_in
