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
            await expect(line.locator(".dot.active")).to_have_count(1)
            await expect(about).to_contain_text("online")
            await hers.accessible("a contact who is there")
            until = 2**53 - 1
            status = {"busy_until_ms": until, "text": "in a meeting", "text_until_ms": until}
            await bob.done("PATCH", "/v1/me/presence", json=status)
            await expect(line.locator(".dot.busy")).to_have_count(1)
            await expect(about).to_contain_text("do not disturb · in a meeting")
            await his.page.goto("about:blank")
        await expect(line.locator(".dot")).to_have_count(0)
        hers.quiet()


async def test_what_others_see_of_me_is_set_by_a_form(
    stack: Stack, browser: Browser, http: httpx.AsyncClient
) -> None:
    """A status with its end, do not disturb, invisible: saved, shown again as it is, and seen by a contact at once."""
    run = secrets.token_hex(3)
    ada, bob = await account(http, "Ada", f"ada_{run}"), await account(http, "Bob", f"bob_{run}")
    await ada.done("PUT", f"/v1/me/contacts/{bob.id}")
    await bob.done("PUT", f"/v1/me/contacts/{ada.id}")
    await ada.done("POST", "/v1/rooms", json={"kind": "direct", "people": [str(bob.id)]})
    async with window(browser, stack.api_url) as hers, window(browser, stack.api_url) as his:
        await ada.enters(hers)
        await bob.enters(his)
        line = hers.page.locator("nav .room", has_text="Bob")
        await line.click()
        about = hers.page.get_by_role("button", name="About Bob")
        await expect(about).to_contain_text("online")
        page = his.page
        await page.get_by_role("button", name="My account").click()
        save = page.get_by_role("button", name="Save status")
        await page.get_by_label("Emoji").fill("🧗")
        await page.get_by_label("Status", exact=True).fill("climbing")
        await page.get_by_label("Do not disturb").select_option("for 1 hour")
        await his.accessible("what others see of me")
        await save.click()
        await expect(about).to_contain_text("do not disturb · 🧗 climbing")
        await expect(page.get_by_label("Do not disturb")).to_have_value("kept")
        await page.get_by_label("Invisible").check()
        await save.click()
        await expect(line.locator(".dot")).to_have_count(0)
        status = await bob.done("GET", "/v1/me/presence")
        assert status["invisible"]
        assert (status["text"], status["emoji"]) == ("climbing", "🧗")
        assert status["text_until_ms"] > 0
        hers.quiet()
        his.quiet()


async def test_a_group_says_who_of_it_is_there(
    stack: Stack, browser: Browser, http: httpx.AsyncClient
) -> None:
    """A number beside its name, and a state beside each member who lets it be seen; it follows who comes and goes."""
    run = secrets.token_hex(3)
    ada, bob, eve = [await account(http, n, f"{n.lower()}_{run}") for n in ("Ada", "Bob", "Eve")]
    await bob.done("PATCH", "/v1/me/privacy", json={"online": "room-mates"})
    body = {"kind": "group", "title": f"hall {run}", "people": [str(bob.id), str(eve.id)]}
    await ada.done("POST", "/v1/rooms", json=body)
    async with window(browser, stack.api_url) as hers:
        await ada.enters(hers)
        await hers.open(f"hall {run}")
        note = hers.page.locator(".room-head-note")
        await expect(note).to_contain_text("3 people · 1 online")
        async with window(browser, stack.api_url) as his, window(browser, stack.api_url) as third:
            await bob.enters(his)
            await eve.enters(third)  # who shows themselves to contacts alone
            await expect(note).to_contain_text("3 people · 2 online")
            await hers.page.get_by_role("button", name=f"About hall {run}").click()
            row = hers.page.locator("dialog li.person", has_text="Bob")
            await expect(row).to_contain_text("online")
            await expect(row.locator(".dot.active")).to_have_count(1)
            hidden = hers.page.locator("dialog li.person", has_text="Eve")
            await expect(hidden.locator(".dot")).to_have_count(0)
            await hers.accessible("who of a group is there")
            await his.page.goto("about:blank")
            await expect(note).to_contain_text("3 people · 1 online")
            await expect(row.locator(".dot")).to_have_count(0)
        hers.quiet()
