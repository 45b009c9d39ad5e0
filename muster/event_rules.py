"""What an event must be like: its times, its place, its words.

Owns the rules, one sentence for each, and the limits. Pure: the clock is passed in. What two hosts write at once is
judged again under the lock (write_event_v1); what a fence must be like is muster/fence.py.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from msgspec import UNSET, UnsetType, structs

from muster.errors import Refused
from muster.events import Event, EventChange
from muster.fence import fence_of
from muster.point import Point
from muster.rooms import check_title, check_topic
from muster.words import line
from proto.codes import Code

ABOUT_CHARS: Final = 4_000
PLACE_CHARS: Final = 100
ADDRESS_CHARS: Final = 300
CAPACITY_MOST: Final = 100_000
DWELL_MOST_MS: Final = 3_600_000

_MINUTE_MS: Final = 60_000
_DAY_MS: Final = 86_400_000
LONGEST_MS: Final = 31 * _DAY_MS
DOORS_MOST_MS: Final = 7 * _DAY_MS
BEGUN_MOST_MS: Final = _DAY_MS
AHEAD_MOST_MS: Final = 3 * 366 * _DAY_MS

T = TypeVar("T")
IsZone = Callable[[str], bool]
"""Whether there is a time zone of this name: muster.registration.is_zone, or a test's."""


def checked(
    change: EventChange, current: Event | None, now_ms: int, is_zone: IsZone
) -> EventChange:
    """The change as it is stored: blanks gone, boxes computed. Raises `Refused`: `bad_request`, with what is wrong.

    `current`: the event as it is; None for a new one, of which every field is set.
    """
    _check_times(change, current, now_ms)
    if not isinstance(change.zone, UnsetType) and not is_zone(change.zone):
        raise _bad("a zone is the name of an IANA time zone, as Europe/Berlin")
    _check_numbers(change)
    return structs.replace(
        change,
        title=_if_set(change.title, check_title),
        topic=_if_set(change.topic, check_topic),
        about=_if_set(
            change.about, lambda text: line("a description", text, ABOUT_CHARS, breaks=True)
        ),
        place_name=_if_set(
            change.place_name, lambda text: line("the name of a place", text, PLACE_CHARS)
        ),
        address=_if_set(
            change.address, lambda text: line("an address", text, ADDRESS_CHARS, breaks=True)
        ),
        **_placed(change, current),
    )


def _check_times(change: EventChange, current: Event | None, now_ms: int) -> None:
    doors, starts, ends = change.doors_at_ms, change.starts_at_ms, change.ends_at_ms
    if doors is UNSET and starts is UNSET and ends is UNSET:
        return
    doors_ms = _either(doors, current.doors_at_ms if current else None)
    starts_ms = _either(starts, current.starts_at_ms if current else None)
    ends_ms = _either(ends, current.ends_at_ms if current else None)
    if ends_ms <= starts_ms:
        raise _bad("an event ends after it starts")
    if ends_ms <= now_ms:
        raise _bad("an event ends in the future; to end one that is on, end it")
    if ends_ms - starts_ms > LONGEST_MS:
        raise _bad(f"an event lasts at most {LONGEST_MS // _DAY_MS} days")
    if doors_ms > starts_ms:
        raise _bad("the doors of an event open before it starts, or as it does")
    if starts_ms - doors_ms > DOORS_MOST_MS:
        raise _bad(f"doors open at most {DOORS_MOST_MS // _DAY_MS} days before an event starts")
    if starts_ms > now_ms + AHEAD_MOST_MS:
        raise _bad("an event starts within the next three years")
    if not isinstance(starts, UnsetType) and starts < now_ms - BEGUN_MOST_MS:
        raise _bad("an event that began more than a day ago cannot be announced any more")


def _check_numbers(change: EventChange) -> None:
    capacity, dwell_ms = change.capacity, change.dwell_ms
    if isinstance(capacity, int) and not 1 <= capacity <= CAPACITY_MOST:
        raise _bad(f"an event has 1 to {CAPACITY_MOST} places, or no bound (null)")
    if isinstance(dwell_ms, int) and not 0 <= dwell_ms <= DWELL_MOST_MS:
        raise _bad(f"somebody must be inside for 0 to {DWELL_MOST_MS // _MINUTE_MS} minutes")


def _placed(change: EventChange, current: Event | None) -> dict[str, object]:
    """The fields that a new fence brings: the boxes around it, and a point where there is none."""
    point, shape = change.point, change.fence
    if isinstance(shape, UnsetType) or shape is None:
        stays = current is not None and current.fence is not None and shape is UNSET
        if point is None and stays:
            raise _bad("an event with a fence has a point; take both away together")
        return {}
    fence = fence_of(shape)
    placed: dict[str, object] = {"boxes": fence.boxes(0.0)}
    known = current.point if current is not None and point is UNSET else point
    if not isinstance(known, Point):
        # Shown where only the fence is said: its middle, to a centimetre or so.
        placed["point"] = Point(round(fence.centre.lat, 7), round(fence.centre.lon, 7))
    return placed


def _if_set(value: T | UnsetType, check: Callable[[T], T]) -> T | UnsetType:
    return value if isinstance(value, UnsetType) else check(value)


def _either(value: int | UnsetType, otherwise: int | None) -> int:
    if not isinstance(value, UnsetType):
        return value
    assert otherwise is not None
    return otherwise


def _bad(sentence: str) -> Refused:
    return Refused(Code.bad_request, sentence)
