"""The Python servers: `websockets` with its own broadcast, and Starlette on uvicorn.

Owns how they are started: with this interpreter, on uvloop. They are always here, for Muster needs the same packages.
"""

from __future__ import annotations

import sys
from importlib.metadata import version
from pathlib import Path
from typing import Final, NamedTuple

from loadtest.peers.peer import Dialect


class PythonPeer(NamedTuple):
    """`module` takes the port."""

    name: str
    module: str
    packages: tuple[str, ...]
    dialect: Dialect = Dialect()

    def version(self) -> str:
        """Of each package."""
        return ", ".join(f"{package} {version(package)}" for package in self.packages)

    def command(self, port: int, directory: Path) -> list[str]:  # noqa: ARG002  # it needs none
        """With this interpreter."""
        return [sys.executable, "-m", self.module, str(port)]


BROADCAST: Final = PythonPeer(
    "websockets, broadcast()", "loadtest.peers.broadcast", ("websockets", "uvloop")
)
STARLETTE: Final = PythonPeer(
    "Starlette on uvicorn", "loadtest.peers.starlette", ("starlette", "uvicorn", "websockets")
)
