"""Owns what the page's tests share: one Muster with two hubs, one Chromium."""

from collections.abc import AsyncIterator

import httpx
import pytest_asyncio
from playwright.async_api import Browser

from loadtest.stack import ROOMY, Stack, muster_up
from tests.page.browser import OTHER_ORIGIN, running_browser


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """A headless Chromium; every window in it has storage of its own."""
    async with running_browser() as running:
        yield running


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def stack() -> AsyncIterator[Stack]:
    """One `muster up` for all windows. Tokens live 10 s, so that the page renews them on the way."""
    settings = {"MUSTER_ACCESS_TOKEN_S": "10", "MUSTER_ALLOWED_ORIGINS": OTHER_ORIGIN}
    async with muster_up(2, {**ROOMY, **settings}) as running:
        yield running


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def http(stack: Stack) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the api, for setting scenes."""
    async with httpx.AsyncClient(base_url=stack.api_url, timeout=10) as client:
        yield client
