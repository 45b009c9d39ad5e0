"""A connection as the gate sees it: an address at the door, until it has a name.

Owns that it is counted once when it came and once when it is named or gone, and carries its questions to the gate. Must
never outlive the authentication: a person's socket needs none of this.
"""

from __future__ import annotations

from http import HTTPStatus

from websockets.http11 import Request, Response
from websockets.server import ServerProtocol

from muster.bucket import network_of
from realtime.accept import Refusal
from realtime.handshake import ABROAD, FORBIDDEN, Handshake


class Visitor:
    """One who has not authenticated yet."""

    __slots__ = ("_address", "_for_others", "_handshake", "_welcome", "peer")

    def __init__(self, handshake: Handshake, name: tuple[str, int] | None) -> None:
        """`name`: the peer's, as the transport tells it."""
        self._address = name[0] if name else ""
        self._handshake = handshake
        self._for_others = handshake.borders.speaks_for_others(self._address)
        self.peer = network_of(self._address)
        self._welcome = handshake.gate.came(self.peer, for_others=self._for_others)

    @property
    def spread_ms(self) -> int:
        """See `Gate.spread_ms`."""
        return self._handshake.gate.spread_ms

    def shut(self, data: bytes, now: float) -> bytes | None:
        """See `Handshake.shut`."""
        if self._for_others:
            return None
        if self._handshake.borders.refuses(self._address):
            return FORBIDDEN
        return self._handshake.shut(data, self.peer, now, welcome=self._welcome)

    def answer(self, protocol: ServerProtocol, request: Request, now: float) -> Response:
        """See `Handshake.answer`."""
        if self._for_others:
            borders = self._handshake.borders
            forwarded = request.headers.get_all("X-Forwarded-For")
            self._address = borders.client(self._address, forwarded)
            if borders.refuses(self._address):
                return protocol.reject(HTTPStatus.FORBIDDEN, ABROAD)
            peer = network_of(self._address)
            if peer != self.peer:
                self._welcome = self._handshake.gate.moved(self.peer, peer)
                self.peer = peer
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
