"""An open loop posts at a fixed rate and counts from the time a post was due, whatever happened since."""

from hypothesis import given
from hypothesis import strategies as st

from loadtest.bench.orders import Step
from loadtest.bench.schedule import OpenLoop
from loadtest.bench.tally import Tally
from loadtest.percentiles import percentile


@given(
    st.floats(0.5, 20_000),
    st.floats(0.1, 3.0),
    st.lists(st.floats(0.0001, 0.5), min_size=1, max_size=30),
)
def test_every_post_is_due_once_and_never_early(
    rate: float, for_s: float, pauses_s: list[float]
) -> None:
    """However irregularly it is asked, all that is due by now has been handed out, in order."""
    loop = OpenLoop(rate, 100.0, for_s)
    now, seen = 100.0, 0
    for pause_s in pauses_s:
        now += pause_s
        due = loop.due(now)
        assert due.start == seen or not due
        seen += len(due)
        assert all(loop.due_at(number) <= now for number in due)
        assert seen == loop.total or loop.due_at(seen) > now
    assert seen + len(loop.due(100.0 + for_s + 1)) == loop.total
    assert loop.next_at() is None


def test_a_stall_does_not_move_the_schedule() -> None:
    """After two seconds of silence two seconds of posts are due at once, each from its own time."""
    loop = OpenLoop(100.0, 0.0, 10.0)
    assert loop.due(0.0) == range(1)
    assert loop.due(2.0) == range(1, 201)
    assert loop.due_at(1) == 0.01
    assert loop.next_at() == loop.due_at(201)


def test_the_wait_in_a_stall_is_counted() -> None:
    """An ack a second late is a second late, also for the posts that left late."""
    step = Step(10.0, 0.0, 0.0, 1.0)
    loop = OpenLoop(step.rate_per_s, step.start_at, step.run_s)
    tally = Tally(step, loop)
    for number in loop.due(1.0):
        tally.left(number, 1.0)
        tally.acked(number, 1.0)
    result = tally.result(0)
    waits_us = memoryview(result.ack_us).cast("I").tolist()
    assert waits_us == [1_000_000 - 100_000 * number for number in range(10)]
    assert (result.offered, result.unanswered, tally.complete) == (10, 0, True)


def test_what_is_due_before_the_measured_part_is_not_measured() -> None:
    """Warming up counts neither acks nor deliveries."""
    step = Step(10.0, 0.0, warm_s=0.5, run_s=0.5)
    loop = OpenLoop(step.rate_per_s, step.start_at, step.warm_s + step.run_s)
    tally = Tally(step, loop)
    for number in loop.due(1.0):
        now = loop.due_at(number) + 0.001
        tally.left(number, now)
        tally.acked(number, now)
        tally.delivered(10, now)
    tally.refused(108)
    result = tally.result(0)
    assert (result.offered, result.acked, result.delivered, result.refused) == (5, 5, 50, {108: 1})


def test_a_percentile_is_a_value_that_occurred() -> None:
    """The 99th of a hundred is the 99th, and of nothing it is 0."""
    values = [float(value) for value in range(1, 101)]
    assert [percentile(values, share) for share in (0.0, 0.5, 0.99, 1.0)] == [1, 50, 99, 100]
    assert percentile([3.0], 0.99) == 3.0
    assert percentile([], 0.5) == 0.0
