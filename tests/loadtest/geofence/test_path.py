"""The median path is where somebody was, whatever two fixes in a row say."""

import pytest

from loadtest.geofence.path import Path, median_path, stops
from loadtest.geofence.trace import Spot


def _along(count: int) -> list[Spot]:
    return [Spot(5.0 * n, 6.0 * n, 0.0) for n in range(count)]


def test_two_wrong_fixes_in_a_row_change_nothing() -> None:
    """200 m off, in the middle of a walk."""
    spots = _along(20)
    for wrong in (9, 10):
        spots[wrong] = spots[wrong]._replace(y=200.0)
    path = median_path(spots)
    assert all(spot.y == 0 for spot in path.spots)
    assert all(abs(spot.x - right.x) <= 6 for spot, right in zip(path.spots, _along(20), strict=True))  # fmt: skip


def test_between_fixes_it_is_straight_and_over_a_long_silence_unknown() -> None:
    """And before the first and after the last."""
    path = Path([Spot(0, 0, 0), Spot(10, 10, 20), Spot(100, 0, 0)], known_for_s=30)
    assert path.at(5) == Spot(5, 5, 10)
    assert path.at(10) == Spot(10, 10, 20)
    assert [path.at(at) for at in (50, -1, 101)] == [None, None, None]
    assert len(list(path.seconds())) == 101


def test_a_stop_is_a_minute_within_15_m() -> None:
    """Where it began."""
    spots = [Spot(5.0 * n, 20.0 * n, 0) for n in range(5)]
    spots += [Spot(25.0 + 5 * n, 100.0 + n % 3, 0) for n in range(15)]
    spots += [Spot(100.0 + 5 * n, 300.0 + 20 * n, 0) for n in range(4)]
    assert [spot.x for spot in stops(Path(spots))] == pytest.approx([100])
