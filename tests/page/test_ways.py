"""In by another service and by a mail, as somebody does it in a browser, against a provider and a mail server."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import NamedTuple

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from loadtest.ports import reserved_ports
from loadtest.stack import ROOMY, Stack, muster_up
from muster.clock import SystemClock
from tests.fakes.openid_provider import CLIENT, SECRET, OpenIdProvider, openid_provider
from tests.fixtures.mailserver import MailServer, mail_server
from tests.page.browser import window

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(90)]


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


async def test_in_by_another_service(around: Around, browser: Browser) -> None:
    """One button there, and back as somebody; what brought one back is gone from the address."""
    async with window(browser, around.stack.api_url) as one:
        page = one.page
        await page.get_by_role("button", name="Continue with Acme").wait_for()
        await one.accessible("login with other ways")
        await page.get_by_role("button", name="Continue with Acme").click()
        await page.get_by_label("Search rooms and messages").wait_for()
        assert "code=" not in page.url
