"""Quiet hours are read off the clock on the wall where the device is."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from muster.owed import Wishes
from pushers.quiet import is_quiet, minute_of_day

NIGHT = Wishes(quiet_from_min=22 * 60, quiet_to_min=7 * 60)
SIESTA = Wishes(quiet_from_min=13 * 60, quiet_to_min=15 * 60)
GAP = Wishes(quiet_from_min=2 * 60 + 15, quiet_to_min=2 * 60 + 45)


def _ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    ("wishes", "zone", "utc", "quiet"),
    [
        (NIGHT, "UTC", "2026-11-21T21:59:59", False),
        (NIGHT, "UTC", "2026-11-21T22:00:00", True),
        (NIGHT, "UTC", "2026-11-22T00:00:00", True),
        (NIGHT, "UTC", "2026-11-22T06:59:59", True),
        (NIGHT, "UTC", "2026-11-22T07:00:00", False),
        (SIESTA, "UTC", "2026-11-21T12:59:59", False),
        (SIESTA, "UTC", "2026-11-21T13:00:00", True),
        (SIESTA, "UTC", "2026-11-21T15:00:00", False),
        # Berlin: summer begins on 29 March 2026 at 01:00 UTC, and ends on 25 October at 01:00 UTC.
        (NIGHT, "Europe/Berlin", "2026-03-28T21:30:00", True),
        (NIGHT, "Europe/Berlin", "2026-03-29T05:30:00", False),
        (NIGHT, "Europe/Berlin", "2026-03-28T06:30:00", False),
        (NIGHT, "Europe/Berlin", "2026-10-25T05:30:00", True),
        (NIGHT, "Europe/Berlin", "2026-10-25T06:00:00", False),
        # Half past two is there never on the one day, and twice on the other.
        (GAP, "Europe/Berlin", "2026-03-29T00:59:59", False),
        (GAP, "Europe/Berlin", "2026-03-29T01:00:00", False),
        (GAP, "Europe/Berlin", "2026-10-25T00:30:00", True),
        (GAP, "Europe/Berlin", "2026-10-25T01:30:00", True),
        # A quarter to six ahead.
        (NIGHT, "Asia/Kathmandu", "2026-11-21T16:14:59", False),
        (NIGHT, "Asia/Kathmandu", "2026-11-21T16:15:00", True),
    ],
)
def test_night_is_by_the_wall_clock(wishes: Wishes, zone: str, utc: str, quiet: bool) -> None:
    assert is_quiet(wishes, zone, _ms(utc)) is quiet


def test_equal_ends_are_no_quiet_hours() -> None:
    assert not is_quiet(
        Wishes(quiet_from_min=60, quiet_to_min=60), "UTC", _ms("2026-11-21T01:00:00")
    )


@pytest.mark.parametrize(
    "zone", ["", "Nowhere/Atall", "../etc/passwd", "America", "\0", "x" * 9_000]
)
def test_a_zone_that_is_none_is_taken_for_utc(zone: str) -> None:
    assert minute_of_day(zone, _ms("2026-11-21T01:02:03")) == 62
