"""The garbage collector's pauses are counted while they are watched, and settling sets aside what is there."""

import gc
from collections.abc import Iterator

import pytest
from prometheus_client import CollectorRegistry

from muster.clock import SystemClock
from muster.durations import Durations
from muster.heap import Heap


class Ticking:
    """A clock that goes on by 3 ms whenever it is looked at."""

    def __init__(self) -> None:
        self.at = 0.0

    def monotonic(self) -> float:
        self.at += 0.003
        return self.at

    def now_ms(self) -> int:
        return 0


@pytest.fixture
def thresholds() -> Iterator[tuple[int, int, int]]:
    """What the collector does in this process is as before afterwards."""
    before = gc.get_threshold()
    yield before
    gc.set_threshold(*before)


def test_every_pause_is_counted_by_generation_while_it_is_watched() -> None:
    """And none before or after."""
    registry = CollectorRegistry()
    heap = Heap(Ticking(), registry)
    gc.collect()
    with heap.watched():
        gc.collect(0)
        gc.collect(2)
        gc.collect(2)
    gc.collect()

    def count(generation: int) -> float | None:
        labels = {"generation": str(generation)}
        return registry.get_sample_value("muster_gc_pause_seconds_count", labels)

    assert (count(1), count(2)) == (0, 2)
    assert (count(0) or 0) >= 1
    full = {"generation": "2"}
    assert registry.get_sample_value("muster_gc_pause_seconds_sum", full) == pytest.approx(0.006)
    below = {**full, "le": "0.002"}
    assert registry.get_sample_value("muster_gc_pause_seconds_bucket", below) == 0
    below["le"] = "0.005"
    assert registry.get_sample_value("muster_gc_pause_seconds_bucket", below) == 2
    longest = registry.get_sample_value("muster_gc_longest_pause_seconds")
    assert longest == pytest.approx(0.003)


def test_settling_sets_aside_what_is_there(thresholds: tuple[int, int, int]) -> None:
    """It is looked at no more; what was counted until then is forgotten."""
    registry = CollectorRegistry()
    heap = Heap(SystemClock(), registry)
    frozen = gc.get_freeze_count()
    kept = [[] for _ in range(1_000)]  # type: list[list[int]]
    with heap.watched():
        gc.collect()
        heap.settle(4_000)
    assert gc.get_freeze_count() >= frozen + len(kept)
    assert gc.get_threshold()[0] == 4_000
    assert registry.get_sample_value("muster_gc_longest_pause_seconds") == 0


def test_python_may_be_left_as_it_is(thresholds: tuple[int, int, int]) -> None:
    """By 0: for whoever wants to compare."""
    frozen = gc.get_freeze_count()
    Heap(SystemClock(), CollectorRegistry()).settle(0)
    assert gc.get_threshold() == thresholds
    assert gc.get_freeze_count() <= frozen  # what was set aside before may go, and nothing has come


def test_durations_are_counted_up_to_and_with_each_bound() -> None:
    """As Prometheus counts; what is longer than all is in the last."""
    durations = Durations((0.1, 1.0))
    for seconds in (0.05, 0.1, 0.5, 7.0):
        durations.note(seconds)
    assert durations.buckets() == [("0.1", 2), ("1.0", 3), ("+Inf", 4)]
    assert durations.total == pytest.approx(7.65)
    assert durations.longest == 7.0
