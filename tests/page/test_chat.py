"""Two people, two windows, two hubs: what one does the other sees, whatever happens in between."""

import asyncio
import secrets

import httpx
import pytest
from playwright.async_api import Browser, WebSocket, expect

from loadtest.stack import Stack
from tests.page.browser import Account, Window, account, window

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(90)]

WATCH_BANNER = """() => {
    window.banners = [];
    const banner = document.querySelector(".banner");
    const note = () => window.banners.push(banner.hidden ? "gone" : banner.textContent);
    const all = { attributes: true, childList: true, subtree: true, characterData: true };
    new MutationObserver(note).observe(banner, all);
}"""


def _hubs(of: Window) -> list[str]:
    """Where this window opened sockets, the last one last."""
    urls: list[str] = []

    def note(socket: WebSocket) -> None:
        urls.append(socket.url.removesuffix("/v1/socket"))

    of.page.on("websocket", note)
    return urls


async def _on_another_hub(one: Window, urls: list[str], than: str) -> None:
    while urls[-1] == than:
        before = len(urls)
        await one.page.reload()
        async with asyncio.timeout(10):
            while len(urls) == before:
                await one.page.wait_for_timeout(20)


async def test_two_windows_chat_while_a_hub_is_killed(
    stack: Stack, browser: Browser, http: httpx.AsyncClient
) -> None:
    """From registering by hand to the same messages on both screens: none lost, doubled or out of order."""
    run = secrets.token_hex(3)
    async with window(browser, stack.api_url) as ada, window(browser, stack.api_url) as bob:
        ada_hubs, bob_hubs = _hubs(ada), _hubs(bob)
        await bob.register(f"bob_{run}", "Bob")
        await ada.register(f"ada_{run}", "Ada")
        await ada.page.get_by_role("button", name="New room").click()
        await ada.page.get_by_label("Handle or name").fill(f"@bob_{run}")
        await ada.page.get_by_role("button", name="Message", exact=True).click()
        await ada.says("Hello Bob, it is me")
        await bob.page.get_by_role("heading", name="Requests").wait_for()
        await _on_another_hub(bob, bob_hubs, ada_hubs[-1])
        await bob.page.locator("nav .room", has_text="Ada").click()
        await bob.page.get_by_role("button", name="Accept").click()
        await bob.says("I know")
        await ada.sees("I know")
        await ada.page.evaluate(WATCH_BANNER)
        victim = stack.hub_urls.index(ada_hubs[-1]) + 1
        for number in range(24):
            await (ada, bob)[number % 2].says(f"{'ab'[number % 2]}-{number:02}")
            if number == 9:
                await stack.kill_hub(victim)
        expected = {"Hello Bob, it is me", "I know"} | {f"{'ab'[n % 2]}-{n:02}" for n in range(24)}
        for one in (ada, bob):
            await one.page.locator(".bubble .text").nth(len(expected) - 1).wait_for()
            await one.all_sent()
        seen = await ada.texts()
        assert await bob.texts() == seen
        assert len(seen) == len(expected)
        assert set(seen) == expected
        for author in "ab":
            said = [text for text in seen if text.startswith(f"{author}-")]
            assert said == sorted(said)
        banners = await ada.page.evaluate("window.banners")
        assert any("No connection" in said for said in banners)
        await ada.page.locator(".banner").wait_for(state="hidden")
        ada.quiet(network=True)
        bob.quiet(network=True)


async def test_what_one_does_the_other_sees(
    stack: Stack, browser: Browser, http: httpx.AsyncClient
) -> None:
    """Typing, reading, reactions, replies, edits and deletions."""
    ada, bob, _ = await _friends(http)
    async with window(browser, stack.api_url) as one, window(browser, stack.api_url) as two:
        await ada.enters(one)
        await bob.enters(two)
        await one.open("Bob")
        await two.open("Ada")
        await two.page.get_by_role("textbox", name="Message").press_sequentially("Wait")
        await one.page.get_by_text("Bob is typing").first.wait_for()
        await two.says("Wait for it")
        await one.sees("Wait for it")
        await two.page.locator(".state.seen").wait_for()
        message = one.page.locator(".message", has_text="Wait for it")
        await message.hover()
        await message.get_by_role("button", name="More about").click()
        await one.page.get_by_role("button", name="React with 🎉").click()
        await two.page.get_by_role("button", name="🎉, 1").wait_for()
        await message.hover()
        await message.get_by_role("button", name="Reply to Bob").click()
        await one.says("I am waiting")
        await two.page.locator(".quote", has_text="Wait for it").wait_for()
        await one.all_sent()
        await one.page.get_by_role("textbox", name="Message").press("ArrowUp")
        await one.says("I am waiting still")
        await two.sees("I am waiting still")
        await expect(two.page.get_by_text("edited")).to_have_count(1)
        mine = one.page.locator(".message.mine", has_text="I am waiting still")
        await mine.hover()
        await mine.get_by_role("button", name="More about").click()
        await one.page.get_by_role("button", name="Delete").click()
        await one.page.get_by_role("button", name="Delete").last.click()
        await two.sees("This message was deleted")
        one.quiet()
        two.quiet()


