"""Keeping order by hand: reporting, settling, silencing, slow mode and bans, as each side sees it."""

import httpx
import pytest
from playwright.async_api import Browser

from loadtest.stack import ROOMY, Stack, muster_up
from tests.page.browser import Window, account, window

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(90)]


async def _about(one: Window, name: str) -> None:
    await one.page.get_by_role("button", name="About this room").click()
    await one.page.get_by_role("button", name=f"More about {name}").click()


async def test_order_is_kept_by_hand(
    stack: Stack, browser: Browser, http: httpx.AsyncClient
) -> None:
    """A message is reported and deleted; who is silenced has no place to write until they may; a ban ends it."""
    ada, bob, eve = [await account(http, name) for name in ("Ada", "Bob", "Eve")]
    room = {"kind": "group", "title": "The yard", "people": [bob.id, eve.id]}
    yard = (await ada.done("POST", "/v1/rooms", json=room))["id"]
    await eve.post(yard, "buy my pills")
    async with window(browser, stack.api_url) as one, window(browser, stack.api_url) as two:
        await ada.enters(one)
        await bob.enters(two)
        for each in (one, two):
            await each.open("The yard")
        await two.sees("buy my pills")
        await two.page.locator(".message", has_text="buy my pills").hover()
        await two.page.get_by_role("button", name="More about the message of Eve").click()
        await two.page.get_by_role("button", name="Report").click()
        await two.page.get_by_label("What should they know?").fill("every day")
        await two.accessible("reporting")
        await two.page.get_by_role("button", name="Send the report").click()
        await two.page.get_by_text("Reported. Thank you.").wait_for()

        await one.page.get_by_role("button", name="About this room").click()
        await one.page.get_by_role("heading", name="1 reported").wait_for()
        await one.page.get_by_text("spam · every day").wait_for()
        await one.accessible("the queue")
        await one.page.get_by_role("button", name="Delete it").click()
        await one.page.get_by_role("heading", name="1 reported").wait_for(state="detached")
        await one.page.get_by_label("Slow mode").select_option("One message every 30 seconds")
        await two.page.get_by_text("Slow mode: one message every 30 seconds").wait_for()
        await one.page.keyboard.press("Escape")
        await two.page.get_by_text("This message was deleted").wait_for()
        await two.page.get_by_text("Ada turned slow mode on").wait_for()

        await _about(one, "Bob")
        await one.page.get_by_role("button", name="Silence for an hour").click()
        await two.page.get_by_text("You may write nothing here until").wait_for()
        await two.page.get_by_text("Ada silenced you until").wait_for()
        assert await two.page.get_by_role("textbox", name="Message").count() == 0
        await two.accessible("silenced")
        await one.page.keyboard.press("Escape")
        await _about(one, "Bob")
        await one.page.get_by_role("button", name="Let them write again").click()
        await two.says("I am back")
        await two.all_sent()
        await one.page.keyboard.press("Escape")
        await _about(one, "Bob")
        await one.page.get_by_role("button", name="Ban from the room").click()
        await one.page.get_by_role("button", name="Ban", exact=True).click()
        await two.page.locator("nav .room", has_text="The yard").wait_for(state="detached")
        await one.page.get_by_role("heading", name="Banned").wait_for(state="attached")
        one.quiet()
        two.quiet()


async def test_the_terms_are_accepted_before_anything_else(browser: Browser) -> None:
    """Where the operator insists: nothing is listed until then, and once accepted nobody is asked again."""
    terms = {
        "MUSTER_TERMS_VERSION": "2026-03",
        "MUSTER_TERMS_URL": "https://app.example/terms",
        "MUSTER_AGREEMENTS_ENFORCED": "1",
    }
    async with (
        muster_up(1, {**ROOMY, **terms}) as strict,
        httpx.AsyncClient(base_url=strict.api_url, timeout=10) as http,
        window(browser, strict.api_url) as one,
    ):
        ada = await account(http, "Ada")
        await ada.enters(one)
        link = one.page.get_by_role("link", name="the terms (2026-03)")
        assert await link.get_attribute("href") == "https://app.example/terms"
        await one.accessible("the terms")
        await one.page.get_by_role("button", name="I accept").click()
        await link.wait_for(state="detached")
        await ada.done("POST", "/v1/rooms", json={"kind": "group", "title": "At last"})
        await one.open("At last")
        await one.page.reload()
        await one.open("At last")
        assert await one.page.get_by_role("button", name="I accept").count() == 0
        one.quiet()
