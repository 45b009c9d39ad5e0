"""Rooms and people by hand: making, finding, joining by link, asking, muting, leaving, blocking."""

import httpx
import pytest
from playwright.async_api import Browser

from loadtest.stack import Stack
from tests.page.browser import account, window

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(90)]


async def test_rooms_are_made_found_muted_and_left(
    stack: Stack, browser: Browser, http: httpx.AsyncClient
) -> None:
    """A public room by browsing, a group by an invite link that a browser opens."""
    ada, bob = await account(http, "Ada"), await account(http, "Bob")
    async with window(browser, stack.api_url) as one, window(browser, stack.api_url) as two:
        await ada.enters(one)
        await bob.enters(two)
        await one.page.get_by_role("button", name="New room").click()
        await one.page.get_by_role("tab", name="Public room").click()
        await one.page.get_by_label("Name of the room").fill("The pond")
        await one.page.get_by_role("button", name="Make the room").click()
        await one.says("Anybody here?")
        await two.page.get_by_role("button", name="New room").click()
        await two.page.get_by_role("tab", name="Browse").click()
        row = two.page.locator("dialog .person", has_text="The pond").first
        await row.get_by_role("button", name="Join").click()
        await two.sees("Anybody here?")
        await one.page.get_by_text("Bob joined").wait_for()
        await two.page.get_by_role("button", name="About this room").click()
        await two.page.get_by_role("button", name="Mute for 8 hours").click()
        await two.page.get_by_role("button", name="Unmute").wait_for()
        await two.page.get_by_role("button", name="Leave the room").click()
        await two.page.get_by_role("button", name="Leave", exact=True).click()
        await one.page.get_by_text("Bob left").wait_for()
        await two.page.locator("nav .room", has_text="The pond").wait_for(state="detached")
        group = (await ada.done("POST", "/v1/rooms", json={"kind": "group", "title": "Invited"}))[
            "id"
        ]
        code = (await ada.done("POST", f"/v1/rooms/{group}/links", json={}))["code"]
        await ada.post(group, "only later readers miss this")
        await two.goto(f"/i/{code}")
        await two.page.get_by_role("link", name="come in with this browser").click()
        await two.says("I am in")
        await two.all_sent()
        await one.page.locator("nav .room", has_text="I am in").wait_for()
        one.quiet()
        # The page of an invite link has no icon of its own, and Chromium looks for one.
        two.complaints = [
            said for said in two.complaints if "favicon" not in said and "404" not in said
        ]
        two.quiet()


async def test_people_ask_accept_and_block(
    stack: Stack, browser: Browser, http: httpx.AsyncClient
) -> None:
    """What one decides is on the other's screen at once, and a block on nobody's but one's own."""
    ada, bob = await account(http, "Ada"), await account(http, "Bob")
    async with window(browser, stack.api_url) as one, window(browser, stack.api_url) as two:
        await ada.enters(one)
        await bob.enters(two)
        await one.page.get_by_role("button", name="People and requests").click()
        await one.page.get_by_label("Find people").fill(bob.handle)
        await one.page.get_by_role("button", name="Ask").click()
        await one.page.get_by_role("heading", name="You asked").wait_for()
        await two.page.get_by_role("button", name="People and requests, 1 waiting").click()
        await two.page.get_by_role("button", name="Accept").click()
        await one.page.get_by_role("heading", name="Contacts").wait_for()
        await one.page.locator("section").get_by_role("button", name="Message").click()
        await one.says("Hello")
        await two.page.keyboard.press("Escape")
        await two.open("Ada")
        await two.sees("Hello")
        await two.page.get_by_role("button", name="About this room").click()
        await two.page.get_by_role("button", name="Block").click()
        await two.page.get_by_role("button", name="Block", exact=True).last.click()
        await two.page.get_by_role("dialog").wait_for(state="detached")
        await one.says("Can you hear me?")
        await one.all_sent()
        await bob.done("GET", "/v1/me/rooms")
        assert await two.page.get_by_text("Can you hear me?").count() == 0
        one.quiet()
        two.quiet()
