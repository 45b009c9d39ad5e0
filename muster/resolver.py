"""Names to addresses, asked of the machine's resolver in threads of our own.

Owns those threads: few, and none that a stop of the process waits for. A nameserver that never answers holds them,
not those by which Postgres and Redis are found. Must never judge an address (muster/addresses.py).
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from threading import Thread
from typing import Final

AT_ONCE: Final = 8

LookUp = Callable[[str], list[str]]


class SystemResolver:
    """Asks by getaddrinfo, at most AT_ONCE at once."""

    def __init__(self, look_up: LookUp | None = None) -> None:
        self._look_up = look_up or _addresses
        self._free = asyncio.Semaphore(AT_ONCE)

    async def resolve(self, host: str) -> list[str]:
        """All addresses of `host`, as its resolver orders them. Raises OSError."""
        await self._free.acquire()
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[list[str]] = loop.create_future()

        def settle(found: list[str] | OSError) -> None:
            # Only now is the thread free, whoever still waits for it.
            self._free.release()
            if answer.done():
                return
            if isinstance(found, OSError):
                answer.set_exception(found)
            else:
                answer.set_result(found)

        def ask() -> None:
            found: list[str] | OSError
            try:
                found = self._look_up(host)
            except OSError as error:
                found = error
            except UnicodeError:
                found = OSError("not a name")
            try:
                loop.call_soon_threadsafe(settle, found)
            except RuntimeError:
                return  # the loop is closed: nobody waits

        Thread(target=ask, name="names", daemon=True).start()
        return await answer


def _addresses(host: str) -> list[str]:
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]
