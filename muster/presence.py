"""Presence: what somebody's devices, taken together, say of whether they are there.

    devices -> merged() -> Record -> told() -> what one other person is shown

A device is in for as long as some hub says so; a person is in while any of their devices is. The same merge is
written in Lua (muster/stores/lua/presence_merge.lua), and tests/contracts/test_roll.py holds the two together.

Owns these rules. Pure: times are passed in. Must never know how devices are told apart from the dead ones (the
roll: muster/roll.py) nor who watches whom (realtime/watching.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final, NamedTuple

import msgspec
from msgspec import Struct

from muster.privacy import PrivacyCircle

ROOMS_TOLD: Final = 4
"""Rooms that one person may be said to look at: with more screens than that nobody is looking."""

STATUS_CHARS: Final = 100
STATUS_EMOJI_CHARS: Final = 32
FOR_EVER_MS: Final = 2**53 - 1


class Attention(StrEnum):
    """How much of somebody is there; the value is its byte in Redis, the order from most to least."""

    active = "a"
    idle = "i"
    background = "b"


RANK: Final = {attention: rank for rank, attention in enumerate(Attention)}


class Device(NamedTuple):
    """One device, as the hub that holds its socket says.

    `generation` names that hub's present registration. `stamp_ms` is when the socket came, by Redis' clock: of two
    hubs that claim one device, the one it came to last is right. `room`: what it looks at, bytes of its id.
    """

    generation: bytes
    attention: Attention
    stamp_ms: int
    room: bytes | None = None


class Profile(Struct, frozen=True, array_like=True, gc=False):
    """What somebody wants others to see; it travels with their presence as opaque bytes.

    `version` grows with every change, so that of two hubs' notions of it the newer one wins. Times in Unix
    milliseconds; 0 is never.
    """

    version: int = 0
    circle: PrivacyCircle = PrivacyCircle.contacts
    invisible: bool = False
    busy_until_ms: int = 0
    text: str = ""
    emoji: str = ""
    text_until_ms: int = 0


class Record(NamedTuple):
    """Somebody over all their devices. No attention: no device is in."""

    attention: Attention | None
    rooms: tuple[bytes, ...]
    profile: Profile


class Told(NamedTuple):
    """What one person is shown of another. `state`: active, idle, background or offline."""

    state: str
    busy_until_ms: int = 0
    text: str = ""
    emoji: str = ""
    text_until_ms: int = 0


PLAIN: Final = Profile()
ABSENT: Final = Record(None, (), PLAIN)
OFFLINE: Final = Told("offline")

_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(Profile)


def newer(one: Device, other: Device) -> Device:
    """Which of two claims to one device holds. Commutes, and asking twice changes nothing."""
    return max(one, other, key=lambda claim: (claim.stamp_ms, claim.generation))


def joined(one: Mapping[bytes, Device], other: Mapping[bytes, Device]) -> dict[bytes, Device]:
    """Two notions of somebody's devices made one."""
    both = dict(one)
    for device, claim in other.items():
        both[device] = newer(both[device], claim) if device in both else claim
    return both


def merged(devices: Iterable[Device]) -> tuple[Attention | None, tuple[bytes, ...]]:
    """The most attention that any device has, and the rooms that active ones look at."""
    best: Attention | None = None
    rooms: set[bytes] = set()
    for device in devices:
        if best is None or RANK[device.attention] < RANK[best]:
            best = device.attention
        if device.room is not None and device.attention is Attention.active:
            rooms.add(device.room)
    return best, tuple(sorted(rooms)[:ROOMS_TOLD])


def may_see(circle: PrivacyCircle, *, contact: bool, mates: bool) -> bool:
    """Whether somebody this near is within the circle. Blocks are not asked here: they come first."""
    match circle:
        case PrivacyCircle.everyone:
            return True
        case PrivacyCircle.room_mates:
            return contact or mates
        case PrivacyCircle.contacts:
            return contact
        case PrivacyCircle.nobody:
            return False


def told(record: Record, now_ms: int, *, allowed: bool) -> Told:
    """What is shown. Who may not see, whom nobody may see, and who is not there look alike."""
    profile = record.profile
    if record.attention is None or profile.invisible or not allowed:
        return OFFLINE
    return shown(record.attention, profile, now_ms)


def shown(attention: Attention | None, profile: Profile, now_ms: int) -> Told:
    """The whole of it: also what somebody sees of themselves, invisible or not."""
    state = "offline" if attention is None else attention.name
    busy = profile.busy_until_ms if profile.busy_until_ms > now_ms else 0
    if profile.text_until_ms > now_ms:
        return Told(state, busy, profile.text, profile.emoji, profile.text_until_ms)
    return Told(state, busy)


def counts(record: Record) -> bool:
    """Whether somebody is counted among those who are there, where only a number is told."""
    profile = record.profile
    return (
        record.attention is not None
        and not profile.invisible
        and profile.circle is not PrivacyCircle.nobody
    )


def packed(profile: Profile) -> bytes:
    """As it travels: 16 digits of version, then the rest, so that Lua compares versions as text."""
    return b"%016d" % profile.version + _ENCODER.encode(profile)


def unpacked(data: bytes) -> Profile:
    """The reverse of `packed`; what another release wrote and we cannot read shows nothing of anybody."""
    try:
        return _DECODER.decode(data[16:])
    except (msgspec.DecodeError, ValueError):
        return Profile(circle=PrivacyCircle.nobody, invisible=True)


def rounded(seen_ms: int, now_ms: int) -> int:
    """When somebody was last seen, as others are told it: the older, the coarser. Unix milliseconds."""
    age_ms = now_ms - seen_ms
    for up_to_ms, step_ms in _STEPS:
        if age_ms < up_to_ms:
            return seen_ms - seen_ms % step_ms
    return seen_ms - seen_ms % _DAY_MS


_MINUTE_MS: Final = 60_000
_HOUR_MS: Final = 60 * _MINUTE_MS
_DAY_MS: Final = 24 * _HOUR_MS
_STEPS: Final = ((_HOUR_MS, 5 * _MINUTE_MS), (_DAY_MS, _HOUR_MS))
