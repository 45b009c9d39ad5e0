"""All links of a run, as the run sees them: by name, in a process of their own (proxy.py).

    client-hub1  client-api1  hub1-postgres  hub1-redis  api1-postgres  api1-redis  replica-primary

Owns that process. An order has been carried out when its call returns. Must never be shared by two loops.
"""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from fnmatch import fnmatchcase
from typing import Final

import msgspec

from loadtest.torture.link import LOOPBACK
from loadtest.torture.proxy import Count, Do, Done, HalfClose, Open, Order, Redirect, Turn
from loadtest.torture.weather import Tally, Way, Weather

ANSWER_WITHIN_S: Final = 20.0


class Links:
    """See the module. `names` take * for any number of characters."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._turn = asyncio.Lock()
        self._ports: dict[str, int] = {}

    async def open(self, name: str, port: int) -> int:
        """A new link to this port of this machine; its own port."""
        done = await self._order(Open(name, LOOPBACK, port))
        self._ports[name] = done.port
        return done.port

    def port(self, name: str) -> int:
        """Where a link listens."""
        return self._ports[name]

    async def set(self, names: str, weather: Weather, way: Way | None = None) -> None:
        """Change the weather of links, in both directions unless one is named."""
        for each in (way,) if way is not None else tuple(Way):
            await self._order(Turn(self._named(names), each, weather))

    async def reset(self, names: str) -> None:
        """Break everything that is connected, with RST."""
        await self._order(Do(self._named(names), "reset"))

    async def refuse(self, names: str) -> None:
        """Break everything, now and until `mend`."""
        await self._order(Do(self._named(names), "refuse"))

    async def mend(self, names: str = "*") -> None:
        """All is well again."""
        await self._order(Do(self._named(names), "mend"))

    async def half_close(self, names: str, way: Way) -> None:
        """End one direction of everything that is connected."""
        await self._order(HalfClose(self._named(names), way))

    async def redirect(self, names: str, port: int) -> None:
        """The server behind these links is at another port now."""
        await self._order(Redirect(self._named(names), port))

    async def tallies(self) -> dict[str, Tally]:
        """What every link has done."""
        return (await self._order(Count())).tallies

    async def tally(self, names: str) -> Tally:
        """The sum of what these links have done."""
        total, all_of_them = Tally(), await self.tallies()
        for name in self._named(names):
            for field in Tally.__struct_fields__:
                setattr(total, field, getattr(total, field) + getattr(all_of_them[name], field))
        return total

    def _named(self, names: str) -> list[str]:
        found = [name for name in self._ports if fnmatchcase(name, names)]
        if not found and names != "*":
            raise KeyError(f"there is no link {names}")
        return found

    async def _order(self, order: Order) -> Done:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        async with self._turn, asyncio.timeout(ANSWER_WITHIN_S):
            self._process.stdin.write(msgspec.json.encode(order) + b"\n")
            line = await self._process.stdout.readline()
        return msgspec.json.decode(line, type=Done)


@asynccontextmanager
async def links() -> AsyncIterator[Links]:
    """Start the process; it ends with its input."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "loadtest.torture.proxy", stdin=PIPE, stdout=PIPE
    )
    try:
        yield Links(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
