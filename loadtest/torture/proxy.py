"""The process that all links of a run live in: `python -m loadtest.torture.proxy`, started by links.py.

Owns the links. Reads one order per line on its standard input and answers each with one line. Must never act by
itself: a fault is always ordered.
"""

from __future__ import annotations

import asyncio
import gc
import resource
import sys

import msgspec
import uvloop
from msgspec import Struct

from loadtest.torture.link import Link
from loadtest.torture.weather import Tally, Way, Weather


class Open(Struct, tag=True):
    """Make a link to this address."""

    name: str
    host: str
    port: int


class Turn(Struct, tag=True):
    """Change the weather of links, in one direction."""

    names: list[str]
    way: Way
    weather: Weather


class Do(Struct, tag=True):
    """`act` is reset, refuse or mend."""

    names: list[str]
    act: str


class HalfClose(Struct, tag=True):
    """End one direction of what is connected."""

    names: list[str]
    way: Way


class Redirect(Struct, tag=True):
    """Connections made from now on go to this port."""

    names: list[str]
    port: int


class Count(Struct, tag=True):
    """Tell the tallies."""


Order = Open | Turn | Do | HalfClose | Redirect | Count


class Done(Struct):
    """The answer to every order: the port of a link just made, or all tallies."""

    port: int = 0
    tallies: dict[str, Tally] = {}


class Proxy:
    """All links, by name."""

    def __init__(self, tasks: asyncio.TaskGroup) -> None:
        self._tasks = tasks
        self._links: dict[str, Link] = {}

    async def obey(self, order: Order) -> Done:
        """Do it, now."""
        match order:
            case Open():
                link = self._links[order.name] = Link(order.host, order.port, self._tasks)
                await link.open()
                return Done(port=link.port)
            case Count():
                return Done(tallies={name: link.tally for name, link in self._links.items()})
        for link in (self._links[name] for name in order.names):
            match order:
                case Turn():
                    link.set(order.way, order.weather)
                case HalfClose():
                    link.half_close(order.way)
                case Redirect():
                    link.redirect(order.port)
                case Do(act="reset"):
                    link.reset()
                case Do(act="refuse"):
                    link.refuse()
                case Do():
                    link.mend()
        return Done()

    def close(self) -> None:
        """Everybody is out."""
        for link in self._links.values():
            link.close()


async def work() -> None:
    """Obey until the input ends."""
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    async with asyncio.TaskGroup() as tasks:
        proxy = Proxy(tasks)
        try:
            while line := await reader.readline():
                done = await proxy.obey(msgspec.json.decode(line, type=Order))
                sys.stdout.buffer.write(msgspec.json.encode(done) + b"\n")
                sys.stdout.buffer.flush()
        finally:
            proxy.close()


def main() -> None:
    """As many sockets as the system allows; until the input ends."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    gc.freeze()
    uvloop.run(work())


if __name__ == "__main__":
    main()
