"""Pointers: how far a device has received, how far a person has read.

Owns their shape. Read pointers are entries of the self log (muster/submit.py); received ones are plain state.
"""

from __future__ import annotations

from typing import NamedTuple

from muster.ids import DeviceId, RoomId


class ReceivedMark(NamedTuple):
    """A device holds everything of a room up to `seq`."""

    room: RoomId
    device: DeviceId
    seq: int
