"""An issuer whose keys cannot be fetched is left alone, longer each time, until one fetch is well."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

import pytest

from muster.addresses import networks
from muster.breaker import ISSUER, Breaker
from muster.egress import EVERYWHERE, Egress
from muster.errors import Refused
from muster.issuers import Issuer
from muster.jwks import FLOOR_S, FRESH_S, KeySet, fetching
from tests.fixtures.sealing import JumpingClock
from tests.muster.test_egress import Receiver, receiving
from tests.muster.test_foreign import rsa_jwk

NOT_THERE = b"HTTP/1.1 404 No\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
DOCUMENT = (
    b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n"
    + json.dumps({"keys": [rsa_jwk("one")]}).encode()
)


class World(NamedTuple):
    """The issuer and who asks it."""

    issuer: Receiver
    keys: KeySet
    breaker: Breaker
    clock: JumpingClock

    async def is_known(self) -> bool:
        """Whether the key is found. Raises `Refused` where no key can be had."""
        return await self.keys.key("one", "RS256") is not None

    async def refused(self, times: int = 1) -> None:
        """Nobody has keys."""
        for _ in range(times):
            with pytest.raises(Refused, match="keys cannot be had"):
                await self.is_known()


@asynccontextmanager
async def world() -> AsyncIterator[World]:
    """On a free port of this machine."""
    clock, breaker = JumpingClock(), Breaker(random.Random(1), ISSUER)
    egress = Egress(networks(EVERYWHERE))
    try:
        async with receiving() as issuer:
            url = f"http://127.0.0.1:{issuer.port}/jwks"
            fetch = fetching(egress, Issuer(issuer="i", audience="a", jwks_url=url))
            yield World(issuer, KeySet(fetch, clock, breaker), breaker, clock)
    finally:
        await egress.close()


async def test_a_fetch_that_fails_is_not_tried_again_until_a_probe_is_well() -> None:
    """Whoever comes meanwhile; and of all who come when the pause is over one goes."""
    async with world() as on:
        on.issuer.answer = NOT_THERE
        await on.refused(20)
        assert (len(on.issuer.asked), on.breaker.is_open, on.breaker.held) == (1, True, 19)
        on.clock.jump(max(ISSUER.first_s, FLOOR_S))
        on.issuer.answer = DOCUMENT
        assert all(await asyncio.gather(*(on.is_known() for _ in range(20))))
        assert (len(on.issuer.asked), on.breaker.is_open) == (2, False)


async def test_one_fetch_serves_all_who_wait() -> None:
    """From the first on, when nobody has a key yet."""
    async with world() as on:
        on.issuer.answer = DOCUMENT
        assert all(await asyncio.gather(*(on.is_known() for _ in range(20))))
        assert len(on.issuer.asked) == 1


async def test_each_pause_is_longer() -> None:
    """Up to a quarter of an hour, where the floor alone would ask every time."""
    async with world() as on:
        on.issuer.answer = NOT_THERE
        for asked in range(1, 9):
            await on.refused(3)
            assert len(on.issuer.asked) == asked
            wait_s = on.breaker.held_s(on.clock.monotonic())
            longest_s = min(ISSUER.first_s * 2 ** (asked - 1), ISSUER.most_s)
            assert longest_s / 2 - 1 < wait_s <= longest_s
            on.clock.jump(max(wait_s, FLOOR_S))
        assert on.breaker.opened == 1


async def test_keys_that_are_known_serve_while_it_is_open() -> None:
    """Those of an hour ago are better than none."""
    async with world() as on:
        on.issuer.answer = DOCUMENT
        assert await on.is_known()
        on.issuer.answer = b""
        on.clock.jump(FRESH_S)
        assert all([await on.is_known() for _ in range(5)])
        assert (len(on.issuer.asked), on.breaker.is_open) == (2, True)


async def test_who_goes_away_while_keys_are_fetched_is_no_fault() -> None:
    """The next one fetches as soon as the floor allows it."""
    async with world() as on:
        on.issuer.silent = True
        async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
            waiting = tasks.create_task(on.is_known())
            while not on.issuer.asked:  # noqa: ASYNC110  # nobody tells
                await asyncio.sleep(0)
            waiting.cancel()
        assert not on.breaker.is_open
        on.issuer.silent = False
        on.issuer.answer = DOCUMENT
        on.clock.jump(FLOOR_S)
        assert await on.is_known()
