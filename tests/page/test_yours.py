"""What is kept of me, on the page: a copy downloaded, and the account deleted, by the keyboard too."""

import zipfile

import httpx
import pytest
from playwright.async_api import Browser, expect

from loadtest.stack import Stack
from tests.page.browser import PASSWORD, account, window

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(90)]


async def test_a_copy_is_downloaded_and_the_account_deleted(
    stack: Stack, browser: Browser, http: httpx.AsyncClient
) -> None:
    """With the wrong password neither; afterwards the page is back at the login, and logging in is staying."""
    ada = await account(http, "Ada")
    async with window(browser, stack.api_url) as one:
        await ada.enters(one)
        page = one.page
        await page.get_by_role("button", name="My account").click()
        await page.get_by_role("button", name="Your data").click()
        await page.get_by_role("heading", name="Download my data").wait_for()
        await one.accessible("my data")
        password = page.get_by_label("Password", exact=True)
        await password.fill("something else")
        await page.get_by_role("button", name="Make a copy").click()
        await page.get_by_text("the password is wrong").wait_for()
        await password.fill(PASSWORD)
        await page.get_by_role("button", name="Make a copy").press("Enter")
        async with page.expect_download(timeout=40_000) as coming:
            await page.get_by_role("link", name="Download the copy").click(timeout=40_000)
        with zipfile.ZipFile(await (await coming.value).path()) as archive:
            assert f'"handle":"{ada.handle}"'.encode() in archive.read("data/people.jsonl")
        await password.fill(PASSWORD)
        await page.get_by_role("button", name="Delete my account").press("Enter")
        await page.get_by_role("button", name="Delete account", exact=True).press("Enter")
        await expect(page.get_by_label("Handle", exact=True)).to_be_visible()
