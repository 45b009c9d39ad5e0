"""Each fault planted in attendance is found and named; what is right is found right."""

from __future__ import annotations

from uuid import UUID

import pytest

from loadtest.torture.checker.attended import Row, Walked, unattended

ANN, BEA, CAT, EVE = (UUID(int=n) for n in (1, 2, 3, 4))
TRUTH = (
    Walked(ANN, "hand", 2, True),
    Walked(BEA, "socket", 1, False),
    Walked(CAT, "rest", 0, False),
)
ROWS = (Row(ANN, 1, 10, 20), Row(ANN, 2, 20, None), Row(BEA, 1, 10, 30))


def test_what_is_right_is_found_right() -> None:
    """Whoever never came has no visit; in what order rows come makes no difference."""
    assert unattended(TRUTH, ROWS, 1) == []
    assert unattended(TRUTH, reversed(ROWS), None) == []


@pytest.mark.parametrize(
    ("rows", "live", "says"),
    [
        (ROWS[:2], 1, "came 1 times, and has 0 visits"),
        ((*ROWS, Row(BEA, 2, 40, 50)), 1, "came 1 times, and has 2 visits"),
        ((ROWS[0], Row(ANN, 2, 20, 25), ROWS[2]), 1, "stays, and the visits that last are []"),
        ((*ROWS[:2], Row(BEA, 1, 10, None)), 1, "has left, and the visits that last are [1]"),
        ((Row(ANN, 1, 10, None), ROWS[1], ROWS[2]), 1, "the visits that last are [1, 2]"),
        ((ROWS[0], Row(ANN, 2, 15, None), ROWS[2]), 1, "begins before visit 1"),
        ((*ROWS[:2], Row(BEA, 1, 30, 10)), 1, "ends before it begins"),
        ((*ROWS, Row(EVE, 1, 10, 20)), 1, "never came, and has 1 visits"),
        (ROWS, 2, "1 are there, and hosts are told 2"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_planted_fault_is_named(rows: tuple[Row, ...], live: int, says: str) -> None:
    """A lost visit, one too many, one that was ended or was not, two at once, and a wrong number."""
    assert any(says in sentence for sentence in unattended(TRUTH, rows, live))
