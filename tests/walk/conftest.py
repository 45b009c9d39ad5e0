"""Owns the running Muster that the walks share: two hubs, an api, real Postgres and Redis."""

from collections.abc import AsyncIterator

import pytest_asyncio

from loadtest.stack import ROOMY, Stack, muster_up


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def stack() -> AsyncIterator[Stack]:
    """One `muster up` for all walks. Tokens live 20 s, so that phones refresh them on the way."""
    async with muster_up(2, {**ROOMY, "MUSTER_ACCESS_TOKEN_S": "20"}) as running:
        yield running
