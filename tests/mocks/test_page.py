"""The page of mock phones shows what each would show, by itself, to everybody."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import msgspec
import pytest
import pytest_asyncio
from playwright.async_api import Browser

from loadtest.mocks.serving import served
from tests.mocks.conftest import ANDROID, OTHER, PHONE, Scene
from tests.page.browser import PHONE as NARROW
from tests.page.browser import running_browser, window

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(60)]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """A headless Chromium."""
    async with running_browser() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def url(scene: Scene) -> AsyncIterator[str]:
    """Where the page is."""
    async with served(scene.mocks, scene.port):
        yield f"http://127.0.0.1:{scene.port}"


def _alert(room: str, who: str, text: str, badge: int) -> bytes:
    alert = {"title": room, "subtitle": who, "body": text}
    return msgspec.json.encode({"aps": {"alert": alert, "badge": badge, "thread-id": room}})


async def _pushes(scene: Scene) -> None:
    """Two iPhones and an Android."""
    async with scene.at("apns") as apns, scene.at("fcm") as fcm:
        await scene.push(apns, body=_alert("Climbing", "Bob Okafor", "Seven works", 1))
        await scene.push(apns, body=_alert("Climbing", "Cyd Marlowe", "<b>Rope?</b> 🧗", 2))
        direct = _alert("Dana Levi", "", "Did the parcel arrive?", 3)
        await scene.push(apns, body=direct, collapse_id="d")
        await scene.push(apns, body=direct, collapse_id="d")
        await scene.push(apns, OTHER, body=_alert("Allotment 14", "Ada", "Behind the shed", 7))
        notification = {"title": "Book circle", "body": "Chapter nine broke me", "tag": "b"}
        message = {
            "token": ANDROID,
            "data": {"badge": "1"},
            "android": {"notification": notification},
        }
        await scene.message(fcm, message)


async def test_the_page_keeps_itself_up_to_date(scene: Scene, browser: Browser, url: str) -> None:
    """A push is seen without a reload, as text whatever it says; keyboard focus stays where it is."""
    async with window(browser, url, path="/") as one:
        page = one.page
        await page.get_by_text("No phone has been pushed to yet").wait_for()
        await _pushes(scene)
        phone = page.locator(f'li[data-token="{PHONE}"]')
        await phone.get_by_text("<b>Rope?</b>").wait_for()
        await phone.get_by_text("came 2 times").wait_for()
        assert await phone.locator(".thread").count() == 2
        assert await phone.locator(".badge").inner_text() == "3\nunread"
        button = phone.get_by_role("button", name="Switch off")
        await button.focus()
        await page.keyboard.press("Enter")
        await phone.get_by_role("button", name="Switch on").wait_for()
        focused = page.locator("button:focus")
        assert await focused.inner_text() == "Switch on"
        await phone.get_by_role("button", name="Open the app").click()
        await phone.get_by_text("Nothing on the screen").wait_for()
        await page.locator(f'li[data-token="{ANDROID}"]').get_by_text("Chapter nine").wait_for()
        one.quiet()


@pytest.mark.parametrize("look", ["desktop", "phone"])
async def test_everybody_can_use_it(scene: Scene, browser: Browser, url: str, look: str) -> None:
    """Axe finds nothing serious, empty or full, light or dark; nothing has to be scrolled sideways."""
    size = NARROW if look == "phone" else None
    async with window(browser, url, size=size, path="/") as one:
        await one.accessible("empty")
        await _pushes(scene)
        await one.page.get_by_text("Chapter nine").wait_for()
        await one.accessible("full")
        wide = await one.page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        assert wide <= 0
        one.quiet()


async def test_it_says_when_the_mocks_are_gone(scene: Scene, browser: Browser) -> None:
    """And goes on by itself when they are back."""
    url = f"http://127.0.0.1:{scene.port}"
    async with AsyncExitStack() as later:
        async with served(scene.mocks, scene.port):
            one = await later.enter_async_context(window(browser, url, path="/"))
        line = one.page.get_by_role("status")
        await line.get_by_text("do not answer").wait_for()
        async with served(scene.mocks, scene.port):
            await _pushes(scene)
            await line.get_by_text("Kept up to date").wait_for()
            await one.page.get_by_text("Chapter nine").wait_for()
        one.quiet(network=True)
