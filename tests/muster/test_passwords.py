"""Passwords: bounded work, and no way to tell an unknown person."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from muster.errors import Refused
from muster.passwords import Checked, Passwords
from proto.codes import Code


async def test_right_wrong_and_nobody() -> None:
    """Only the right password of somebody is right, and damaged hashes are nobody's."""
    with ThreadPoolExecutor(1) as executor:
        passwords = Passwords(executor, 64, 1)
        stored = await passwords.hash("right one")
        assert await passwords.check("right one", stored) == Checked(True)
        assert await passwords.check("wrong one", stored) == Checked(False)
        assert await passwords.check("the password of nobody", None) == Checked(False)
        assert await passwords.check("right one", "damaged") == Checked(False)


async def test_older_parameters_are_replaced() -> None:
    """Whoever logs in with an old hash gets a new one."""
    with ThreadPoolExecutor(1) as executor:
        stored = await Passwords(executor, 64, 1).hash("right one")
        checked = await Passwords(executor, 128, 2).check("right one", stored)
    assert checked.right
    assert "m=128,t=2" in (checked.fresh_hash or "")


async def test_nobody_costs_what_somebody_does() -> None:
    """Time of the processor, with the parameters of production: an unknown person is not told by it."""
    with ThreadPoolExecutor(1) as executor:
        passwords = Passwords(executor, 19_456, 2)
        stored = await passwords.hash("right one")
        costs: dict[str | None, list[int]] = {stored: [], None: []}
        for _ in range(5):
            for whose, spent in costs.items():
                before = time.process_time_ns()
                await passwords.check("wrong one", whose)
                spent.append(time.process_time_ns() - before)
    somebody, nobody = min(costs[stored]), min(costs[None])
    assert 0.7 < somebody / nobody < 1.4


async def test_too_many_at_once_are_refused() -> None:
    """Beyond the line nobody is made to wait."""
    with ThreadPoolExecutor(1) as executor:
        passwords = Passwords(executor, 1024, 2, waiting_most=3)
        async with asyncio.TaskGroup() as tasks:
            for _ in range(3):
                tasks.create_task(passwords.hash("right one"))
            await asyncio.sleep(0)
            with pytest.raises(Refused) as refused:
                await passwords.hash("right one")
        assert refused.value.code is Code.too_many_requests
        assert await passwords.hash("right one")
