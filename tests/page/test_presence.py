"""Who is there, as the page shows it."""

import secrets

import httpx
import pytest
from playwright.async_api import Browser, expect

from loadtest.stack import Stack
from tests.page.browser import account, window

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(90)]


async def test_a_contact_who_comes_and_goes_is_seen_to(
    stack: Stack, browser: Browser, http: httpx.AsyncClient
) -> None:
    """A dot in the list and a word beside the name: online, do not disturb with a status, and gone at once."""
    run = secrets.token_hex(3)
    ada, bob = await account(http, "Ada", f"ada_{run}"), await account(http, "Bob", f"bob_{run}")
    await ada.done("PUT", f"/v1/me/contacts/{bob.id}")
    await bob.done("PUT", f"/v1/me/contacts/{ada.id}")
    await ada.done("POST", "/v1/rooms", json={"kind": "direct", "people": [str(bob.id)]})
    async with window(browser, stack.api_url) as hers:
        await ada.enters(hers)
        line = hers.page.locator("nav .room", has_text="Bob")
        await line.click()
        about = hers.page.get_by_role("button", name="About Bob")
        await expect(line.locator(".dot")).to_have_count(0)
        async with window(browser, stack.api_url) as his:
            await bob.enters(his)
            await expect(line.locator(".dot.active")).to_have_count(1, timeout=15_000)
            await expect(about).to_contain_text("online")
            await hers.accessible("a contact who is there")
            until = 2**53 - 1
            status = {"busy_until_ms": until, "text": "in a meeting", "text_until_ms": until}
            await bob.done("PATCH", "/v1/me/presence", json=status)
            await expect(line.locator(".dot.busy")).to_have_count(1)
            await expect(about).to_contain_text("do not disturb · in a meeting")
            await his.page.goto("about:blank")
        await expect(line.locator(".dot")).to_have_count(0, timeout=20_000)
        hers.quiet()
