"""Events in the form that calendars read (RFC 5545, text/calendar).

Owns the writing: names, escaping, folding. Pure: the time is passed in. Must never know who may read an event
(muster/calendars.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from muster.ids import RoomId
from muster.point import Point

MEDIA_TYPE: Final = "text/calendar; charset=utf-8"
LINE_BYTES: Final = 75
REFRESH: Final = "PT1H"
"""How often a calendar that follows an address is asked to look."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_ESCAPED: Final = re.compile(r"[\\;,]")
_BREAK: Final = re.compile(r"\r\n|\r|\n")


class CalendarEvent(NamedTuple):
    """What a calendar shows of an event. `version` grows with every change of it."""

    id: RoomId
    version: int
    title: str
    about: str
    starts_at_ms: int
    ends_at_ms: int
    place_name: str
    address: str
    point: Point | None
    cancelled: bool


def calendar(events: Iterable[CalendarEvent], now_ms: int) -> bytes:
    """A whole file. All times are UTC: they are moments, whatever the clocks of the place do."""
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Muster//Muster//EN",
        "CALSCALE:GREGORIAN",
        f"REFRESH-INTERVAL;VALUE=DURATION:{REFRESH}",
        f"X-PUBLISHED-TTL:{REFRESH}",
    ]
    for event in events:
        lines += _event(event, now_ms)
    lines.append("END:VCALENDAR")
    return b"".join(_folded(line) for line in lines)


def _event(event: CalendarEvent, now_ms: int) -> Iterator[str]:
    yield "BEGIN:VEVENT"
    yield f"UID:{event.id}"
    yield f"DTSTAMP:{_moment(now_ms)}"
    yield f"SEQUENCE:{event.version}"
    yield f"DTSTART:{_moment(event.starts_at_ms)}"
    yield f"DTEND:{_moment(event.ends_at_ms)}"
    yield f"SUMMARY:{_text(event.title)}"
    yield f"STATUS:{'CANCELLED' if event.cancelled else 'CONFIRMED'}"
    where = ", ".join(part for part in (event.place_name, event.address) if part)
    if where:
        yield f"LOCATION:{_text(where)}"
    if event.point is not None:
        yield f"GEO:{event.point.lat:.6f};{event.point.lon:.6f}"
    if event.about:
        yield f"DESCRIPTION:{_text(event.about)}"
    yield "END:VEVENT"


def _moment(ms: int) -> str:
    return f"{_EPOCH + timedelta(milliseconds=ms):%Y%m%dT%H%M%SZ}"


def _text(words: str) -> str:
    """A value of type TEXT: what means something in a line is escaped, what cannot stand there is gone."""
    plain = _BREAK.sub("\n", words)
    escaped = _ESCAPED.sub(lambda found: "\\" + found[0], _CONTROLS.sub("", plain))
    return escaped.replace("\n", "\\n")


def _folded(line: str) -> bytes:
    """The line's octets, at most 75 in a row, never within a character; a blank begins what goes on."""
    out, row = bytearray(), 0
    for character in line:
        octets = character.encode()
        if row + len(octets) > LINE_BYTES:
            out += b"\r\n "
            row = 1
        out += octets
        row += len(octets)
    return bytes(out + b"\r\n")
