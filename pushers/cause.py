"""Causes: why a device was not rung, as metrics count it.

Owns these names. Must never hold anything of a person: they are labels.
"""

from __future__ import annotations

from enum import StrEnum


class Cause(StrEnum):
    """Each is final: what was silenced by it is never rung later.

    read: they have read it. gone: deleted, hidden from them or theirs. looking: a device of theirs shows the room.
    received: this device has it in the foreground. shown: it shows a notification of its own.
    """

    not_member = "not_member"
    request = "request"
    read = "read"
    gone = "gone"
    muted = "muted"
    level_none = "level_none"
    not_mentioned = "not_mentioned"
    busy = "busy"
    quiet_hours = "quiet_hours"
    looking = "looking"
    received = "received"
    shown = "shown"


class Waiting(StrEnum):
    """Why a device is not rung yet. attendance_unknown: a living one will have acked or read by then."""

    active_elsewhere = "active_elsewhere"
    looking_unsure = "looking_unsure"
    ack_awaited = "ack_awaited"
    attendance_unknown = "attendance_unknown"
