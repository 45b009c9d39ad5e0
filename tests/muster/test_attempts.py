"""Tries at a password while strangers try at the same one, with a clock that the test moves."""

from __future__ import annotations

import random

import pytest

from muster.attempts import ACCOUNT, INSTALL, KNOWN_S, Attempts
from muster.breaker import SHARED, Breaker
from muster.errors import Refused
from tests.fakes.tolls import FakeTolls


class Clock:
    """Stands until it is moved."""

    def __init__(self) -> None:
        self.now_s = 1_000.0

    def now_ms(self) -> int:
        return int(self.now_s * 1000)

    def monotonic(self) -> float:
        return self.now_s


class World:
    """Two processes that share, and Ada, whose phone has been let in by one of them."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.shared = FakeTolls(self.clock)
        self.here, self.there = (
            Attempts(self.shared, Breaker(random.Random(1), SHARED), self.clock) for _ in range(2)
        )
        self.refused = self.there.refused

    async def entered(self) -> None:
        await self.here.passed(await self.here.begin("log_in", "ada", "203.0.113.9", "phone"))

    async def besiege(self) -> None:
        """Strangers, from ever other addresses, as soon as one may again: shut for as long as it ever is."""
        for i in range(ACCOUNT.free + 20):
            await self.here.begin("log_in", "ada", f"198.51.100.{i}", f"theirs{i}")
            self.clock.now_s += ACCOUNT.most_s
        await self.here.begin("log_in", "ada", "198.51.100.250", "theirs")

    async def is_let_in(self, install: str, address: str = "203.0.113.7") -> bool:
        try:
            await self.there.passed(await self.there.begin("log_in", "ada", address, install))
        except Refused:
            return False
        return True


@pytest.mark.parametrize("away", [False, True])
async def test_strangers_keep_nobody_out_of_an_installation_that_was_let_in(away: bool) -> None:
    """From any address and by any process; where Redis is away by those that know of it themselves."""
    world = World()
    await world.entered()
    world.shared.away = away
    if away:
        world.there = world.here
    await world.besiege()
    assert not await world.is_let_in("other")
    assert not await world.is_let_in("")
    assert await world.is_let_in("phone")


async def test_who_has_such_an_installation_guesses_no_faster_for_that() -> None:
    """Also from ever other addresses."""
    world = World()
    await world.entered()
    await world.besiege()
    for i in range(INSTALL.free):
        await world.there.begin("log_in", "ada", f"203.0.113.{i}", "phone")
    assert not await world.is_let_in("phone", "203.0.113.99")
    assert world.refused == {INSTALL.name: 1}


async def test_what_is_not_used_for_long_is_not_known_any_more() -> None:
    """By the others: who has seen it knows it for as long as it lives."""
    world = World()
    await world.entered()
    world.clock.now_s += KNOWN_S + 1
    await world.besiege()
    assert not await world.is_let_in("phone")
