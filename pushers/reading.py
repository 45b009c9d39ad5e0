"""Word of what was read elsewhere, for the devices that may still show it.

Owns to whom it goes and under which claim. Pure: presence and time are passed in. Must never be asked while an alert is
still owed: that takes the place of what is shown, and says the badge.
"""

from __future__ import annotations

from uuid import UUID, uuid5

from muster.owed import Owed
from muster.presence import Attention
from muster.push_device import PushDevice
from muster.push_queue import Sending
from pushers.attendance import Attendance
from pushers.ration import Ration
from pushers.ringing import Ring
from pushers.writing import read_elsewhere


def told(owed: Owed, attendance: Attendance, ration: Ration, now_ms: int) -> list[Ring]:
    """What to send; nothing to a device that is in use, which reads its socket."""
    room = UUID(bytes=owed.key.room)
    return [
        Ring(
            read_elsewhere(device, room, owed.read_seq, owed.badge, ration, now_ms),
            # Of the alert it takes away, so that whoever takes over does not tell it again; and no claim of an alert.
            Sending(device.device, _claimed(room), owed.rung),
        )
        for device in owed.devices
        if not _in_use(device, attendance)
    ]


def _claimed(room: UUID) -> bytes:
    return uuid5(room, "read").bytes


def _in_use(device: PushDevice, attendance: Attendance) -> bool:
    seat = attendance.seats.get(device.device)
    return attendance.known and seat is not None and seat.attention is Attention.active
