"""Quiet hours: whether it is night where a device is.

Owns minutes of the day, over midnight and through changes of the clocks. Must never look at a clock: the time is
passed in. The zone's rules come from the system's tables, which are read once for each zone.
"""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

from muster.owed import Wishes


def is_quiet(wishes: Wishes, zone: str, now_ms: int) -> bool:
    """From `quiet_from_min` until before `quiet_to_min`, by the wall clock there; a range may hold midnight.

    A zone that nobody knows is taken for UTC.
    """
    start, end = wishes.quiet_from_min, wishes.quiet_to_min
    if start == end:
        return False
    minute = minute_of_day(zone, now_ms)
    if start < end:
        return start <= minute < end
    return minute >= start or minute < end


def minute_of_day(zone: str, now_ms: int) -> int:
    """0 to 1439, as a clock on the wall says."""
    there = datetime.fromtimestamp(now_ms // 1000, _zone(zone))
    return there.hour * 60 + there.minute


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # not there; no name at all; a directory of the tables
        return UTC
