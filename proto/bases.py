"""What every frame begins with.

Owns the two bases. Must never hold a frame (proto/frames.py, proto/presence.py).
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

RequestId = Annotated[int, Meta(ge=0, le=2**31 - 1)]


class Client(Struct, array_like=True, frozen=True, gc=False):
    """Base of all frames a client sends."""

    id: RequestId


class Server(Struct, array_like=True, frozen=True, gc=False):
    """Base of all frames a server sends."""

    id: int
