"""The slow-reader ladder, pure: flowing, thinned, congested, over."""

from math import inf

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


def test_the_steps_are_shares_of_the_bound_and_writing_ends_them() -> None:
    """An eighth: no ephemera; a quarter: heads alone, up to a half; once all is written all is well."""
    outbox = Outbox(BOUND, 10.0)
    seen = []
    for size in (125, 1, 124, 1, 249, 1, 499, 1):
        outbox.put(bytes(size))
        seen.append((outbox.queued, outbox.level(1.0), outbox.takes_heads))
    assert seen == [
        (125, Level.flowing, True),
        (126, Level.thinned, True),
        (250, Level.thinned, True),
        (251, Level.congested, True),
        (500, Level.congested, True),
        (501, Level.congested, False),
        (1_000, Level.congested, False),
        (1_001, Level.over, False),
    ]
    outbox.take()
    assert outbox.level(2.0) is Level.flowing


def test_a_transport_that_takes_no_more_is_the_first_step_and_what_it_holds_counts() -> None:
    """Nothing is handed to it meanwhile."""
    outbox = Outbox(BOUND, 10.0)
    outbox.put(b"x")
    outbox.block(100, 1.0)
    assert (outbox.level(1.0), outbox.take()) == (Level.thinned, b"")
    outbox.block(900, 1.0)
    assert outbox.level(1.0) is Level.congested
    outbox.put(bytes(100))
    assert outbox.level(1.0) is Level.over


def test_nothing_taken_for_too_long_is_over() -> None:
    """However little waits."""
    outbox = Outbox(BOUND, 10.0)
    outbox.block(1, 5.0)
    assert outbox.deadline == 15.0
    assert outbox.level(14.9) is Level.thinned
    assert outbox.level(15.0) is Level.over


def test_who_takes_some_of_it_has_the_time_anew() -> None:
    """A reader who reads slowly is not one who stopped, whatever waits all the while."""
    outbox = Outbox(BOUND, 10.0)
    outbox.put(bytes(300))
    for at in range(0, 100, 9):
        outbox.block(100, float(at))
        assert outbox.level(at + 8.9) is Level.congested
        outbox.unblock()
    assert outbox.deadline == inf


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
                outbox.block(10, now)
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
