"""Each fault planted in attendance is found and named; what is right is found right."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import pytest

from loadtest.torture.checker.attended import Row, Told, Walked, unattended

ANN, BEA, CAT, EVE = (UUID(int=n) for n in (1, 2, 3, 4))
TRUTH = (
    Walked(ANN, "code", 2, True),
    Walked(BEA, "socket", 1, False),
    Walked(CAT, "rest", 0, False),
)
FIRST = Row(ANN, 1, 10, 20, "qr", "hand")
LASTS = Row(ANN, 2, 20, None, "qr", None)
WENT = Row(BEA, 1, 10, 30, "gps", "gps")
ROWS = (FIRST, LASTS, WENT)
TOLD = (
    Told(ANN, "entered", 10),
    Told(ANN, "left", 20),
    Told(ANN, "entered", 20),
    Told(BEA, "entered", 10),
    Told(BEA, "left", 30),
)


def test_what_is_right_is_found_right() -> None:
    """Whoever never came has no visit; in what order rows come makes no difference."""
    assert unattended(TRUTH, ROWS, TOLD, 1) == []
    assert unattended(TRUTH, reversed(ROWS), TOLD, 1) == []


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ((FIRST, LASTS), "came 1 times, and has 0 visits"),
        ((*ROWS, Row(BEA, 2, 40, 50, "gps", "gps")), "came 1 times, and has 2 visits"),
        ((*ROWS, WENT), "came 1 times, and has 2 visits"),
        (
            (FIRST, Row(ANN, 2, 20, 25, "qr", "hand"), WENT),
            "stays, and the visits that last are []",
        ),
        (
            (FIRST, LASTS, Row(BEA, 1, 10, None, "gps", None)),
            "has left, and the visits that last are [1]",
        ),
        ((Row(ANN, 1, 10, None, "qr", None), LASTS, WENT), "the visits that last are [1, 2]"),
        ((FIRST, Row(ANN, 2, 15, None, "qr", None), WENT), "begins before visit 1"),
        ((FIRST, LASTS, Row(BEA, 1, 30, 10, "gps", "gps")), "ends before it begins"),
        ((*ROWS, Row(EVE, 1, 10, 20, "hand", "hand")), "never came, and has 1 visits"),
        ((FIRST, Row(ANN, 2, 20, None, "hand", None), WENT), "visit 2 of"),
        ((FIRST, LASTS, Row(BEA, 1, 10, 30, "gps", "silence")), "ended by silence"),
        ((FIRST, LASTS, Row(BEA, 1, 10, 30, "region", "gps")), "began by region"),
        ((FIRST, LASTS, Row(BEA, 1, 10, 30, "gps", None)), "ended by None"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_planted_fault_is_named(rows: tuple[Row, ...], says: str) -> None:
    """A lost visit, one too many, one twice, one that was ended or was not, two at once, and a wrong source."""
    assert any(says in sentence for sentence in unattended(TRUTH, rows, TOLD, 1))


@pytest.mark.parametrize(
    "told",
    [
        TOLD[:-1],
        (*TOLD, TOLD[-1]),
        (TOLD[1], TOLD[0], *TOLD[2:]),
        (*TOLD[:-1], Told(BEA, "left", 31)),
    ],
    ids=["lost", "twice", "disordered", "another time"],
)
def test_what_a_log_tells_otherwise_is_named(told: Sequence[Told]) -> None:
    """An edge that its own person was not told of, was told of twice, in another order, or as of another time."""
    [sentence] = unattended(TRUTH, ROWS, told, 1)
    assert "their log tells other edges" in sentence


def test_a_wrong_number_is_named() -> None:
    """Hosts are told as many as are there."""
    assert unattended(TRUTH, ROWS, TOLD, 2) == ["1 are there, and hosts are told 2"]
