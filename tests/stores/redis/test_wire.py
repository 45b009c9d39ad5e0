"""The claims of muster/stores/redis/wire.py."""

from __future__ import annotations

import asyncio
import random

import pytest
from hiredis import pack_command
from redis.exceptions import ResponseError

from muster.stores.redis.wire import BROKEN, Dial
from tests.fixtures.restartable import RestartableRedis


def echo(word: bytes) -> bytes:
    packed: bytes = pack_command((b"ECHO", word))  # type: ignore[arg-type]  # hiredis' stub
    return packed


async def test_replies_belong_to_their_commands_whatever_was_cancelled(redis_url: str) -> None:
    """A thousand calls cut at random moments: no reply of one is ever read by another."""
    wire = Dial(redis_url).wire()
    rng = random.Random(2)
    cut = 0
    async with asyncio.TaskGroup() as group:
        for n in range(1000):
            words = [b"%d-%d" % (n, i) for i in range(rng.randrange(1, 6))]
            call = group.create_task(wire.ask([echo(word) for word in words], 5.0))
            for _ in range(rng.randrange(9)):
                await asyncio.sleep(0)
            call.cancel()
            await asyncio.wait([call])
            if call.cancelled():
                cut += 1
            else:
                assert call.result() == words
            if n % 10 == 0:
                assert await wire.ask([echo(b"check %d" % n)], 5.0) == [b"check %d" % n]
    await wire.close()
    assert cut > 100


async def test_a_refusal_takes_the_place_of_its_reply(redis_url: str) -> None:
    """Others of the same pipeline are answered, and the wire lives on."""
    wire = Dial(redis_url).wire()
    replies = await wire.ask([echo(b"a"), pack_command((b"NONSENSE",)), echo(b"b")], 5.0)
    assert replies[0] == b"a"
    assert isinstance(replies[1], ResponseError)
    assert replies[2] == b"b"
    assert await wire.ask([echo(b"c")], 5.0) == [b"c"]
    await wire.close()


async def test_a_deadline_holds_and_the_late_reply_is_never_seen(
    restartable_redis: RestartableRedis,
) -> None:
    """A Redis that stands still is given up in time; afterwards nothing old is read."""
    wire = Dial(restartable_redis.url).wire()
    assert await wire.ask([echo(b"one")], 5.0) == [b"one"]
    restartable_redis.freeze()
    with pytest.raises(BROKEN):
        await wire.ask([echo(b"two")], 0.05)
    restartable_redis.thaw()
    assert await wire.ask([echo(b"three")], 5.0) == [b"three"]
    await wire.close()
