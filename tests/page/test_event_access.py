"""Everybody can use events: axe finds nothing serious in any state, and the keyboard reaches everything."""

import httpx
import pytest
from playwright.async_api import Browser, Page, expect

from loadtest.stack import Stack
from tests.page.browser import PHONE, Account, Window, account, window
from tests.page.gathering import event, opens, stands

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(90)]


async def _scene(http: httpx.AsyncClient) -> tuple[Account, Account, str]:
    """Ada's event with a contact who is there and one who may come, and another near it."""
    ada, bob = await account(http, "Ada"), await account(http, "Bob")
    await ada.done("PUT", f"/v1/me/contacts/{bob.id}")
    await bob.done("PUT", f"/v1/me/contacts/{ada.id}")
    await event(ada, "Tomorrow", in_h=20, fence=None, point={"lat": 52.53, "lon": 13.41})
    room = await event(ada, "Reached", capacity=20, about="See https://example.org/", in_h=-2)
    await bob.done("PUT", f"/v1/events/{room}/rsvp", json={"answer": "going", "sharing": "on"})
    await ada.done("POST", f"/v1/events/{room}/roster/{bob.id}/check-in")
    return ada, bob, room


@pytest.mark.parametrize("look", ["desktop", "phone"])
async def test_no_state_of_events_has_a_serious_finding(
    stack: Stack, browser: Browser, http: httpx.AsyncClient, look: str
) -> None:
    """Lists, map, event, code at the door, form: light and dark, on a desk and on a phone; nothing sticks out."""
    ada, _, room = await _scene(http)
    async with window(browser, stack.api_url, size=PHONE if look == "phone" else None) as one:
        page = one.page
        await stands(one, 52.514, 13.42)
        await ada.enters(one)
        await page.get_by_role("button", name="Events").click()
        await page.get_by_role("tab", name="Near me").click()
        await expect(page.locator(".event-line").first).to_contain_text("away")
        await one.accessible("events near me")
        await opens(one, room)
        await expect(page.locator(".chart-bar")).not_to_have_count(0)
        await expect(page.locator(".person").first).to_be_visible()
        await page.get_by_text("As a table").click()
        await one.accessible("event of mine")
        await page.get_by_role("button", name="Show the code for the door").click()
        await expect(page.locator(".door-text")).to_contain_text("muster:1:")
        await one.accessible("code at the door")
        await page.keyboard.press("Escape")
        await page.get_by_role("button", name="Change").click()
        await page.get_by_label("Latitude and longitude").fill("95, 13")
        await page.get_by_role("button", name="Save").click()
        await expect(page.get_by_text("Latitude -90 to 90")).to_be_visible()
        await one.accessible("form with a complaint")
        wide = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0
        one.quiet()


async def test_events_by_the_keyboard_alone(
    stack: Stack, browser: Browser, http: httpx.AsyncClient
) -> None:
    """From the list to an event, an answer, and back to its line; an event made with its place by Enter on the map."""
    _, bob, room = await _scene(http)
    async with window(browser, stack.api_url) as one:
        await bob.enters(one)
        page = one.page
        await _to_the_list(page)
        line = page.locator(f".event-line[data-event='{room}']")
        await line.focus()
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", name="Reached")).to_be_focused()
        maybe = page.get_by_role("button", name="Maybe")
        await maybe.focus()
        await page.keyboard.press("Enter")
        await expect(maybe).to_have_attribute("aria-pressed", "true")
        await expect(maybe).to_be_focused()
        back = page.get_by_role("button", name="Back to the events")
        await back.focus()
        await page.keyboard.press("Enter")
        await expect(line).to_be_focused()
        await page.get_by_role("button", name="New event").focus()
        await page.keyboard.press("Enter")
        await _make_one(one)
        await expect(page.get_by_role("heading", name="By keys")).to_be_focused()
        one.quiet()


async def _to_the_list(page: Page) -> None:
    await page.get_by_role("button", name="Events").focus()
    await page.keyboard.press("Enter")
    mine = page.get_by_role("tab", name="Mine")
    await page.get_by_role("tab", name="Coming up").focus()
    await page.keyboard.press("ArrowLeft")
    await expect(mine).to_be_focused()
    await expect(mine).to_have_attribute("aria-selected", "true")


async def _make_one(one: Window) -> None:
    page = one.page
    await page.get_by_label("Name of the event").focus()
    await page.keyboard.type("By keys")
    map_ = page.get_by_role("dialog").locator(".map-frame")
    await map_.focus()
    for _ in range(3):
        await page.keyboard.press("+")
    await page.keyboard.press("Enter")
    place = page.get_by_label("Latitude and longitude")
    await expect(place).not_to_have_value("")
    await expect(page.get_by_role("dialog").locator(".map-fence")).to_have_count(1)
    await place.focus()
    await page.keyboard.press("Enter")
