"""Owns the question which TCP ports of this machine are free.

It never keeps a port reserved: the answer may be stale by the time it is used, so every caller
must survive a bind that fails all the same.
"""

import errno
import socket

LOOPBACK = "127.0.0.1"


def free_port(host: str = LOOPBACK) -> int:
    """A port the kernel just handed out, so unlikely to be handed out again soon."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
    return port


def why_not_free(host: str, port: int) -> str | None:
    """None when `port` can be bound on `host` now, else the reason in a few plain words."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As the servers do: a connection in TIME_WAIT from the last run is no reason to refuse.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as refusal:
            if refusal.errno == errno.EADDRINUSE:
                return "another program listens there"
            return refusal.strerror or "the system refuses it"
    return None
