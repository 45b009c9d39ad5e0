"""Owns what hostile tests attack: the REST door in this process, and one whole Muster for what needs processes."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from loadtest.stack import Stack
from tests.api.door import Door
from tests.api.opening import open_door
from tests.hostile.site import Site, open_site


@pytest_asyncio.fixture
async def door(database_url: str, redis_url: str) -> AsyncIterator[Door]:
    """The application on a database of the test's own."""
    async with open_door(database_url, redis_url) as opened:
        yield opened


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def site() -> AsyncIterator[Site]:
    """One for all attacks."""
    async with open_site() as opened:
        yield opened


@pytest.fixture(scope="session")
def stack(site: Site) -> Stack:
    """Its processes."""
    return site.stack
