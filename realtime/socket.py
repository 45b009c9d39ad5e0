"""What one connection and the hub know of each other.

    Socket      one authenticated connection, as the hub sees it; nothing here ever waits
    Rooms       the hub, as a connection sees it
    Admission   what the hub answers to a connection that wants in

Owns the two signatures. Must never hold behaviour.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol
from uuid import UUID

from muster.ids import DeviceId, PersonId, RoomId, SessionId
from proto import frames
from proto.codes import Close
from realtime.prepared import Pushable


class Socket(Protocol):
    """One connection. Whatever is pushed after it began to close is dropped."""

    @property
    def person(self) -> PersonId: ...
    @property
    def device(self) -> DeviceId: ...
    @property
    def session(self) -> SessionId: ...
    @property
    def attention(self) -> str:
        """active, idle or background, as the client said last."""
        ...

    @property
    def backlog(self) -> int:
        """Bytes that wait to be sent, here and in the transport."""
        ...

    @property
    def thinned(self) -> bool:
        """Slow to take what it is sent: it gets no ephemeral frames."""
        ...

    @property
    def congested(self) -> bool:
        """Above a share of its bound, and so thinned too: rooms tell it heads alone, and it catches up later."""
        ...

    @property
    def takes_heads(self) -> bool:
        """Whether heads may be pushed although it is congested."""
        ...

    on_drained: Callable[[Socket], None]
    """Called when it is no longer congested."""

    def push(self, prepared: Pushable) -> None:
        """Queue a frame, or several that follow each other; written with all others of this tick."""
        ...

    def send(self, frame: frames.Server) -> None:
        """Queue a frame that is for this connection alone."""
        ...

    def close(self, code: Close, reason: str, retry_after_ms: int | None = None) -> None:
        """Goaway, WebSocket close, and an abort by deadline."""
        ...


class Admission(Protocol):
    """The hub has registered a connection."""

    @property
    def generation(self) -> UUID:
        """The log's generation, which positions belong to."""
        ...


class Rooms(Protocol):
    """The hub. Every await may raise `Refused`."""

    def admit(self, socket: Socket) -> Awaitable[Admission]: ...

    def drop(self, socket: Socket, clean: bool) -> None:
        """The connection is gone; `clean` if the client said it means to be offline."""
        ...

    async def resume(self, socket: Socket, frame: frames.Resume) -> frames.RoomStates: ...
    async def attend(self, socket: Socket, frame: frames.Attend) -> frames.RoomStates: ...
    async def watch(self, socket: Socket, frame: frames.Watch) -> frames.Presences: ...
    def look(self, socket: Socket, frame: frames.Attention) -> None: ...
    def typing(self, socket: Socket, room: RoomId) -> None: ...
    def received(self, socket: Socket, positions: Sequence[tuple[UUID, int]]) -> None: ...
    def read(self, socket: Socket, positions: Sequence[tuple[UUID, int]]) -> None: ...
    def revoked(self, session: SessionId) -> bool: ...
    def banned(self, person: PersonId) -> bool: ...