async def test_a_tunnel(stack: Stack, browser: Browser, http: httpx.AsyncClient) -> None:
    """What was written offline goes out once, what was said meanwhile is there once, even across a reload."""
    ada, bob, room = await _friends(http)
    async with window(browser, stack.api_url) as one:
        await ada.enters(one)
        await one.open("Bob")
        await one.page.locator(".log-note", has_text="Say hello").wait_for()
        await one.context.set_offline(True)
        await one.page.locator(".banner", has_text="You are offline").wait_for()
        await one.says("from the tunnel")
        await one.page.locator(".message.sending").wait_for()
        for number in range(40):
            await bob.post(room, f"meanwhile {number:02}")
        await one.context.set_offline(False)
        await one.sees("meanwhile 39")
        await one.all_sent()
        await one.page.locator(".banner").wait_for(state="hidden")
        expected = [*(f"meanwhile {number:02}" for number in range(40)), "from the tunnel"]
        assert sorted(await one.texts()) == sorted(expected)
        await one.page.reload()
        await one.sees("from the tunnel")
        assert sorted(await one.texts()) == sorted(expected)
        one.quiet(network=True)


async def test_a_long_room(stack: Stack, browser: Browser, http: httpx.AsyncClient) -> None:
    """Older messages come as one scrolls up and nothing moves; a search leads into the middle, a button back."""
    ada, bob, room = await _friends(http)
    for number in range(170):
        await bob.post(
            room, f"number {number:03}" + (" with a pomegranate" if number == 40 else "")
        )
    async with window(browser, stack.api_url) as one:
        await ada.enters(one)
        await one.page.locator(".badge", has_text="99+").wait_for()
        await ada.done("PUT", f"/v1/rooms/{room}/read", json={"seq": 171})
        await one.page.reload()
        await one.open("Bob")
        await one.sees("number 169")
        first = one.page.locator(".message").first
        before = await first.inner_text()
        moved = await one.page.evaluate(
            """async (text) => {
                const pane = document.querySelector(".log");
                const find = () => [...document.querySelectorAll(".message")].find((row) => row.innerText === text);
                pane.scrollTop = 300;
                const top = () => find().getBoundingClientRect().top;
                const count = () => document.querySelectorAll(".message").length;
                const [from, had] = [top(), count()];
                const late = performance.now() + 20000;
                while (count() === had) {
                    await new Promise((done) => requestAnimationFrame(done));
                    if (performance.now() > late) throw new Error(`${had} ${pane.scrollTop} ${pane.scrollHeight}`);
                }
                return Math.abs(top() - from);
            }""",
            before,
        )
        assert moved < 2
        await one.page.get_by_label("Search rooms and messages").fill("pomegranate")
        await one.page.locator(".hit").click()
        await one.page.locator(".message.found", has_text="number 040").wait_for()
        await one.page.locator(".message", has_text="number 169").wait_for(state="detached")
        await one.page.get_by_role("button", name="To the newest").click()
        await one.sees("number 169")
        one.quiet()


async def _friends(http: httpx.AsyncClient) -> tuple[Account, Account, str]:
    """Ada and Bob are contacts and have a direct room."""
    ada, bob = await account(http, "Ada"), await account(http, "Bob")
    await ada.done("PUT", f"/v1/me/contacts/{bob.id}")
    await bob.done("PUT", f"/v1/me/contacts/{ada.id}")
    room: str = (await ada.done("POST", "/v1/rooms", json={"kind": "direct", "peer": bob.id}))["id"]
    return ada, bob, room
