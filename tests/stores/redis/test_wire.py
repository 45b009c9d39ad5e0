"""The claims of muster/stores/redis/wire.py."""

from __future__ import annotations

import asyncio
import random
import socket
import struct
from collections.abc import Callable

import pytest
import uvloop
from hiredis import pack_command
from redis.exceptions import ResponseError

from muster.stores.redis.wire import BROKEN, Dial
from tests.fixtures.restartable import RestartableRedis


def echo(word: bytes) -> bytes:
    packed: bytes = pack_command((b"ECHO", word))  # type: ignore[arg-type]  # hiredis' stub
    return packed


async def reset_between_asking(yields: int) -> None:
    """Ask; the other end resets the connection; let the loop turn so often; ask again."""
    accepted: asyncio.Queue[asyncio.StreamWriter] = asyncio.Queue()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"one\r\n")
        writer.write(b"$3\r\none\r\n")
        accepted.put_nowait(writer)

    async with await asyncio.start_server(accept, "127.0.0.1", 0) as server:
        wire = Dial(f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}").wire()
        assert await wire.ask([echo(b"one")], 5.0) == [b"one"]
        other = await accepted.get()
        peer: socket.socket = other.get_extra_info("socket")
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        other.transport.abort()
        for _ in range(yields):
            await asyncio.sleep(0)
        with pytest.raises(BROKEN):
            await wire.ask([echo(b"two")], 0.2)
        await wire.close()


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_a_connection_reset_while_nobody_reads_is_broken(
    loop: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    """Whenever the next command comes: before the loop has noticed, as it does, and afterwards."""
    with asyncio.Runner(loop_factory=loop) as runner:
        for yields in range(12):
            runner.run(reset_between_asking(yields))


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
