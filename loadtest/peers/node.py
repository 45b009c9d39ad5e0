"""The node servers: `ws`, and Socket.IO on it.

Owns where node and their packages are found. `make peers` installs what package-lock.json pins into build/peers/npm.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from loadtest.peers.peer import BUILT, Absent, Dialect

PACKAGES: Final = BUILT / "npm" / "node_modules"


class _Manifest(msgspec.Struct):
    version: str


class NodePeer(NamedTuple):
    """`program` is a file beside this one, and takes where the packages are and the port."""

    name: str
    package: str
    program: str
    dialect: Dialect = Dialect()

    def version(self) -> str:
        """Of the package and of node."""
        manifest = PACKAGES / self.package / "package.json"
        if not manifest.is_file():
            raise Absent(f"{self.package} not installed: make peers")
        found = msgspec.json.decode(manifest.read_bytes(), type=_Manifest).version
        told = subprocess.run([_node(), "--version"], capture_output=True, text=True, check=True)
        return f"{self.package} {found}, node {told.stdout.strip().removeprefix('v')}"

    def command(self, port: int, directory: Path) -> list[str]:  # noqa: ARG002  # it needs none
        """With the node on PATH."""
        program = Path(__file__).with_name(self.program)
        return [_node(), str(program), str(PACKAGES), str(port)]


def _node() -> str:
    found = shutil.which("node")
    if found is None:
        raise Absent("node not found")
    return found


_ENGINE: Final = "/socket.io/?EIO=4&transport=websocket"

WS: Final = NodePeer("ws", "ws", "ws.js")
SOCKET_IO: Final = NodePeer(
    "Socket.IO",
    "socket.io",
    "socketio.js",
    Dialect(
        members=_ENGINE,
        speaker=f"{_ENGINE}&speaks=1",
        hello="40",
        welcome="40{",
        before='42["say","',
        after='"]',
        ping="2",
        pong="3",
        text=True,
    ),
)
