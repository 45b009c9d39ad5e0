"""What a peer is: a server with one room, into which one socket speaks and of which all others are members.

Owns the contract and how one speaks to such a server. Must never hold a figure: trial.py measures.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, Protocol

from msgspec import Struct

FRAME_BYTES: Final = 247
"""What one delivery is on the wire, everywhere: a post of 128 bytes as Muster sends it to a msgpack client."""

BUILT: Final = Path(__file__).parents[2] / "build" / "peers"
"""Where `make peers` puts what does not come with our own environment."""


class Absent(Exception):
    """This peer cannot run here; the message says what is missing."""


class Dialect(Struct, frozen=True, kw_only=True):
    """How a client speaks to it: as WebSocket, or where `framed` is false in bare frames of FRAME_BYTES.

    Who opens `members` is in the room, once a message came that begins with `welcome`; who opens `speaker` is not, and
    what that one says goes to every member. `hello` is said first by both. What is said stands between `before` and
    `after`, in text frames if `text`. Who is told `ping` says `pong`. The speaker comes first.
    """

    framed: bool = True
    members: str = "/room"
    speaker: str = "/speak"
    hello: str = ""
    welcome: str = ""
    before: str = ""
    after: str = ""
    ping: str = ""
    pong: str = ""
    text: bool = False


class Peer(Protocol):
    """One of them. It serves as one process and its descendants, until it is terminated."""

    @property
    def name(self) -> str:
        """As it stands in a table."""

    @property
    def dialect(self) -> Dialect:
        """How to speak to it."""

    def version(self) -> str:
        """Of what is measured. Raises `Absent`."""

    def command(self, port: int, directory: Path) -> list[str]:
        """What starts it on this port of 127.0.0.1; `directory` is its own for the run. Raises `Absent`.

        Descriptors for 20,000 sockets are its own business, and so is that it takes the port although a socket is
        bound to it that does not listen (SO_REUSEADDR).
        """
