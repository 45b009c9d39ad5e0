"""Events on the page: made by a click on the map, found, answered, checked into; hosts see how it goes."""

import httpx
import pytest
from playwright.async_api import Browser, Request, expect

from loadtest.stack import Stack
from muster.grid import snapped
from muster.point import Point
from tests.page.browser import Account, Window, account, window
from tests.page.gathering import HALL, event, frame_of, opens, stands

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(60)]

COUNTED = """
    window.asked = 0;
    const really = navigator.geolocation.getCurrentPosition.bind(navigator.geolocation);
    navigator.geolocation.getCurrentPosition = (...all) => { window.asked += 1; really(...all); };
"""


async def _two(http: httpx.AsyncClient) -> tuple[Account, Account]:
    return await account(http, "Ada"), await account(http, "Bob")


async def _fill_form(one: Window, title: str) -> None:
    """All of it by hand; the place by a click in the middle of the map."""
    page = one.page
    await page.get_by_role("button", name="New event").click()
    await page.get_by_label("Name of the event").fill(title)
    await page.get_by_label("About it").fill("Bring shoes: https://example.org/hall")
    await page.get_by_label("Name of the place").fill("Hall West")
    await page.get_by_label("Latitude and longitude").fill(f"{HALL['lat']}, {HALL['lon']}")
    await page.get_by_label("Latitude and longitude").press("Tab")
    picking = page.get_by_role("dialog").locator(".map-frame")
    await picking.scroll_into_view_if_needed()
    await expect(picking.locator(".mark-name", has_text="Here")).to_be_visible()
    box = await frame_of(picking)
    await page.mouse.click(box["x"] + box["width"] / 2 + 30, box["y"] + box["height"] / 2)
    await expect(page.get_by_label("Latitude and longitude")).not_to_have_value(
        f"{HALL['lat']}, {HALL['lon']}"
    )
    await page.get_by_label("Who may know of it").select_option("public")
    await page.get_by_label("Places", exact=True).fill("20")


async def test_an_event_is_made_found_answered_changed_and_called_off(
    stack: Stack, browser: Browser, http: httpx.AsyncClient
) -> None:
    """By two people at two screens, each of which follows what the other does."""
    ada, bob = await _two(http)
    title = f"Bouldering {ada.handle[-4:]}"
    async with window(browser, stack.api_url) as one, window(browser, stack.api_url) as two:
        await ada.enters(one)
        await bob.enters(two)
        await one.page.get_by_role("button", name="Events").click()
        await _fill_form(one, title)
        await one.page.get_by_role("button", name="Make the event").click()
        await one.page.get_by_role("heading", name=title).wait_for()
        await expect(one.page.locator(".map-fence")).to_be_visible()
        await expect(one.page.locator(".facts")).to_contain_text("Being there counts within 100 m")

        await two.page.get_by_role("button", name="Events").click()
        await two.page.get_by_label("Search events by title").fill(title)
        await expect(two.page.locator(".event-line")).to_have_count(1)
        await two.page.locator(".event-line", has_text=title).click()
        await two.page.get_by_role("button", name="Going", exact=True).click()
        await expect(two.page.get_by_role("button", name="Going", exact=True)).to_have_attribute(
            "aria-pressed", "true"
        )
        await expect(one.page.get_by_text("2 of 20 places")).to_be_visible()
        await expect(one.page.locator(".person", has_text="Bob")).to_contain_text("going")

        await one.page.get_by_role("button", name="Change").click()
        await one.page.get_by_label("Name of the place").fill("Hall East")
        await one.page.get_by_role("button", name="Save").click()
        await expect(two.page.locator(".facts")).to_contain_text("Hall East")
        await two.page.get_by_role("button", name="Open the room").click()
        await two.says("See you there")
        await two.all_sent()
        await expect(
            two.page.locator(".note", has_text="changed where the event is")
        ).to_be_visible()
        await two.page.get_by_role("button", name="The event of this room").click()

        await one.page.get_by_role("button", name="Call it off").click()
        await one.page.get_by_role("dialog").get_by_role("button", name="Call it off").click()
        await expect(two.page.locator(".event-stage")).to_have_text("Called off")
        await expect(two.page.get_by_role("button", name="Maybe")).to_be_disabled()
        one.quiet()
        two.quiet()


