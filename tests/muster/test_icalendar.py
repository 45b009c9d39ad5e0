"""Events as calendars read them, parsed back by the rules of RFC 5545."""

from __future__ import annotations

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from muster.icalendar import LINE_BYTES, CalendarEvent, calendar
from muster.ids import RoomId
from muster.point import Point

EVENT = CalendarEvent(
    id=RoomId(UUID(int=7)),
    version=3,
    title="Open air",
    about="",
    starts_at_ms=1_795_262_400_000,
    ends_at_ms=1_795_266_000_000,
    place_name="",
    address="",
    point=None,
    cancelled=False,
)
_WORDS = st.text(max_size=200)


def unfolded(file: bytes) -> list[str]:
    """Content lines, after the rules of section 3.1 were found to hold."""
    assert file.endswith(b"\r\n")
    rows = file.split(b"\r\n")[:-1]
    for row in rows:
        assert len(row) <= LINE_BYTES
        row.decode()  # no character is cut in two
    return b"\r\n".join(rows).replace(b"\r\n ", b"").decode().split("\r\n")


def parsed(file: bytes) -> list[dict[str, str]]:
    """The events: properties by name."""
    events: list[dict[str, str]] = []
    for line in unfolded(file):
        name, _, value = line.partition(":")
        if line == "BEGIN:VEVENT":
            events.append({})
        elif events and line not in ("END:VEVENT", "END:VCALENDAR"):
            assert name not in events[-1]
            events[-1][name] = value
    return events


def plain(value: str) -> str:
    """A TEXT value without its escapes (section 3.3.11)."""
    out, rest = "", iter(value)
    for character in rest:
        if character == "\\":
            following = next(rest)
            assert following in "\\;,nN"
            out += "\n" if following in "nN" else following
        else:
            assert character not in ";,\n\r"
            out += character
    return out


def test_an_event_is_what_the_standard_wants() -> None:
    """Its own id, a sequence that grows with it, moments in UTC, place and state; without events there is the frame."""
    event = EVENT._replace(
        place_name="Yard", address="Street 1; Vienna", point=Point(48.25, -16.5), about="a\r\nb"
    )
    lines = unfolded(calendar([event], 1_795_000_000_000))
    assert lines[:4] == [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Muster//Muster//EN",
        "CALSCALE:GREGORIAN",
    ]
    assert lines[6:] == [
        "BEGIN:VEVENT",
        "UID:00000000-0000-0000-0000-000000000007",
        "DTSTAMP:20261118T110640Z",
        "SEQUENCE:3",
        "DTSTART:20261121T120000Z",
        "DTEND:20261121T130000Z",
        "SUMMARY:Open air",
        "STATUS:CONFIRMED",
        "LOCATION:Yard\\, Street 1\\; Vienna",
        "GEO:48.250000;-16.500000",
        "DESCRIPTION:a\\nb",
        "END:VEVENT",
        "END:VCALENDAR",
    ]
    [off] = parsed(calendar([EVENT._replace(cancelled=True)], 0))
    assert off["STATUS"] == "CANCELLED"
    assert parsed(calendar([], 0)) == []


def test_a_long_line_is_folded_as_the_standard_shows() -> None:
    """After 75 octets, the blank of what goes on among them; never within a character."""
    [row, more, *_] = (
        calendar([EVENT._replace(title="é" * 60)], 0).split(b"SUMMARY:")[1].split(b"\r\n")
    )
    assert (len(row), row) == (66, ("é" * 33).encode())
    assert more == b" " + ("é" * 27).encode()


@given(_WORDS, _WORDS, _WORDS, _WORDS)
def test_all_words_come_back(title: str, about: str, place: str, address: str) -> None:
    """Whatever they hold, but for signs that no line may have; and nothing in them is a property."""
    event = EVENT._replace(title=title, about=about, place_name=place, address=address)
    [got] = parsed(
        calendar([event, EVENT], 0)[: calendar([event, EVENT], 0).index(b"END:VEVENT")]
        + b"END:VEVENT\r\n"
    )
    assert plain(got["SUMMARY"]) == _kept(title)
    assert plain(got.get("DESCRIPTION", "")) == _kept(about)
    where = ", ".join(part for part in (place, address) if part)
    assert plain(got.get("LOCATION", "")) == _kept(where)


def _kept(words: str) -> str:
    broken = words.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(c for c in broken if c in "\t\n" or not (ord(c) < 32 or ord(c) == 127))
