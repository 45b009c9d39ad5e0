"""A Redis of the run's own, configured further than the embedded one: a password that replicas know, a log, a role.

Owns its configuration and the commands a run gives it as an operator would. Must never be told anything through a link.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import redis.asyncio as redis

from muster.services.child import Program
from muster.services.ports import LOOPBACK
from muster.services.redis import EmbeddedRedis

PASSWORD: Final = "one-for-all-nodes"  # noqa: S105  # as clients of a cluster, and replicas, expect
AOF: Final = "appendonly yes\nappendfsync everysec\n"
KEPT_S: Final = 2.0
LOADED_WITHIN_S: Final = 10.0
LOOK_EVERY_S: Final = 0.05


class OpenRedis(EmbeddedRedis):
    """The embedded Redis with more lines in its configuration, and a client of its own."""

    def __init__(self, directory: Path, more: str = "", name: str = "redis") -> None:
        super().__init__(directory, _silent)
        self.name = name
        self._more = f"requirepass {PASSWORD}\nmasterauth {PASSWORD}\n{more}\n"
        self._client: redis.Redis | None = None

    @property
    def port(self) -> int:
        """Where it listens, once `program` was called."""
        return urlsplit(super().url).port or 0

    @property
    def url(self) -> str:
        """With the password that all of them share."""
        return f"redis://:{PASSWORD}@{LOOPBACK}:{self.port}/0"

    async def program(self) -> Program:
        """The embedded one's, with our lines."""
        program = await super().program()
        self.configure(program, self._more)
        return program

    @staticmethod
    def configure(program: Program, lines: str) -> None:
        """Add to the configuration it will start with."""
        with Path(program.argv[-1]).open("a") as file:
            file.write(lines)

    async def ask(self, *words: str | int | bytes) -> object:
        """One command, as an operator gives it."""
        if self._client is None:
            self._client = redis.Redis.from_url(self.url, protocol=2, socket_timeout=KEPT_S)
        return await self._client.execute_command(*words)  # type: ignore[no-untyped-call]  # redis-py

    async def told(self, section: str, field: str) -> str:
        """One line of INFO."""
        info = await self.ask("INFO", section)
        assert isinstance(info, dict)
        return str(info.get(field, ""))

    async def loaded(self) -> None:
        """Return once what its log held is in memory again; until then it refuses commands that read keys."""
        async with asyncio.timeout(LOADED_WITHIN_S):
            while await self.told("persistence", "loading") != "0":  # noqa: ASYNC110  # it tells nobody
                await asyncio.sleep(LOOK_EVERY_S)

    async def close(self) -> None:
        """Let go of the client."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None


def _silent(_: str) -> None:
    """What the service would say to a terminal."""
