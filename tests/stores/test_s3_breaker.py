"""A store of objects that fails is left alone until a probe is well; one that merely has nothing is not."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import pytest

from muster.breaker import STORE, Breaker
from muster.depot import MEDIA, Absent, TooLarge, key
from muster.errors import Refused
from muster.stores.depots.s3 import S3Depot, open_s3
from tests.contracts.test_depot import s3_settings
from tests.fixtures.sealing import JumpingClock

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\nconnection: close\r\n\r\ndata"
AT = key(MEDIA, uuid4(), "0" * 32, "full")


def status(line: str) -> bytes:
    """An answer with nothing in it."""
    return f"HTTP/1.1 {line}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".encode()


NO = status("403 Forbidden")
"""A key that was taken back, say: a failure that the driver does not try again by itself."""


class Store:
    """Answers every request with the same bytes; none: it says nothing."""

    def __init__(self) -> None:
        self.asked = 0
        self.came = asyncio.Event()
        self.answer = OK

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        try:
            asked = await reader.readuntil(b"\r\n\r\n")
            self.asked += 1
            self.came.set()
            if self.answer:
                head = asked.startswith(b"HEAD ")
                writer.write(self.answer.removesuffix(b"data") if head else self.answer)
                await writer.drain()
            else:
                await reader.read()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


class World(NamedTuple):
    """The store and who asks it."""

    store: Store
    depot: S3Depot
    breaker: Breaker
    clock: JumpingClock

    async def failing(self, calls: int) -> None:
        """So many calls that fail."""
        self.store.answer = NO
        for _ in range(calls):
            with pytest.raises(Refused, match="media store"):
                await self.depot.ping()


@asynccontextmanager
async def world() -> AsyncIterator[World]:
    """On a free port of this machine."""
    store, clock, breaker = Store(), JumpingClock(), Breaker(random.Random(1), STORE)
    server = await asyncio.start_server(store.serve, "127.0.0.1", 0)
    settings = s3_settings(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    async with server, open_s3(settings, clock, breaker) as depot:
        yield World(store, depot, breaker, clock)


async def test_what_fails_is_not_asked_until_one_probe_is_well(tmp_path: Path) -> None:
    """After its faults nothing goes out, whatever is called, and all are told for how long; then one call does."""
    async with world() as on:
        await on.failing(STORE.faults)
        asked = on.store.asked
        for doing in (
            on.depot.ping(),
            on.depot.fetch(AT, tmp_path / "got", 9),
            on.depot.remove([AT]),
        ):
            with pytest.raises(Refused) as refused:
                await doing
            assert 0 < (refused.value.retry_after_ms or 0) <= STORE.first_s * 1_000 + 1
        assert on.store.asked == asked
        assert (on.breaker.opened, on.breaker.held) == (1, 3)
        on.clock.jump(STORE.first_s)
        on.store.answer = b""
        on.store.came.clear()
        async with asyncio.TaskGroup() as tasks:
            probe = tasks.create_task(on.depot.ping())
            await on.store.came.wait()
            with pytest.raises(Refused, match="media store"):
                await on.depot.ping()
            assert on.store.asked == asked + 1
            probe.cancel()
        # A probe that was cancelled says nothing: somebody else is the next.
        on.store.answer = OK
        on.clock.jump(STORE.first_s)
        await on.depot.ping()
        assert not on.breaker.is_open
        assert await on.depot.fetch(AT, tmp_path / "got", 9) == 4


async def test_a_probe_that_fails_waits_longer() -> None:
    """Each time, and the count of openings stays one."""
    async with world() as on:
        await on.failing(STORE.faults)
        for times in range(1, 4):
            wait_s = on.breaker.held_s(on.clock.monotonic())
            assert 0 < wait_s <= STORE.first_s * 2 ** (times - 1)
            on.clock.jump(wait_s)
            asked = on.store.asked
            await on.failing(1)
            assert on.store.asked == asked + 1
        assert on.breaker.opened == 1


async def test_a_store_that_answers_503_or_hangs_up_fails() -> None:
    """A fault each, tried again by the driver once."""
    async with world() as on:
        await on.failing(STORE.faults - 2)
        for answer in (status("503 Slow Down"), b"\r\n"):
            on.store.answer = answer
            assert not on.breaker.is_open
            with pytest.raises(Refused, match="media store"):
                await on.depot.remove([AT])
        assert on.breaker.is_open


async def test_what_is_not_there_is_an_answer(tmp_path: Path) -> None:
    """However often, and it ends a run of faults: anybody may ask for what was removed."""
    async with world() as on:
        for _ in range(2):
            await on.failing(STORE.faults - 1)
            on.store.answer = status("404 Not Found")
            for _ in range(STORE.faults):
                with pytest.raises(Absent):
                    await on.depot.fetch(AT, tmp_path / "got", 9)
        assert on.breaker.opened == 0


async def test_calls_that_are_given_up_are_no_faults(tmp_path: Path) -> None:
    """A client that goes away while it waits, and an object that is larger than was asked for."""
    async with world() as on:
        for _ in range(STORE.faults):
            on.store.answer = b""
            on.store.came.clear()
            async with asyncio.TaskGroup() as tasks:
                waiting = tasks.create_task(on.depot.ping())
                await on.store.came.wait()
                waiting.cancel()
            on.store.answer = OK
            with pytest.raises(TooLarge):
                await on.depot.fetch(AT, tmp_path / "got", 3)
        assert not on.breaker.is_open
        await on.depot.ping()
