"""A connection as the gate sees it: an address at the door, until it has a name.

Owns that it is counted once when it came and once when it is named or gone, and carries its questions to the gate. Must
never outlive the authentication: a person's socket needs none of this.
"""

from __future__ import annotations

from websockets.http11 import Request, Response
from websockets.server import ServerProtocol

from muster.bucket import network_of
from realtime.accept import Refusal
from realtime.handshake import Handshake


class Visitor:
    """One who has not authenticated yet."""

    __slots__ = ("_handshake", "_welcome", "peer")

    def __init__(self, handshake: Handshake, name: tuple[str, int] | None) -> None:
        """`name`: the peer's, as the transport tells it."""
        self.peer = network_of(name[0]) if name else ""
        self._handshake = handshake
        self._welcome = handshake.gate.came(self.peer)

    @property
    def spread_ms(self) -> int:
        """See `Gate.spread_ms`."""
        return self._handshake.gate.spread_ms

    def shut(self, data: bytes, now: float) -> bytes | None:
        """See `Handshake.shut`."""
        return self._handshake.shut(data, self.peer, now, welcome=self._welcome)

    def answer(self, protocol: ServerProtocol, request: Request, now: float) -> Response:
        """See `Handshake.answer`."""
        return self._handshake.answer(protocol, request, self.peer, now, welcome=self._welcome)

    def authenticate(self, now: float) -> Refusal | None:
        """See `Gate.authenticate`."""
        return self._handshake.gate.authenticate(self.peer, now)

    def bad_token(self) -> None:
        """See `Gate.bad_token`."""
        self._handshake.gate.bad_token()

    def named(self) -> None:
        """See `Gate.named`."""
        self._handshake.gate.named(self.peer)
