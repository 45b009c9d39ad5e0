"""The witness: whether somebody may be seeing a message already, so that a device of theirs need not ring.

    acks and attendance, of each device -> Seen | Wait | Ring

What a device acked is believed as far as somebody was before it: it was in the foreground, or it shows notifications
itself. What the roll says of a socket is not believed for long without an ack: a dead one looks like a living one. A
device of another provider, or a browser, acks where this provider does not look; of those only the roll knows.

Owns these rules. Pure. Must never ask what somebody wants (pushers/wanted.py).
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple
from uuid import UUID

from muster.owed import Owed
from muster.presence import Attention
from muster.push_device import PushDevice
from pushers.attendance import Attendance, Seat
from pushers.cause import Cause, Waiting
from pushers.pace import Pace
from pushers.wanted import Wanted


class Ring(NamedTuple):
    """Nobody sees it."""


class Seen(NamedTuple):
    """Somebody does, or this device showed it."""

    cause: Cause


class Wait(NamedTuple):
    """It cannot be said before `at_ms`; all up to `seen_to` (a seq) needs no push of this device any more."""

    at_ms: int
    why: Waiting
    seen_to: int


class Ack(Enum):
    """What the ack of one device says. vanished: its socket must have died."""

    whole = "whole"
    awaited = "awaited"
    vanished = "vanished"
    elsewhere = "elsewhere"
    """It acks, but not where this provider looks."""


class Witness:
    """Everything known of where one person is, for the messages they are to be rung for. Made for one judgement."""

    def __init__(
        self, owed: Owed, wanted: Wanted, attendance: Attendance, now_ms: int, pace: Pace
    ) -> None:
        self._owed = owed
        self._wanted = wanted
        self._attendance = attendance
        self._now_ms = now_ms
        self._pace = pace
        self._received = {
            device.device: seq for device, seq in zip(owed.devices, owed.received, strict=True)
        }

    def of(self, device: PushDevice) -> Ring | Seen | Wait:
        """What is to become of this device."""
        if device.shows_local and self._ack(device.device) is Ack.whole:
            return Seen(Cause.shown)
        if not self._attendance.known:
            return self._unknown()
        return self._looked_at() or self._own(device) or self._elsewhere() or Ring()

    def _unknown(self) -> Ring | Wait:
        """Nobody is taken to be there, nor to be away: acks and read pointers get a moment, then it rings."""
        at_ms = self._wanted.first_ms + self._pace.unknown_ms
        if self._now_ms < at_ms:
            return Wait(at_ms, Waiting.attendance_unknown, self._owed.notified)
        return Ring()

    def _looked_at(self) -> Seen | Wait | None:
        """Somebody has the room before their eyes, on whatever device."""
        room = self._owed.key.room
        waits = []
        for device, seat in self._active():
            if seat.room != room:
                continue
            match self._ack(device):
                case Ack.whole:
                    return Seen(Cause.looking)
                case Ack.awaited:
                    waits.append(self._awaited(device))
                case Ack.elsewhere:
                    unsure = self._lingering()
                    if unsure is None:
                        return Seen(Cause.looking)
                    waits.append(unsure)
                case Ack.vanished:
                    continue
        return min(waits, key=lambda wait: wait.at_ms, default=None)

    def _own(self, device: PushDevice) -> Seen | Wait | None:
        """What this device's own socket says for it. In the background an ack means nothing: nobody saw anything."""
        seat = self._attendance.seats.get(device.device)
        if seat is None:
            return None
        is_active = seat.attention is Attention.active
        if not (is_active or device.shows_local):
            return None
        match self._ack(device.device):
            case Ack.whole:
                return Seen(Cause.received)
            case Ack.awaited:
                return self._awaited(device.device)
            case _:
                return None

    def _elsewhere(self) -> Wait | None:
        """Somebody is active on another device (of its own `_own` spoke): they get time to read it there."""
        until_ms = self._wanted.first_ms + self._pace.elsewhere_ms
        if self._now_ms >= until_ms:
            return None
        at_ms: int | None = None
        for other, _ in self._active():
            ack = self._ack(other)
            if ack is Ack.awaited:  # by then it may turn out that nobody was there
                at_ms = max(at_ms or 0, min(until_ms, self._awaited(other).at_ms))
            elif ack is not Ack.vanished:
                at_ms = until_ms
        if at_ms is None:
            return None
        return Wait(at_ms, Waiting.active_elsewhere, self._owed.notified)

    # Acks

    def _active(self) -> list[tuple[UUID, Seat]]:
        seats = self._attendance.seats.items()
        return [(device, seat) for device, seat in seats if seat.attention is Attention.active]

    def _ack(self, device: UUID) -> Ack:
        received = self._received.get(device)
        if received is None:
            return Ack.elsewhere
        if received >= self._wanted.newest:
            return Ack.whole
        awaited = self._now_ms < self._missed_ms(received) + self._pace.vanish_ms
        return Ack.awaited if awaited else Ack.vanished

    def _missed_ms(self, received: int) -> int:
        """When the first message came that a device has not acked."""
        missed = (message.at_ms for message in self._wanted.messages if message.seq > received)
        return next(missed, 0)

    def _awaited(self, device: UUID) -> Wait:
        received = self._received[device]
        at_ms = self._missed_ms(received) + self._pace.vanish_ms
        return Wait(at_ms, Waiting.ack_awaited, self._before(received + 1))

    def _lingering(self) -> Wait | None:
        """A screen shows the room, and whether it lives only the roll knows; None when that was long enough."""
        for message in self._wanted.messages:
            if self._now_ms < message.at_ms + self._pace.linger_ms:
                at_ms = self._now_ms + self._pace.glance_ms
                return Wait(at_ms, Waiting.looking_unsure, self._before(message.seq))
        return None

    def _before(self, seq: int) -> int:
        """All before the first wanted message from `seq` on is over; nothing is, where older ones are not seen."""
        following = [message for message in self._wanted.messages if message.seq >= seq]
        is_oldest = len(following) == len(self._wanted.messages)
        if not following or (is_oldest and not self._wanted.is_whole):
            return self._owed.notified
        return max(self._owed.notified, following[0].seq - 1)
