"""Everybody can use it: axe finds nothing serious in any state, and the keyboard reaches everything."""

import httpx
import pytest
from playwright.async_api import Browser, Page, expect

from loadtest.stack import Stack
from tests.page.browser import PHONE, Account, Window, account, window

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(90)]


async def _scene(http: httpx.AsyncClient) -> tuple[Account, str]:
    """Ada with a room in which there is one of everything, a request, an invitation and somebody who asks."""
    ada, bob, eve = (
        await account(http, "Ada"),
        await account(http, "Bob"),
        await account(http, "Eve"),
    )
    await ada.done("PUT", f"/v1/me/contacts/{bob.id}")
    await bob.done("PUT", f"/v1/me/contacts/{ada.id}")
    await eve.done("PUT", f"/v1/me/contacts/{ada.id}")
    direct = (await eve.done("POST", "/v1/rooms", json={"kind": "direct", "peer": ada.id}))["id"]
    await eve.post(direct, "May I ask you something?")
    room: str = (
        await ada.done(
            "POST", "/v1/rooms", json={"kind": "group", "title": "Climbing", "people": [bob.id]}
        )
    )["id"]
    first = await ada.post(room, "Look at these walls: https://example.org/halls")
    await bob.post(room, f"I do, @{ada.handle}", mentions=[ada.id], reply_to=first)
    await bob.done("PUT", f"/v1/rooms/{room}/messages/{first}/reactions/👍")
    gone = await bob.post(room, "oops")
    await bob.done("DELETE", f"/v1/rooms/{room}/messages/{gone}")
    await ada.done("PUT", f"/v1/rooms/{room}/pins/{first}")
    await ada.done("POST", f"/v1/rooms/{room}/links", json={})
    await bob.post(room, "🎉")
    return ada, room


@pytest.mark.parametrize("look", ["desktop", "phone"])
async def test_no_state_has_a_serious_finding(
    stack: Stack, browser: Browser, http: httpx.AsyncClient, look: str
) -> None:
    """Login, list, chat, search, every dialog, offline."""
    ada, room = await _scene(http)
    size = PHONE if look == "phone" else None
    async with window(browser, stack.api_url, size=size) as one:
        page = one.page
        await one.accessible("login")
        await page.get_by_role("button", name="New here? Make an account").click()
        await page.get_by_role("button", name="Register").click()
        await one.accessible("register, with a complaint")
        await ada.enters(one)
        await page.get_by_role("heading", name="Requests").wait_for()
        await one.accessible("list")
        if look == "desktop":
            await _dialogs(one, page)
        await page.get_by_label("Search rooms and messages").fill("walls")
        await page.locator(".hit").first.wait_for()
        await one.accessible("search")
        await page.get_by_label("Search rooms and messages").fill("")
        await page.locator(f'[data-room="{room}"]').click()
        await one.sees("I do")
        await one.accessible("chat")
        await page.get_by_role("button", name="About this room").click()
        await page.get_by_text("Invite links").wait_for()
        await one.accessible("about")
        await page.keyboard.press("Escape")
        row = page.locator(".message", has_text="I do")
        await row.focus()
        await row.get_by_role("button", name="More about").click()
        await one.accessible("message")
        await page.keyboard.press("Escape")
        await one.context.set_offline(True)
        await page.locator(".banner", has_text="offline").wait_for()
        await one.says("later")
        await page.locator(".message.sending").wait_for()
        await one.accessible("offline")


async def _dialogs(one: Window, page: Page) -> None:
    await page.get_by_role("button", name="New room").click()
    for tab in ("Group", "Public room", "Browse"):
        await page.get_by_role("tab", name=tab).click()
        await one.accessible(f"new: {tab}")
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="People and requests").click()
    await page.get_by_text("They ask you").wait_for()
    await one.accessible("people")
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="My account").click()
    await one.accessible("account")
    await page.keyboard.press("Escape")


async def test_the_keyboard_alone(stack: Stack, browser: Browser, http: httpx.AsyncClient) -> None:
    """From the list into a room, to a message, through its menu, and back with the focus where it was."""
    ada, room = await _scene(http)
    async with window(browser, stack.api_url) as one:
        await ada.enters(one)
        page = one.page
        await page.locator(f'[data-room="{room}"]').focus()
        await page.keyboard.press("Enter")
        await one.sees("I do")
        message = page.get_by_role("textbox", name="Message")
        await message.focus()
        await expect(message).to_be_focused()
        await page.keyboard.type("By hand")
        await page.keyboard.press("Enter")
        await one.sees("By hand")
        await one.all_sent()
        await page.locator(".log").focus()
        await page.keyboard.press("ArrowUp")
        row = page.locator(".message", has_text="By hand")
        await expect(row).to_be_focused()
        await page.keyboard.press("Tab")
        await expect(row.get_by_role("button", name="Reply to You")).to_be_focused()
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        await page.get_by_role("dialog").wait_for()
        await page.keyboard.press("Escape")
        await page.get_by_role("dialog").wait_for(state="detached")
        await expect(
            row.get_by_role("button", name="More about the message of You")
        ).to_be_focused()
        await expect(page.locator("[aria-live=polite]")).to_have_count(1)
