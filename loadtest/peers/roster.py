"""Every peer there is, the floor first.

Owns the list. Must never leave one out because it is not installed: it is asked, and says so itself.
"""

from __future__ import annotations

from typing import Final

from loadtest.peers.floor import Floor
from loadtest.peers.nchan import Nchan
from loadtest.peers.node import SOCKET_IO, WS
from loadtest.peers.peer import Peer
from loadtest.peers.python import BROADCAST, STARLETTE

FLOOR: Final[Peer] = Floor()
SERVERS: Final[tuple[Peer, ...]] = (Nchan(), WS, SOCKET_IO, BROADCAST, STARLETTE)
PEERS: Final[tuple[Peer, ...]] = (FLOOR, *SERVERS)
