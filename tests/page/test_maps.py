"""The page's map: moved by mouse, touch, wheel and keys; drawn without a network, or on the operator's tiles alone."""

import re

import httpx
import pytest
from playwright.async_api import Browser, Locator, Page, Request, Route, expect

from api.page import MapSource, PageHandlers, packaged
from loadtest.stack import Stack
from tests.media.pictures import encoded, noise
from tests.page.browser import PHONE, account, window
from tests.page.gathering import event, frame_of, opens

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(60)]

TILES = MapSource("https://tiles.example.org/{z}/{x}/{y}.png", "© Somebody & others")


async def _place(mark: Locator) -> str:
    return str(await mark.evaluate("one => one.style.transform"))


async def _moved(page: Page, mark: Locator, before: str) -> str:
    """Where it is once it is elsewhere."""
    await expect(mark).not_to_have_attribute("style", f"transform: {before};")
    return await _place(mark)


async def test_the_map_moves_by_mouse_wheel_and_keys(
    stack: Stack, browser: Browser, http: httpx.AsyncClient
) -> None:
    """What is dragged goes along, what is under the pointer stays, and zero shows everything again."""
    ada = await account(http, "Ada")
    room = await event(ada, "Map night")
    async with window(browser, stack.api_url) as one:
        await ada.enters(one)
        await opens(one, room)
        page, mark = one.page, one.page.locator(".mark")
        await expect(page.locator(".map-fence")).to_be_visible()
        scale = page.locator(".map-scale text")
        first, metres = await _place(mark), await scale.text_content()
        box = await frame_of(page.locator(".event .map-frame"))
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        await page.mouse.move(x, y)
        await page.mouse.down()
        await page.mouse.move(x + 60, y + 40, steps=4)
        await page.mouse.up()
        dragged = await _moved(page, mark, first)
        was, now = (
            [int(part.strip("px ")) for part in one.removeprefix("translate(")[:-1].split(",")]
            for one in (first, dragged)
        )
        assert (now[0] - was[0], now[1] - was[1]) == (60, 40)
        await page.mouse.wheel(0, -480)
        await expect(scale).not_to_have_text(metres or "")
        await page.locator(".event .map-frame").focus()
        await page.keyboard.press("0")
        await expect(mark).to_have_attribute("style", f"transform: {first};")
        for key in ("ArrowLeft", "+", "-", "ArrowRight"):
            await page.keyboard.press(key)
        await expect(mark).to_have_attribute("style", f"transform: {first};")
        await page.get_by_role("button", name="Zoom out").click()
        await expect(scale).not_to_have_text(metres or "")
        one.quiet()


async def test_two_fingers_zoom(stack: Stack, browser: Browser, http: httpx.AsyncClient) -> None:
    """Apart is nearer."""
    ada = await account(http, "Ada")
    room = await event(ada, "Pinched")
    async with window(browser, stack.api_url, size=PHONE) as one:
        await ada.enters(one)
        await opens(one, room)
        scale = one.page.locator(".map-scale text")
        before = await scale.text_content()
        box = await frame_of(one.page.locator(".event .map-frame"))
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        debugger = await one.context.new_cdp_session(one.page)
        for kind, apart in (
            ("touchStart", 20),
            ("touchMove", 40),
            ("touchMove", 80),
            ("touchMove", 90),
        ):
            points = [{"x": x - apart, "y": y, "id": 1}, {"x": x + apart, "y": y, "id": 2}]
            await debugger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
        await debugger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        await expect(scale).not_to_have_text(before or "")
        one.quiet()


async def test_marks_that_lie_together_are_one_until_the_map_is_near(
    stack: Stack, browser: Browser, http: httpx.AsyncClient
) -> None:
    """A click goes nearer, and a mark leads to its event."""
    ada = await account(http, "Ada")
    for hours, name, lon in ((1, "Left", 13.4), (2, "Right", 13.4004), (3, "Afar", 14.4)):
        await event(ada, name, in_h=hours, fence=None, point={"lat": 52.5, "lon": lon})
    async with window(browser, stack.api_url) as one:
        await ada.enters(one)
        page = one.page
        await page.get_by_role("button", name="Events").click()
        await page.get_by_role("tab", name="Mine").click()
        both = page.get_by_role("button", name="2 events: Left, Right. Zoom in")
        await both.focus()
        await page.keyboard.press("Enter")
        left = page.locator(".map-marks").get_by_role("button", name=re.compile("^Left"))
        await expect(left).to_be_focused()
        await page.keyboard.press("Enter")
        await page.get_by_role("heading", name="Left").wait_for()
        one.quiet()


async def test_tiles_come_from_where_the_operator_says_and_from_nowhere_else(
    stack: Stack, browser: Browser, http: httpx.AsyncClient
) -> None:
    """Without the setting nothing leaves; with it the tiles lie under the fence, and their makers are named."""
    ada = await account(http, "Ada")
    room = await event(ada, "Tiled")
    asked: list[str] = []
    tile = encoded(noise(256, 256, 1), "PNG")
    handlers = PageHandlers(packaged(), stack.hub_urls, tiles=TILES)

    async def page_with_tiles(route: Route) -> None:
        headers = {**handlers._headers, "Content-Type": "text/html; charset=utf-8"}
        await route.fulfill(body=handlers._html, headers=headers)

    async def one_tile(route: Route) -> None:
        asked.append(route.request.url)
        await route.fulfill(body=tile, content_type="image/png")

    def elsewhere(request: Request) -> None:
        if not request.url.startswith((stack.api_url, "blob:")):
            asked.append(request.url)

    async with window(browser, stack.api_url) as one:
        one.page.on("request", elsewhere)
        await ada.enters(one)
        await opens(one, room)
        await expect(one.page.locator(".event .map-line")).not_to_have_count(0)
        assert asked == []
        one.page.remove_listener("request", elsewhere)
        await one.context.route("**/app", page_with_tiles)
        await one.context.route("https://tiles.example.org/**", one_tile)
        await one.page.reload()
        drawn = one.page.locator(".event .map-tile")
        await expect(drawn.first).to_have_js_property("naturalWidth", 256)
        await expect(one.page.locator(".event .map-line")).to_have_count(0)
        await expect(one.page.locator(".event .map-credit")).to_have_text("© Somebody & others")
        await expect(one.page.locator(".map-fence")).to_be_visible()
        assert {one.rpartition("/")[0].rpartition("/")[0] for one in asked} == {
            "https://tiles.example.org/16"
        }
        one.quiet(
            network=True
        )  # the page that is put in place has no address from which a hub is reached
