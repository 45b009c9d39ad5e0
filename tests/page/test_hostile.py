"""Whatever people write, it is words on the screen and nothing else."""

import httpx
import pytest
from playwright.async_api import Browser

from loadtest.stack import Stack
from tests.page.browser import account, window

pytestmark = pytest.mark.asyncio(loop_scope="session")

TEXTS = (
    "<img src=x onerror=\"document.title='pwned'\">",
    "<script>document.title='pwned'</script>",
    "</p></li><style>*{display:none}</style>",
    "javascript:document.title='pwned'//",
    "https://example.org/\"onmouseover=\"document.title='pwned' x",
    "&lt;b&gt;&amp;",
    "{{constructor.constructor('return 1')()}} ${1+1}",
    "\u202egnp.exe \u2066evil\u2069",
    "שלום עולם, this is (mixed) 123",
    "Z̸̡̛͎̪̑͗a̷͚̓l̶̘̈g̴̣̈́o̷̰͝",
    "👩‍👩‍👧‍👦🏳️‍🌈👍🏿",
    "line one\nline two\n\n\nline five",
    "a" * 8000,
    "w\u0338" * 4000,
)
NAME = "<b onclick=alert(1)>Mallory</b> שלום"


async def test_hostile_text_is_shown_as_text(
    stack: Stack, browser: Browser, http: httpx.AsyncClient
) -> None:
    """In messages, names, titles, previews, quotes, pins and search; no policy is breached, nothing overflows."""
    ada, mallory = await account(http, "Ada"), await account(http, NAME)
    title = "<i>Room</i> & חדר"
    room = (
        await mallory.done(
            "POST", "/v1/rooms", json={"kind": "public", "title": title, "topic": TEXTS[0]}
        )
    )["id"]
    await ada.done("POST", f"/v1/rooms/{room}/join")
    seqs = [await mallory.post(room, text) for text in TEXTS]
    await ada.post(room, TEXTS[1], reply_to=seqs[0])
    await mallory.done("PUT", f"/v1/rooms/{room}/pins/{seqs[0]}")
    await mallory.done("PUT", f"/v1/rooms/{room}/messages/{seqs[0]}/reactions/%3Cb%3E")
    async with window(browser, stack.api_url) as one:
        await ada.enters(one)
        await one.page.locator(f'[data-room="{room}"]').click()
        await one.sees("line five")
        shown = await one.page.locator(".theirs .bubble .text").evaluate_all(
            "all => all.map(one => one.textContent)"
        )
        assert shown == list(TEXTS)
        hrefs = await one.page.locator(".bubble a").evaluate_all("all => all.map(one => one.href)")
        assert hrefs == ["https://example.org/"]
        wide = await one.page.evaluate(
            """[...document.querySelectorAll('.log, .room-head, .rooms-nav')]
                .filter(one => one.scrollWidth > one.clientWidth + 1).length"""
        )
        assert wide == 0
        inside = "document.querySelectorAll('.log script, .log img, .log style, .log b, .log i, .log [onclick]').length"
        assert await one.page.evaluate(inside) == 0
        await one.page.get_by_label("Search rooms and messages").fill("evil onerror")
        await one.page.get_by_label("Search rooms and messages").fill("mixed")
        await one.page.locator(".hit").first.wait_for()
        await one.page.get_by_role("button", name="About this room").click()
        await one.page.locator(".topic", has_text="onerror").wait_for()
        await one.page.locator("dialog .person-name", has_text="Mallory").wait_for()
        assert "pwned" not in await one.page.title()
        one.quiet()
