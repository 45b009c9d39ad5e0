"""Owns what hostile tests attack: the REST door in this process, and one whole Muster for what needs processes."""

from collections.abc import AsyncIterator

import pytest_asyncio

from loadtest.stack import ROOMY, Stack, muster_up
from tests.api.door import Door
from tests.api.opening import open_door

AUTH_WITHIN_S = "2"


@pytest_asyncio.fixture
async def door(database_url: str, redis_url: str) -> AsyncIterator[Door]:
    """The application on a database of the test's own."""
    async with open_door(database_url, redis_url) as opened:
        yield opened


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def stack() -> AsyncIterator[Stack]:
    """One `muster up` for all attacks. It logs everything it ever may."""
    settings = {
        **ROOMY,
        "MUSTER_LOG_LEVEL": "debug",
        "MUSTER_AUTH_WITHIN_S": AUTH_WITHIN_S,
    }
    async with muster_up(2, settings) as running:
        yield running
