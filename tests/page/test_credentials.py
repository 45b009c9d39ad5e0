"""What one logs in with, on the page: a second factor set up and asked for, a password changed."""

import httpx
import pyotp
import pytest
from playwright.async_api import Browser, Page, expect

from loadtest.stack import Stack
from tests.page.browser import PASSWORD, Account, Window, account, window

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(90)]
TITLE = "Password and second factor"


async def _opened(page: Page) -> None:
    await page.get_by_role("button", name="My account").click()
    await page.get_by_role("button", name=TITLE).click()
    await page.get_by_role("heading", name="Second factor", exact=True).wait_for()


async def _enrols(one: Window) -> tuple[pyotp.TOTP, list[str]]:
    page = one.page
    await _opened(page)
    await one.accessible("second factor, off")
    await page.get_by_label("Password", exact=True).fill(PASSWORD)
    await page.get_by_role("button", name="Set up").click()
    await page.get_by_role("img", name="QR code of the secret").wait_for()
    await one.accessible("second factor, being set up")
    secret = (await page.locator(".secret").inner_text()).replace(" ", "")
    codes = pyotp.TOTP(secret)
    await page.get_by_label("Code", exact=True).fill("000000")
    await page.get_by_role("button", name="Turn on").click()
    await page.get_by_text("the code is wrong").wait_for()
    await page.get_by_label("Code", exact=True).fill(codes.now())
    await page.get_by_role("button", name="Turn on").click()
    await page.get_by_role("heading", name="Your recovery codes").wait_for()
    await one.accessible("recovery codes")
    shown = await page.locator(".codes code").all_inner_texts()
    await page.get_by_role("button", name="I have them").click()
    await page.get_by_text("On. 10 recovery codes are left.").wait_for()
    return codes, shown


async def _logs_in(page: Page, who: Account) -> None:
    await page.get_by_label("Handle", exact=True).fill(who.handle)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Log in").click()
    await page.get_by_role("heading", name="One step more").wait_for()


async def test_a_second_factor_from_setting_it_up_to_coming_in_without_the_phone(
    stack: Stack, browser: Browser, http: httpx.AsyncClient
) -> None:
    """Scanned, confirmed, asked for at the next login, and a recovery code does as well, once."""
    ada = await account(http, "Ada")
    async with window(browser, stack.api_url) as one:
        await ada.enters(one)
        _, recovery = await _enrols(one)
    assert len(recovery) == 10
    async with window(browser, stack.api_url) as other:
        page = other.page
        await _logs_in(page, ada)
        await other.accessible("second step")
        await page.get_by_label("Code", exact=True).fill("not a code")
        await page.get_by_role("button", name="Log in").click()
        await expect(page.locator(".hint.wrong")).to_contain_text("The code is wrong")
        await page.get_by_label("Code", exact=True).fill(recovery[0])
        await page.get_by_role("button", name="Log in").click()
        await page.get_by_role("heading", name="Chats").wait_for()
        await _opened(page)
        await page.get_by_text("On. 9 recovery codes are left.").wait_for()
        await page.get_by_label("Password", exact=True).fill(PASSWORD)
        await page.get_by_label("Code", exact=True).last.fill(recovery[1])
        await page.get_by_role("button", name="Turn off").click()
        await page.get_by_role("button", name="Set up").wait_for()


async def test_a_password_is_changed(
    stack: Stack, browser: Browser, http: httpx.AsyncClient
) -> None:
    """A wrong one is said and logs nobody out; the right one changes it, and this browser stays in."""
    ada = await account(http, "Ada")
    async with window(browser, stack.api_url) as one:
        page = one.page
        await ada.enters(one)
        await _opened(page)
        for current, wanted, said in (
            ("not her password", "another sentence", "the password is wrong"),
            (PASSWORD, "password1", "too easily guessed"),
            (PASSWORD, "another sentence of hers", "Changed."),
        ):
            await page.get_by_label("Current password").fill(current)
            await page.get_by_label("New password").fill(wanted)
            await page.get_by_role("button", name="Change password").click()
            await page.get_by_text(said).wait_for()
        await page.get_by_role("button", name="Close").click()
        await page.get_by_role("heading", name="Chats").wait_for()
    who = {"handle": ada.handle, "password": "another sentence of hers", "install": "new"}
    assert (await http.post("/v1/sessions", json=who)).status_code == 201
