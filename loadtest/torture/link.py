"""A TCP link between a client and a server that can go wrong in every way a wire can.

    set(Way.answers, Weather(drop=True))   the request goes through, the answer never comes
    reset()                                both ends see RST
    refuse()                               the same for everybody who comes, until mend()
    half_close(Way.asks)                   the server sees the end, the client may go on reading
    mend()                                 all is well again

Owns the bytes between the two, and counts what it does to them. Must never change or reorder them.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from loadtest.torture.pair import End, Pair
from loadtest.torture.weather import CLEAR, Tally, Way, Weather

LOOPBACK: Final = "127.0.0.1"


class Link:
    """One listening port on loopback in front of one server."""

    def __init__(self, host: str, port: int, tasks: asyncio.TaskGroup) -> None:
        """`tasks` is where connecting to the server runs."""
        self._tasks = tasks
        self._target = (host, port)
        self._rng = random.Random(port)
        self._weather = {Way.asks: CLEAR, Way.answers: CLEAR}
        self._refusing = False
        self._pairs: set[Pair] = set()
        self._server: asyncio.Server | None = None
        self.port = 0
        self.tally = Tally()
        self.dropped = asyncio.Event()

    async def open(self, port: int = 0) -> None:
        """Listen, on a free port unless one is named."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: End(Pair(self), Way.asks), LOOPBACK, port)
        self.port = self._server.sockets[0].getsockname()[1]

    def close(self) -> None:
        """Nobody is let in any more, and everybody is out."""
        if self._server is not None:
            self._server.close()
        self.reset()

    def set(self, way: Way, weather: Weather) -> None:
        """From now on this happens to bytes in this direction."""
        self._weather[way] = weather
        for pair in list(self._pairs):
            pair.weather_changed()

    def reset(self) -> None:
        """Break every connection with RST, both ends."""
        for pair in list(self._pairs):
            self.tally.reset += 1
            pair.reset()

    def refuse(self) -> None:
        """Break every connection, and each that comes, until `mend`."""
        self._refusing = True
        self.reset()

    def half_close(self, way: Way) -> None:
        """End one direction of every connection; the other goes on."""
        for pair in list(self._pairs):
            self.tally.half_closed += pair.half_close(way)

    def mend(self) -> None:
        """All is well again; connections that lost bytes are reset, those that were held go on."""
        self._refusing = False
        self._weather = {Way.asks: CLEAR, Way.answers: CLEAR}
        self.dropped.clear()
        for pair in list(self._pairs):
            if pair.torn:
                self.tally.reset += 1
                pair.reset()
            else:
                pair.weather_changed()

    def redirect(self, port: int) -> None:
        """The server is at another port now; connections that stand stay where they are."""
        self._target = (self._target[0], port)

    # For its connections (pair.Sky)

    def weather(self, way: Way) -> Weather:
        """What happens in this direction now."""
        return self._weather[way]

    def jitter(self) -> float:
        """Between -1 and 1."""
        return self._rng.uniform(-1.0, 1.0)

    def came(self, pair: Pair) -> bool:
        """A connection came; whether it may stay."""
        self.tally.connections += 1
        if self._refusing:
            self.tally.refused += 1
            return False
        self._pairs.add(pair)
        self._tasks.create_task(self._reach(pair))
        return True

    def gone(self, pair: Pair) -> None:
        """It ended."""
        self._pairs.discard(pair)

    def tore(self) -> None:
        """Bytes were thrown away."""
        self.dropped.set()

    async def _reach(self, pair: Pair) -> None:
        loop = asyncio.get_running_loop()
        try:
            await loop.create_connection(lambda: End(pair, Way.answers), *self._target)
        except OSError:
            pair.reset()


@asynccontextmanager
async def linked(url: str) -> AsyncIterator[tuple[Link, str]]:
    """A link in front of the server of `url`, and the URL that goes through it."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    async with asyncio.TaskGroup() as tasks:
        link = Link(parts.hostname, parts.port, tasks)
        await link.open()
        try:
            yield link, through(url, link.port)
        finally:
            link.close()


def through(url: str, port: int) -> str:
    """The same URL by way of a link's port."""
    parts = urlsplit(url)
    credentials = f"{parts.netloc.rpartition('@')[0]}@" if "@" in parts.netloc else ""
    return urlunsplit(parts._replace(netloc=f"{credentials}{LOOPBACK}:{port}"))