async def test_nobody_is_asked_where_they_are_until_they_click_and_only_the_cell_leaves(
    stack: Stack, browser: Browser, http: httpx.AsyncClient
) -> None:
    """And without leave to say it, the map says where to look."""
    ada, _ = await _two(http)
    await event(ada, "Near night")
    sent: list[str] = []

    def note(request: Request) -> None:
        sent.append(request.url + (request.post_data or ""))

    exact = Point(52.514417, 13.420331)
    async with window(browser, stack.api_url) as one:
        await one.context.add_init_script(COUNTED)
        one.page.on("request", note)
        await ada.enters(one)
        page = one.page
        await page.get_by_role("button", name="Events").click()
        await page.locator(".event-line").first.wait_for()
        assert await page.evaluate("window.asked") == 0
        await page.get_by_role("tab", name="Near me").click()
        await expect(page.get_by_text("This browser may not say where it is.")).to_be_visible()
        await page.get_by_role("button", name="Look around the middle of the map").click()
        await expect(page.locator(".map-cell")).to_be_visible()
        await stands(one, exact.lat, exact.lon)
        await page.reload()
        await page.get_by_role("tab", name="Near me").click()
        line = page.locator(".event-line", has_text="Near night").first
        await expect(line).to_contain_text("km away")
        await expect(page.locator(".map-you")).to_have_text("You, about")
    cell = snapped(exact)
    assert any(f"near={cell.lat:.5f}%2C{cell.lon:.5f}" in one for one in sent), sent
    assert not any("52.5144" in one or "13.4203" in one for one in sent)
    assert all(one.startswith((stack.api_url, "blob:")) for one in sent), sent


async def test_people_check_in_by_hand_by_code_and_by_a_host(
    stack: Stack, browser: Browser, http: httpx.AsyncClient
) -> None:
    """The host's code opens this event and no other; the host sees who is here, how many came and when."""
    ada, bob = await _two(http)
    cyd = await account(http, "Cyd")
    room = await event(ada, "At the door")
    for guest in (bob, cyd):
        await guest.done("PUT", f"/v1/events/{room}/rsvp", json={"answer": "going"})
    async with window(browser, stack.api_url) as one, window(browser, stack.api_url) as two:
        await ada.enters(one)
        await bob.enters(two)
        await opens(one, room)
        await opens(two, room)
        mine = two.page.locator(".being-mine")
        await two.page.get_by_role("button", name="Check in", exact=True).click()
        await expect(mine).to_contain_text("by hand")
        await two.page.get_by_role("button", name="Check out").click()
        await expect(mine).to_have_text("")

        await one.page.get_by_role("button", name="Show the code for the door").click()
        code = one.page.locator(".door-text")
        await expect(code).to_contain_text("muster:1:")
        await expect(one.page.locator(".door-code")).to_have_js_property("naturalWidth", 360)
        await two.page.get_by_text("I have a code").click()
        await two.page.get_by_label("Code at the door").fill("muster:1:nothing")
        await two.page.get_by_role("button", name="Check in by code").click()
        await expect(two.page.get_by_text("does not belong to this event")).to_be_visible()
        await two.page.get_by_label("Code at the door").fill(await code.inner_text())
        await two.page.get_by_role("button", name="Check in by code").click()
        await expect(mine).to_contain_text("by the code at the door")

        await one.page.keyboard.press("Escape")
        await one.page.get_by_role("button", name="Check in: Cyd").click()
        await expect(one.page.get_by_text("2 people are here.")).to_be_visible()
        await expect(one.page.locator(".figure", has_text="came")).to_contain_text("2")
        await expect(one.page.locator(".chart-bar")).not_to_have_count(0)
        async with one.page.expect_download() as begun:
            await one.page.get_by_role("button", name="Download the list").click()
        assert (await begun.value).suggested_filename == "At the door attendance.csv"
        async with two.page.expect_download() as begun:
            await two.page.get_by_role("button", name="Add to my calendar").click()
        assert (await begun.value).suggested_filename == "At the door.ics"
        one.quiet()
        assert [said for said in two.complaints if "400" not in said] == []


async def test_the_page_says_where_it_is_only_while_it_may(
    stack: Stack, browser: Browser, http: httpx.AsyncClient
) -> None:
    """Not offered until sharing is on; then whoever is inside has come. Turned off, it stays off."""
    ada, bob = await _two(http)
    room = await event(ada, "By place", dwell_ms=0)
    await bob.done("PUT", f"/v1/events/{room}/rsvp", json={"answer": "going"})
    told: list[str] = []

    def note(text: str | bytes) -> None:
        if str(text).startswith("[18,"):
            told.append(str(text))

    async with window(browser, stack.api_url) as two:
        two.page.on("websocket", lambda socket: socket.on("framesent", note))
        await bob.enters(two)
        await stands(two)
        await opens(two, room)
        telling = two.page.get_by_label("Let this page say where I am")
        await expect(telling).to_be_hidden()
        await two.page.get_by_role("radio", name="On Whoever").click()
        await telling.click()
        await expect(two.page.get_by_text("You are near.")).to_be_visible()
        # A browser that is told where it is says so with the time at which it was told.
        await two.context.set_geolocation({"latitude": 52.5202, "longitude": 13.4051})
        await expect(two.page.get_by_text("You are inside.")).to_be_visible()
        await expect(two.page.locator(".being-mine")).to_contain_text("by your place")
        await two.page.get_by_role("radio", name="Off").click()
        await expect(telling).to_be_hidden()
        before = len(told)
        await two.page.get_by_role("radio", name="Ghost").click()
        await expect(telling).not_to_be_checked()
        assert len(told) == before
        two.quiet()
    assert len(told) >= 2
