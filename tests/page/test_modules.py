"""The page's pure modules, in the browser that runs them: folding, positions, the outbox, coming back."""

from pathlib import Path

import pytest
from playwright.async_api import Browser

from loadtest.stack import Stack
from tests.page.browser import window

pytestmark = pytest.mark.asyncio(loop_scope="session")

PURE = Path(__file__).parent / "pure"


async def _hold(stack: Stack, browser: Browser, name: str) -> None:
    """Run the claims of this file on the page; one that does not hold throws."""
    script = "".join((PURE / f"{part}.js").read_text("utf-8") for part in ("prelude", name))
    async with window(browser, stack.api_url) as one:
        await one.page.evaluate(f"async () => {{\n{script}\n}}")
        one.quiet()


async def test_entries_are_taken_once_and_in_order_however_they_arrive(
    stack: Stack, browser: Browser
) -> None:
    """300 shuffles with repeats, skips, and a history page that settles part of it."""
    await _hold(stack, browser, "position")


async def test_a_page_and_the_entries_after_it_are_the_log_as_it_is(
    stack: Stack, browser: Browser
) -> None:
    """Random logs of posts, edits, deletions and reactions: wherever the page is taken, the end is the same."""
    await _hold(stack, browser, "log")


async def test_the_outbox_repeats_by_the_rules(stack: Stack, browser: Browser) -> None:
    """In order; after a temporary refusal the room waits, the others do not; nothing is forgotten but what is done."""
    await _hold(stack, browser, "outbox")


async def test_close_codes_lead_where_the_protocol_says(stack: Stack, browser: Browser) -> None:
    """Ranges, the pauses between tries, and a frame of a later version."""
    await _hold(stack, browser, "backoff")


async def test_presence_is_what_was_told_and_never_guessed(stack: Stack, browser: Browser) -> None:
    """Snapshots and changes, a status that ends by itself, and nobody offline because nothing is known."""
    await _hold(stack, browser, "presence")


async def test_rows_stand_as_they_should(stack: Stack, browser: Browser) -> None:
    """Days, groups, one divider before what is new, and a message being sent keeps its row when it is committed."""
    await _hold(stack, browser, "rows")


async def test_maps_are_true_wherever_they_look(stack: Stack, browser: Browser) -> None:
    """Places to pixels and back, zooming about a point, everything in sight, cells, fences, lines, tiles, marks."""
    await _hold(stack, browser, "maps")


async def test_clocks_of_other_zones_are_read_right(stack: Stack, browser: Browser) -> None:
    """Walls' clocks both ways, also where an hour comes twice or never; states by the clock; arrivals as bars."""
    await _hold(stack, browser, "moments")


async def test_who_may_write_nothing_is_told_by_entries(stack: Stack, browser: Browser) -> None:
    """In a room or everywhere, until a time, and whoever else is silenced does not matter; slow mode in words."""
    await _hold(stack, browser, "order")
