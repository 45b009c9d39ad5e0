"""In by another service and by a mail, as somebody does it in a browser, against a provider and a mail server."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import NamedTuple

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from loadtest.ports import reserved_ports
from loadtest.stack import ROOMY, Stack, muster_up
from muster.clock import SystemClock
from tests.fakes.openid_provider import CLIENT, SECRET, OpenIdProvider, openid_provider
from tests.fixtures.mailserver import MailServer, code_in, mail_server, plain
from tests.page.browser import window

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(90)]
ADDRESS = "ada@example.org"
FIRST, SECOND = "a first long passphrase", "a second long passphrase"


class Around(NamedTuple):
    """What stands around the page."""

    stack: Stack
    provider: OpenIdProvider
    mail: MailServer


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def around() -> AsyncIterator[Around]:
    """A Muster of its own, which knows where browsers reach it."""
    async with openid_provider(SystemClock()) as provider, mail_server() as mail:
        with reserved_ports(2) as port:
            api = f"http://127.0.0.1:{port}"
            service = {"name": "acme", "title": "Acme", "issuer": provider.issuer}
            settings = {
                "MUSTER_API_PORT": str(port),
                "MUSTER_HUB_PORT": str(port + 1),
                "MUSTER_OAUTH": json.dumps(
                    [{**service, "client_id": CLIENT, "client_secret": SECRET}]
                ),
                **{
                    f"MUSTER_{name.upper()}": str(value)
                    for name, value in mail.settings(public_url=api).items()
                },
            }
            provider.callbacks = {f"{api}/v1/oauth/callback/acme"}
            provider.claims = {"sub": "u-1", "name": "Octo"}
            async with muster_up(1, {**ROOMY, **settings}) as stack:
                yield Around(stack, provider, mail)


async def _link(mail: MailServer, number: int) -> str:
    """That of this mail, once it is there."""
    text = plain(await mail.message(number))
    return text[text.index("http") :].split()[0]


async def test_in_by_another_service(around: Around, browser: Browser) -> None:
    """One button there, and back as somebody; what brought one back is gone from the address."""
    async with window(browser, around.stack.api_url) as one:
        page = one.page
        await page.get_by_role("button", name="Continue with Acme").wait_for()
        await one.accessible("login with other ways")
        await page.get_by_role("button", name="Continue with Acme").click()
        await page.get_by_label("Search rooms and messages").wait_for()
        assert "code=" not in page.url


async def test_a_forgotten_password(around: Around, browser: Browser) -> None:
    """An address is added and confirmed by its code; then a link in a mail sets another password."""
    async with httpx.AsyncClient(base_url=around.stack.api_url) as http:
        who = {"handle": "ada", "password": FIRST}
        assert (await http.post("/v1/people", json=who)).status_code == 201
    async with window(browser, around.stack.api_url) as one:
        page = one.page
        await page.get_by_label("Handle").fill("ada")
        await page.get_by_label("Password").fill(FIRST)
        await page.get_by_role("button", name="Log in", exact=True).click()
        await page.get_by_role("button", name="My account").click()
        await page.get_by_role("button", name="Address and other logins").click()
        await page.get_by_label("Address", exact=True).fill(ADDRESS)
        await page.get_by_label("Password", exact=True).fill(FIRST)
        await page.get_by_role("button", name="Send a mail there").click()
        await page.get_by_label("Code of the mail").fill(code_in(await around.mail.message(1)))
        await one.accessible("address and other logins")
        await page.get_by_role("button", name="Confirm").click()
        await expect(page.get_by_text(f"Yours is {ADDRESS}")).to_be_visible()
    async with window(browser, around.stack.api_url) as one:
        page = one.page
        await page.get_by_role("button", name="Forgot password?").click()
        await page.get_by_label("Address").fill(ADDRESS)
        await page.get_by_role("button", name="Send me a link").click()
        await expect(page.get_by_text("a mail is on its way")).to_be_visible()
        await page.goto("about:blank")
        await page.goto(await _link(around.mail, 2))
        await page.get_by_label("New password").fill(SECOND)
        await one.accessible("a new password")
        await page.get_by_role("button", name="Set this password").click()
        await expect(page.get_by_text("Your password is changed")).to_be_visible()
        await page.get_by_label("Handle").fill("ada")
        await page.get_by_label("Password").fill(SECOND)
        await page.get_by_role("button", name="Log in", exact=True).click()
        await page.get_by_label("Search rooms and messages").wait_for()


async def test_a_link_that_is_only_opened_confirms_nothing(
    around: Around, browser: Browser
) -> None:
    """A scanner of mail opens what a stranger had sent there; it takes somebody who presses the button."""
    number = len(around.mail.messages) + 1
    async with httpx.AsyncClient(base_url=around.stack.api_url) as http:
        who = {"handle": "bob", "password": FIRST}
        assert (await http.post("/v1/people", json=who)).status_code == 201
        grant = (await http.post("/v1/sessions", json={**who, "install": "phone"})).json()
        mine = {"Authorization": f"Bearer {grant['access_token']}"}
        wanted = {"email": "bob@example.org", "password": FIRST}
        answer = await http.put("/v1/me/email", json=wanted, headers=mine)
        assert answer.status_code == 204, answer.text
        async with window(browser, around.stack.api_url) as one:
            page = one.page
            await page.goto("about:blank")
            while "/verify/" not in plain(await around.mail.message(number)):
                number += 1
            await page.goto(await _link(around.mail, number))
            button = page.get_by_role("button", name="Confirm this address")
            await button.wait_for()
            await one.accessible("an address to confirm")
            assert (await http.get("/v1/me/email", headers=mine)).json()["address"] is None
            await button.click()
            await expect(page.get_by_text("Your address is confirmed")).to_be_visible()
        assert (await http.get("/v1/me/email", headers=mine)).json()["address"] == wanted["email"]
