"""What a crowd needs follows from what was measured, and the page says nothing else."""

from __future__ import annotations

from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.bench.unit import Spent, solved
from loadtest.growth.crowd import Bounds, Habits
from loadtest.growth.figures import FIGURES, Figures, read
from loadtest.growth.need import Model
from loadtest.growth.page import PAGE, render
from loadtest.growth.placement import Town, simulate

MODEL = Model(read(FIGURES), Habits(), Bounds())


def test_the_page_is_what_the_figures_give() -> None:
    """`python -m loadtest.growth.page` writes it; whoever measures anew does that too."""
    assert PAGE.read_text(encoding="utf-8") == render(read(FIGURES))


def test_a_figure_that_is_missing_or_unknown_is_an_error() -> None:
    """The page is made of all of them or not at all."""
    raw = msgspec.json.decode(FIGURES.read_bytes())
    with pytest.raises(msgspec.ValidationError, match="missing"):
        msgspec.convert({k: v for k, v in raw.items() if k != "hub_us_per_post"}, Figures)
    with pytest.raises(msgspec.ValidationError, match="unknown"):
        msgspec.convert({**raw, "hub_us_per_wish": {"value": 1, "source": "nowhere"}}, Figures)


@given(st.integers(1_000, 2_000_000), st.integers(1, 1_000_000))
def test_more_people_never_need_less(people: int, more: int) -> None:
    """Of nothing that the page counts."""
    some, all_of_them = MODEL.need(people), MODEL.need(people + more)
    for part in ("hubs", "apis", "redis_primaries", "postgres_cores", "connections"):
        assert getattr(all_of_them, part) >= getattr(some, part)


@given(st.integers(1_000, 2_000_000))
def test_hubs_hold_everybody_while_a_third_is_away(people: int) -> None:
    """Neither the core nor the number of sockets is beyond its bound then."""
    need, bounds = MODEL.need(people), Bounds()
    assert need.hub_core <= bounds.core
    assert need.sockets_per_hub / (1 - bounds.lost_share) <= bounds.sockets_per_hub + 1


def test_where_reading_alone_fills_a_core_no_number_of_hubs_is_enough() -> None:
    """The end of lanes, said as such."""
    assert MODEL.hubs(10**9) == float("inf")
    assert not MODEL.need(10**9).holds


@given(st.integers(1, 60), st.integers(1, 8), st.integers(0, 2**32))
def test_an_entry_reaches_who_has_a_member_and_nobody_twice(
    hubs: int, cells: int, seed: int
) -> None:
    """An inbox is written once per hub with a member: at most hubs, at most members."""
    town = Town(sizes=(1, 5), said=(0.5, 0.5))
    ways = simulate(town, hubs, cells, 50, Random(seed))
    assert ways["lanes"].adds == 1
    assert ways["lanes"].reads == hubs
    assert 1 <= ways["inboxes"].adds <= min(hubs, 5)
    assert ways["inboxes"].reads == ways["inboxes"].adds
    assert 1 <= ways["cells"].adds <= min(cells, 5)


def test_people_who_all_live_where_their_room_does_are_one_cell() -> None:
    """Nothing crosses then, and a cell reads only its own."""
    ways = simulate(Town(near=1.0), 40, 4, 200, Random(7))
    assert ways["cells"].adds == 1
    assert ways["cells"].reads == 10


def test_the_costs_explain_both_loads() -> None:
    """100 us a post and 5 a delivery, put together and taken apart again."""

    def spent(delivered: float) -> Spent:
        return Spent(delivered, 100 + 5 * delivered, 7.0, 60.0, 12.0, 1_000.0, 400.0, 3.0)

    figures = solved(spent(2), spent(40), spent(2))
    assert figures.hub_us_per_post == pytest.approx(100)
    assert figures.hub_us_per_delivery == pytest.approx(5)
    assert figures.hub_us_per_skipped == pytest.approx(7)
