"""Owns ports for servers that a run is about to start: nobody else gets them until the run lets go.

A port that was merely found free may be another's by the time it is bound, and runs go on side by side. Here a
socket stays bound to it that never listens: the kernel gives the port to nobody who asks for any port, while a
server that names it and sets SO_REUSEADDR, as servers do, listens there. Until then connections are refused.
"""

from __future__ import annotations

import random
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Final

_LOOPBACK: Final = "127.0.0.1"
_PORTS: Final = range(20_000, 32_000)
"""Below the ports that Linux hands out by itself to outgoing connections."""

_TRIES: Final = 1_000


@contextmanager
def reserved_ports(count: int) -> Iterator[int]:
    """The first of `count` ports in a row that are ours while inside. Raises `OSError` when there are none."""
    with ExitStack() as held:
        yield _reserve(count, held)


def hold(port: int) -> socket.socket:
    """Keep the port of a server that has just gone, until the socket is closed."""
    holder = socket.socket()
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # its connections may linger
    holder.bind((_LOOPBACK, port))
    return holder


def _reserve(count: int, held: ExitStack) -> int:
    for _ in range(_TRIES):
        first = random.randrange(_PORTS.start, _PORTS.stop - count)
        try:
            for port in range(first, first + count):
                _claim(held.enter_context(socket.socket()), port)
        except OSError:
            held.close()
            continue
        return first
    raise OSError(f"no {count} free ports in a row")


def _claim(holder: socket.socket, port: int) -> None:
    """First alone, so that of two who want it one fails; from then on for the server too."""
    holder.bind((_LOOPBACK, port))
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
