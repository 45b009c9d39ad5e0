"""A link does what it is told, and its counters prove it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from loadtest.torture.link import LOOPBACK, Link
from loadtest.torture.weather import Way, Weather

SOON_S = 5.0
HELLO = b"hello\n"


@asynccontextmanager
async def echoing() -> AsyncIterator[Link]:
    """A link in front of a server that says again what it hears, and ends when it hears the end."""

    heard: set[object] = set()

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.add(writer)
        try:
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
            writer.close()
        except OSError:
            writer.transport.abort()
        heard.discard(writer)

    server = await asyncio.start_server(echo, LOOPBACK, 0)
    async with asyncio.TaskGroup() as tasks, asyncio.timeout(4 * SOON_S):
        link = Link(LOOPBACK, server.sockets[0].getsockname()[1], tasks)
        await link.open()
        try:
            yield link
        finally:
            link.close()
            while heard:  # noqa: ASYNC110  # the end of each is all there is to see
                await asyncio.sleep(0)
            server.close()


Talk = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def talk(link: Link) -> Talk:
    """A connection through the link that has been heard once."""
    reader, writer = await asyncio.open_connection(LOOPBACK, link.port)
    await say(writer)
    assert await reader.readline() == HELLO
    return reader, writer


async def say(writer: asyncio.StreamWriter, words: bytes = HELLO) -> None:
    """Something goes out."""
    writer.write(words)
    await writer.drain()


async def silent(reader: asyncio.StreamReader, link: Link) -> bool:
    """Nothing comes, although another connection would have been served meanwhile."""
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await reader.read(1)
    return link.port > 0


async def test_what_is_held_arrives_after_the_mending() -> None:
    """Whoever was cut off and stayed gets everything, once."""
    async with echoing() as link:
        reader, writer = await talk(link)
        link.set(Way.asks, Weather(hold=True))
        await say(writer)
        assert await silent(reader, link)
        link.mend()
        assert await reader.readline() == HELLO
        assert link.tally.held_connections == 1
        writer.close()


async def test_a_connection_made_while_all_is_held_is_served_after_the_mending() -> None:
    """The connection is there, nothing else is."""
    async with echoing() as link:
        link.set(Way.asks, Weather(hold=True))
        reader, writer = await asyncio.open_connection(LOOPBACK, link.port)
        await say(writer)
        assert await silent(reader, link)
        link.mend()
        assert await reader.readline() == HELLO
        writer.close()


async def test_what_is_dropped_never_arrives_and_its_connection_ends_with_the_mending() -> None:
    """One way goes on working; a stream with a hole in it does not live on."""
    async with echoing() as link:
        reader, writer = await talk(link)
        link.set(Way.answers, Weather(drop=True))
        await say(writer)
        await link.dropped.wait()
        assert link.tally.dropped_bytes == len(HELLO)
        link.mend()
        with pytest.raises(ConnectionResetError):
            await reader.readline()
        _, again = await talk(link)
        for each in (writer, again):
            each.close()


async def test_a_reset_is_a_reset_at_both_ends() -> None:
    """RST, not FIN: the reader is told of an error."""
    async with echoing() as link:
        reader, writer = await talk(link)
        link.reset()
        with pytest.raises(ConnectionResetError):
            await reader.readline()
        writer.close()
        assert link.tally.reset == 1


async def test_who_is_refused_may_come_after_the_mending() -> None:
    """Until then everybody who comes is reset."""
    async with echoing() as link:
        link.refuse()
        reader, writer = await asyncio.open_connection(LOOPBACK, link.port)
        writer.write(HELLO)
        with pytest.raises(ConnectionResetError):
            await reader.readline()
        assert link.tally.refused == 1
        link.mend()
        _, again = await talk(link)
        for each in (writer, again):
            each.close()


async def test_a_half_closed_connection_still_answers() -> None:
    """The server hears the end, says so, and what it said before arrives."""
    async with echoing() as link:
        reader, writer = await talk(link)
        link.half_close(Way.asks)
        assert await reader.read() == b""
        assert link.tally.half_closed == 1
        writer.close()


async def test_a_delay_keeps_the_order() -> None:
    """However much it jitters."""
    async with echoing() as link:
        reader, writer = await talk(link)
        link.set(Way.asks, Weather(delay_s=0.01, jitter_s=0.01))
        began = asyncio.get_running_loop().time()
        for number in range(10):
            await say(writer, b"%d\n" % number)
            await asyncio.sleep(0)
        lines = [await reader.readline() for _ in range(10)]
        assert lines == [b"%d\n" % number for number in range(10)]
        assert asyncio.get_running_loop().time() > began
        assert link.tally.late_chunks > 0
        writer.close()


async def test_bytes_travel_one_by_one() -> None:
    """The first of each chunk do, and all arrive."""
    async with echoing() as link:
        reader, writer = await talk(link)
        link.set(Way.answers, Weather(singly=4))
        await say(writer, b"abcdefgh\n")
        assert await reader.read(1) == b"a"
        assert await reader.readline() == b"bcdefgh\n"
        assert link.tally.single_bytes == 4
        writer.close()


async def test_a_narrow_link_takes_its_time() -> None:
    """So many bytes a second and no more."""
    async with echoing() as link:
        reader, writer = await talk(link)
        link.set(Way.asks, Weather(bytes_per_s=1_000.0))
        began = asyncio.get_running_loop().time()
        await say(writer, b"." * 100 + b"\n")
        await reader.readline()
        assert asyncio.get_running_loop().time() - began > 0.09
        writer.close()


async def test_a_redirected_link_leads_elsewhere() -> None:
    """For connections made from then on."""
    async with echoing() as link, echoing() as other:
        first = await talk(link)
        link.redirect(other.port)
        second = await talk(link)
        assert other.tally.connections == 1
        for _, writer in (first, second):
            writer.close()
