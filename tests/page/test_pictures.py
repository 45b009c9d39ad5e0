"""Pictures on the page: attached by one, seen by the other; what is no picture is refused in words."""

import httpx
import pytest
from playwright.async_api import Browser, FilePayload, Page, expect

from loadtest.stack import Stack
from tests.media.pictures import encoded, noise
from tests.page.browser import Account, account, window

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(60)]

DRAWN = """name => {
    const img = [...document.querySelectorAll('.message img')].find((one) => one.alt === name);
    return Boolean(img?.complete && img.naturalWidth > 0 && img.naturalWidth <= 512);
}"""


def _jpeg(name: str, width: int = 1200, height: int = 800, seed: int = 1) -> FilePayload:
    data = encoded(noise(width, height, seed), "JPEG")
    return {"name": f"{name}.jpg", "mimeType": "image/jpeg", "buffer": data}


async def _attach(page: Page, *files: FilePayload) -> None:
    async with page.expect_file_chooser() as chooser:
        await page.get_by_role("button", name="Attach pictures").click()
    await (await chooser.value).set_files(list(files))


async def _friends(http: httpx.AsyncClient) -> tuple[Account, Account, str]:
    ada, bob = await account(http, "Ada"), await account(http, "Bob")
    await ada.done("PUT", f"/v1/me/contacts/{bob.id}")
    await bob.done("PUT", f"/v1/me/contacts/{ada.id}")
    room: str = (await ada.done("POST", "/v1/rooms", json={"kind": "direct", "peer": bob.id}))["id"]
    return ada, bob, room


async def test_a_picture_of_one_is_seen_by_the_other(
    stack: Stack, browser: Browser, http: httpx.AsyncClient
) -> None:
    """As it comes and after a reload, in a box of its shape; in full in a dialog that Escape closes."""
    ada, bob, _ = await _friends(http)
    async with window(browser, stack.api_url) as one, window(browser, stack.api_url) as two:
        await ada.enters(one)
        await bob.enters(two)
        await one.open("Bob")
        await two.open("Ada")
        await _attach(one.page, _jpeg("sunset"), _jpeg("to be removed", seed=2))
        await one.page.get_by_role("button", name="Remove to be removed.jpg").click()
        send = one.page.get_by_role("button", name="Send", exact=True)
        await one.page.locator(".send:enabled").wait_for()
        await one.accessible("a picture before it is sent")
        await send.click()
        await one.page.wait_for_function(DRAWN, arg="Picture: sunset")
        await one.all_sent()
        await two.page.wait_for_function(DRAWN, arg="Picture: sunset")
        await expect(one.page.locator(".message .picture")).to_have_count(1)
        await two.page.reload()
        await two.page.wait_for_function(DRAWN, arg="Picture: sunset")
        picture = two.page.get_by_role("button", name="Picture: sunset")
        box = await picture.bounding_box()
        assert box is not None
        assert box["width"] / box["height"] == pytest.approx(1.5, abs=0.02)
        await two.accessible("a picture in the chat")
        await picture.focus()
        await two.page.keyboard.press("Enter")
        await two.page.get_by_role("dialog").get_by_role("img", name="Picture: sunset").wait_for()
        wide = await two.page.locator("img.full").evaluate("img => img.naturalWidth")
        assert wide == 1200
        await two.accessible("a picture in full")
        await two.page.keyboard.press("Escape")
        await two.page.get_by_role("dialog").wait_for(state="detached")
        await expect(picture).to_be_focused()
        one.quiet()
        two.quiet()


async def test_what_is_no_picture_is_refused_in_words(
    stack: Stack, browser: Browser, http: httpx.AsyncClient
) -> None:
    """Markup that calls itself a picture: nothing is sent until it is removed, and the rest goes then."""
    ada, _, room = await _friends(http)
    markup = b"<!doctype html><script>document.title = 'pwned'</script>" + b"x" * 600
    hostile: FilePayload = {"name": "cat.png", "mimeType": "image/png", "buffer": markup}
    text: FilePayload = {"name": "note.txt", "mimeType": "text/plain", "buffer": b"hello"}
    async with window(browser, stack.api_url) as one:
        await ada.enters(one)
        await one.open("Bob")
        page = one.page
        await _attach(page, hostile, text, _jpeg("garden"))
        await page.get_by_role("alert").filter(has_text="This is not the picture").wait_for()
        await page.get_by_role("alert").filter(has_text="Pictures are JPEG, PNG").wait_for()
        await page.locator("progress").wait_for(state="detached")
        await page.get_by_role("textbox", name="Message").fill("look")
        await page.get_by_role("textbox", name="Message").press("Enter")
        await expect(page.locator(".send:disabled")).to_have_count(1)
        history = await ada.done("GET", f"/v1/rooms/{room}/history")
        assert [item for item in history["entries"] if item["kind"] == "post"] == []
        await one.accessible("a picture refused")
        await page.get_by_role("button", name="Remove cat.png").click()
        await page.get_by_role("button", name="Remove note.txt").click()
        await page.get_by_role("button", name="Send", exact=True).click()
        await one.sees("look")
        await page.wait_for_function(DRAWN, arg="Picture: garden")
        await one.all_sent()
        assert "pwned" not in await page.title()
        one.quiet()


async def test_an_upload_that_broke_is_tried_again(
    stack: Stack, browser: Browser, http: httpx.AsyncClient
) -> None:
    """By hand, as the same upload; two sent in a row each carry their own."""
    ada, _, room = await _friends(http)
    async with window(browser, stack.api_url) as one:
        await ada.enters(one)
        await one.open("Bob")
        page = one.page
        await page.route("**/v1/store", lambda route: route.abort("connectionrefused"))
        await _attach(page, _jpeg("tunnel", 300, 200))
        again = page.get_by_role("button", name="Try again")
        await again.wait_for()
        await page.unroute("**/v1/store")
        await again.click()
        await page.locator(".send:enabled").wait_for()
        await page.get_by_role("button", name="Send", exact=True).click()
        await _attach(page, _jpeg("bridge", 300, 200, seed=2), _jpeg("river", 200, 300, seed=3))
        await page.locator(".send:enabled").wait_for()
        await page.get_by_role("button", name="Send", exact=True).click()
        for name in ("tunnel", "bridge", "river"):
            await page.wait_for_function(DRAWN, arg=f"Picture: {name}")
        await one.all_sent()
        history = await ada.done("GET", f"/v1/rooms/{room}/history")
        posts = [item for item in history["entries"] if item["kind"] == "post"]
        assert [len(post["body"]["attachments"]) for post in posts] == [1, 2]
        one.quiet(network=True)
