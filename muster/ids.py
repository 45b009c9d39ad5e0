"""Identifiers: what names a person, a room, a session, a device.

Owns how ids are made and derived. Must never read a clock or a random source by itself: both are passed in.
"""

from __future__ import annotations

import secrets
from typing import Final, NewType, Protocol
from uuid import UUID, uuid5

PersonId = NewType("PersonId", UUID)
RoomId = NewType("RoomId", UUID)
SessionId = NewType("SessionId", UUID)
DeviceId = NewType("DeviceId", UUID)

CONTROL_ROOM: Final = RoomId(UUID("00000000-0000-7000-8000-000000000001"))
"""The control log: revoked sessions, bans and blocks, which belong to no room."""

NOBODY: Final = PersonId(UUID(int=0))
"""The author of what the service does by itself."""

_DIRECT: Final = UUID("5f0c2f0e-3f0b-5b0e-9d58-0d1d7f6f2a11")
_DEVICE: Final = UUID("a0a7c4c4-7f2e-5d0e-8a54-2b7f3f0e6c21")


class Random(Protocol):
    """A source of random bits, as `random.Random` is."""

    def getrandbits(self, k: int, /) -> int: ...


class SystemRandom:
    """The operating system's randomness."""

    def getrandbits(self, k: int, /) -> int:
        return secrets.randbits(k)


def uuid7(now_ms: int, random: Random) -> UUID:
    """A time-ordered UUID (RFC 9562, version 7): 48 bits of milliseconds, 74 of randomness."""
    bits = random.getrandbits(74)
    value = (now_ms & (2**48 - 1)) << 80
    value |= 0x7 << 76 | (bits >> 62) << 64
    value |= 0b10 << 62 | (bits & (2**62 - 1))
    return UUID(int=value)


def self_room(person: PersonId) -> RoomId:
    """The room that is a person's self log: it has the person's own id."""
    return RoomId(person)


def direct_room(one: PersonId, other: PersonId) -> RoomId:
    """The one room in which two people talk: UUIDv5 of the ordered pair."""
    low, high = sorted((one, other))
    return RoomId(uuid5(_DIRECT, f"{low}:{high}"))


def device_of(person: PersonId, install: str) -> DeviceId:
    """The device that one installation of the app is for one person."""
    return DeviceId(uuid5(_DEVICE, f"{person}:{install}"))
