"""The timing wheel: every deadline is met, none early, whatever is scheduled, moved or forgotten."""

from math import inf

from hypothesis import given
from hypothesis import strategies as st

from realtime.wheel import Wheel

RESOLUTION_S = 0.25


class Hands:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.at = 1_000.0

    def monotonic(self) -> float:
        return self.at

    def now_ms(self) -> int:
        return 0


class Egg:
    """Has one deadline, and notes when it was met."""

    def __init__(self, at: float) -> None:
        self.at = at
        self.done: float | None = None
        self.visits = 0
        self.wheel_tick = -1

    def due(self, now: float) -> float:
        self.visits += 1
        if self.done is None and now >= self.at:
            self.done = now
        return inf if self.done is not None else self.at


@given(
    st.lists(st.floats(0.0, 300.0), min_size=1, max_size=30),
    st.lists(st.floats(0.01, 60.0), min_size=1, max_size=40),
)
def test_every_deadline_is_met_and_none_early(deadlines: list[float], steps: list[float]) -> None:
    """At the first turn after a slot at most has passed; also those farther off than the wheel is round."""
    clock = Hands()
    wheel = Wheel(clock, RESOLUTION_S, slots=64)
    eggs = [Egg(clock.at + deadline) for deadline in deadlines]
    for egg in eggs:
        wheel.schedule(egg, egg.at)
    for step in [*steps, 400.0]:
        before = clock.at
        clock.at += step
        wheel.advance(clock.at)
        for egg in eggs:
            if egg.done == clock.at:
                assert egg.at <= clock.at
                assert egg.at + RESOLUTION_S > before
            assert egg.done is not None or egg.at + RESOLUTION_S > clock.at


def test_an_idle_deadline_costs_few_visits() -> None:
    """A socket with one deadline is not looked at on each turn."""
    clock = Hands()
    wheel = Wheel(clock, RESOLUTION_S)
    egg = Egg(clock.at + 25.0)
    wheel.schedule(egg, egg.at)
    for _ in range(200):
        clock.at += RESOLUTION_S
        wheel.advance(clock.at)
    assert egg.visits == 1


def test_a_deadline_that_moved_ahead_is_met_then_and_visited_no_more_for_the_old_one() -> None:
    """Scheduling sooner wins; the note in the later slot is passed over."""
    clock = Hands()
    wheel = Wheel(clock, RESOLUTION_S)
    egg = Egg(clock.at + 20.0)
    wheel.schedule(egg, egg.at)
    egg.at = clock.at + 1.0
    wheel.schedule(egg, egg.at)
    for _ in range(100):
        clock.at += RESOLUTION_S
        wheel.advance(clock.at)
    assert egg.done is not None
    assert egg.done <= 1_001.5
    assert egg.visits == 1


def test_who_is_forgotten_is_not_visited() -> None:
    """A socket that is gone stays alone."""
    clock = Hands()
    wheel = Wheel(clock, RESOLUTION_S)
    egg = Egg(clock.at + 1.0)
    wheel.schedule(egg, egg.at)
    wheel.forget(egg)
    clock.at += 10.0
    wheel.advance(clock.at)
    assert egg.visits == 0


def test_a_process_that_was_stopped_for_an_hour_meets_all_at_once() -> None:
    """After SIGCONT one turn is enough, and it does not turn for an hour."""
    clock = Hands()
    wheel = Wheel(clock, RESOLUTION_S, slots=64)
    eggs = [Egg(clock.at + n) for n in range(30)]
    for egg in eggs:
        wheel.schedule(egg, egg.at)
    clock.at += 3_600.0
    wheel.advance(clock.at)
    assert all(egg.done == clock.at for egg in eggs)
