"""A push that is ready to leave, and who carries it.

Owns the shapes between deciding, writing and sending. Must never be logged: it holds a token and people's
words.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple, Protocol
from uuid import UUID

from muster.push_device import PushDevice
from pushers.outcome import Outcome


class Kind(StrEnum):
    """alert: it rings or shows. silent: it tells the app to clean up (read elsewhere), or sets the badge."""

    alert = "alert"
    silent = "silent"


class Push(NamedTuple):
    """`id`: UUIDv5 of device, room and seq, the same at every attempt. `body`: the JSON that the provider is
    sent.

    `collapse`: at most 64 bytes; a later push with the same replaces this one. `expires_ms`: after this it is
    worth nothing.
    """

    id: UUID
    device: PushDevice
    kind: Kind
    body: bytes
    collapse: str
    expires_ms: int
    urgent: bool


class Carrier(Protocol):
    """One provider. `send` never raises for what a provider or the network does, and ends within its deadline.

    `run` keeps the connections until it is cancelled; without it nothing goes out.
    """

    async def send(self, push: Push) -> Outcome: ...

    async def run(self) -> None: ...

    async def close(self) -> None: ...
