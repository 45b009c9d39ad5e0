"""The search for the highest rate that holds ends close under it."""

import pytest

from loadtest.bench.search import CLOSE, STEP, Search


@pytest.mark.parametrize("limit", [150.0, 900.0, 4_999.0, 5_000.0, 12_345.0, 40_000.0])
def test_it_ends_close_under_the_limit(limit: float) -> None:
    """From 5,000 up or down, in few tries."""
    search, tries = Search(5_000), 0
    while (rate := search.next()) is not None:
        search.tried(rate, held=rate <= limit)
        tries += 1
    assert limit * (1 - 2 * CLOSE) - STEP <= search.best <= limit
    assert tries <= 12


def test_nothing_holds() -> None:
    """Then the least rate was tried, and there is no best."""
    search = Search(800)
    while (rate := search.next()) is not None:
        search.tried(rate, held=False)
    assert search.best == 0
