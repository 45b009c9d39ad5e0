"""Two tabs of one person: one socket between them, one renewal of the token at a time, and no message twice."""

import httpx
import pytest
from playwright.async_api import Browser

from loadtest.stack import Stack
from tests.page.browser import Window, account, window

pytestmark = pytest.mark.asyncio(loop_scope="session")

ACCESS = "JSON.parse(localStorage.getItem('muster.tokens')).access"
SPEND = """() => {
    const held = JSON.parse(localStorage.getItem("muster.tokens"));
    localStorage.setItem("muster.tokens", JSON.stringify({ ...held, endsAt: 0 }));
}"""


async def test_two_tabs_of_one_person(
    stack: Stack, browser: Browser, http: httpx.AsyncClient
) -> None:
    """Both show the same and both write; when the one that holds the line is closed, the other goes on."""
    ada, bob = await account(http, "Ada"), await account(http, "Bob")
    room = (await ada.done("POST", "/v1/rooms", json={"kind": "public", "title": "Tabs"}))["id"]
    await bob.done("POST", f"/v1/rooms/{room}/join")
    async with window(browser, stack.api_url) as first:
        await ada.enters(first)
        second = Window(await first.context.new_page(), first.context, stack.api_url)
        sockets: list[str] = []
        second.page.on("websocket", lambda socket: sockets.append(socket.url))
        await second.goto()
        for tab in (first, second):
            await tab.page.bring_to_front()
            await tab.open("Tabs")
            await tab.says(f"from tab {2 - (tab is first)}")
            await tab.all_sent()
        await bob.post(room, "to both")
        for tab in (first, second):
            await tab.sees("to both")
            assert await tab.texts() == ["from tab 1", "from tab 2", "to both"]
        assert sockets == []
        await first.page.close()
        await second.says("alone now")
        await second.sees("alone now")
        await second.all_sent()
        await bob.post(room, "still there?")
        await second.sees("still there?")
        assert len(sockets) == 1
        assert (await second.texts())[2:] == ["to both", "alone now", "still there?"]
        first.quiet()
        second.quiet()


async def test_the_token_is_renewed_once_for_all_tabs(
    stack: Stack, browser: Browser, http: httpx.AsyncClient
) -> None:
    """Both find it spent at the same moment; one asks, both go on, and the socket gets it too."""
    ada = await account(http, "Ada")
    async with window(browser, stack.api_url) as first:
        await ada.enters(first)
        second = Window(await first.context.new_page(), first.context, stack.api_url)
        await second.goto()
        await second.page.get_by_role("heading", name="Chats").wait_for()
        renewals: list[str] = []
        first.context.on(
            "request", lambda asked: renewals.append(asked.url) if "refresh" in asked.url else None
        )
        before = await first.page.evaluate(ACCESS)
        await first.page.evaluate(SPEND)
        for tab in (first, second):
            await tab.page.get_by_role("button", name="People and requests").click()
            await tab.page.get_by_role("dialog").wait_for()
        await first.page.get_by_label("Find people").fill("nobody-at-all")
        await first.page.get_by_text("Nobody found").wait_for()
        await first.page.wait_for_function(f"before => ({ACCESS}) !== before", arg=before)
        assert len(renewals) == 1
        first.quiet()
        second.quiet()


async def test_logging_out_in_one_tab_logs_out_the_other(
    stack: Stack, browser: Browser, http: httpx.AsyncClient
) -> None:
    """And nothing of the session is left in the browser."""
    ada = await account(http, "Ada")
    async with window(browser, stack.api_url) as first:
        await ada.enters(first)
        second = Window(await first.context.new_page(), first.context, stack.api_url)
        await second.goto()
        await second.page.get_by_role("heading", name="Chats").wait_for()
        await first.page.get_by_role("button", name="My account").click()
        await first.page.get_by_role("button", name="Log out").click()
        for tab in (first, second):
            await tab.page.get_by_role("heading", name="Welcome back").wait_for()
        await first.page.wait_for_function("localStorage.getItem('muster.tokens') === null")
