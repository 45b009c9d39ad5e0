"""Writing: an alert, or word of what was read elsewhere, made a push that is ready to leave.

Owns which form a device gets, the names on it and how long it is worth anything. Pure: the time is passed in. Must
never send.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

from muster.push_device import Provider, PushDevice
from pushers import apns_payload, fcm_payload
from pushers.alert import Alert
from pushers.naming import collapse, push_id
from pushers.push import Kind, Push
from pushers.ration import Ration

KEEP_S: Final = 28 * 86_400
"""So long a phone may be off: the most that both providers keep. What is told of reading lives as long, so that it
takes the place of an alert that still waits."""


def written(alert: Alert, device: PushDevice, now_ms: int) -> Push:
    """The alert in this device's provider's form."""
    if device.provider is Provider.apns:
        body = apns_payload.alert_body(alert)
    else:
        body = fcm_payload.alert_body(alert, device, KEEP_S)
    return Push(
        id=push_id(device.device, alert.room, alert.seq),
        device=device,
        kind=Kind.alert,
        body=body,
        collapse=collapse(alert.place),
        expires_ms=now_ms + KEEP_S * 1000,
        urgent=alert.urgent,
    )


def read_elsewhere(
    device: PushDevice, room: UUID, seq: int, badge: int, ration: Ration, now_ms: int
) -> Push:
    """Up to `seq` was read on another device: what this one shows of it is to go, and its badge to fall.

    An iPhone whose ration is used up gets its badge alone, which needs no app: to Apple that is an alert.
    """
    kind = Kind.silent
    if device.provider is Provider.fcm:
        body = fcm_payload.read_body(room, seq, badge, device, KEEP_S)
    elif ration.take(device.device, now_ms):
        body = apns_payload.read_body(room, seq, badge)
    else:
        kind = Kind.alert
        body = apns_payload.badge_body(room, seq, badge)
    return Push(
        id=push_id(device.device, room, seq, "read"),
        device=device,
        kind=kind,
        body=body,
        collapse=collapse(room),
        expires_ms=now_ms + KEEP_S * 1000,
        urgent=False,
    )
