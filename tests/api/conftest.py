"""Owns the fixture that opens the REST door; what a test needs otherwise it opens itself."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.api.door import Door
from tests.api.opening import open_door


@pytest_asyncio.fixture
async def door(database_url: str, redis_url: str) -> AsyncIterator[Door]:
    """The application on a database of the test's own."""
    async with open_door(database_url, redis_url) as opened:
        yield opened
