"""Owns how a door (`python -m realtime`, `python -m api`) is run as a child of `muster up`.

It never imports a door: it starts one, and asks GET /readyz whether it is open.
"""

import asyncio
import ssl
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field

from muster.services.child import Program, ServiceFailedError
from muster.services.ports import LOOPBACK, why_not_free

_PROBE_WITHIN_S = 2.0
_KILL_AFTER_DRAIN_S = 5.0
_EVERYWHERE = ("0.0.0.0", "::", "")


@dataclass(frozen=True, slots=True)
class Door:
    """One hub or api process: a module to run, where it listens and what it is told."""

    name: str
    module: str
    host: str
    port: int
    port_setting: str  # what to change when the port is taken
    env: Mapping[str, str] = field(repr=False)
    drain_within_s: float
    tls: bool = False
    ready_within_s: float = 60.0
    first_starts: int = 1

    async def program(self) -> Program:
        """Refuse a taken port with a sentence, rather than let the child die of it."""
        taken = why_not_free(self.host, self.port)
        if taken is not None:
            raise ServiceFailedError(
                f"{self.name} cannot listen on {self.host}:{self.port} ({taken}):"
                f" stop that program or set {self.port_setting}."
            )
        return Program(
            name=self.name,
            argv=(sys.executable, "-m", self.module),
            env=self.env,
            stop_within_s=self.drain_within_s + _KILL_AFTER_DRAIN_S,
        )

    async def ready(self) -> bool:
        """GET /readyz on its own port says 200."""
        host = LOOPBACK if self.host in _EVERYWHERE else self.host
        try:
            async with asyncio.timeout(_PROBE_WITHIN_S):
                reader, writer = await asyncio.open_connection(host, self.port, ssl=self._tls())
                try:
                    writer.write(
                        b"GET /readyz HTTP/1.1\r\nHost: muster\r\nConnection: close\r\n\r\n"
                    )
                    status = await reader.readline()
                finally:
                    writer.close()
        except (OSError, TimeoutError, ssl.SSLError):
            return False
        return status.split(b" ")[1:2] == [b"200"]

    async def finish(self) -> None:
        """Nothing: a door is open or it is not."""

    def _tls(self) -> ssl.SSLContext | None:
        if not self.tls:
            return None
        context = ssl.create_default_context()
        # Our own child on our own machine, whose certificate may name the machine's LAN address.
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
