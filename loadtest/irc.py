"""Reads IRC logs as the Ubuntu channels keep them.

    [05:42] <ada> hello                                a message
    [05:42]  * ada waves                               an action
    === ada waves                                      an action, as logs before 2008 wrote it
    === ada [n=ada@example.org]  has joined #ubuntu    a join; `has left #ubuntu ["bye"]` a part
    === ada is now known as ada_away                   a nick change
    === mode/#ubuntu [+o bob]  by ChanServ             the channel's mode: no line of anybody's

Owns the forms of a line and when it was said: lines within a minute spread evenly over it, and a
line without a time belongs to the minute before it. Pure. Must never know who is present (cast.py
does): these logs do not show who quits.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import Enum, auto
from typing import Final, NamedTuple


class LineKind(Enum):
    """What a line tells."""

    message = auto()
    action = auto()
    join = auto()
    leave = auto()
    rename = auto()


class Line(NamedTuple):
    """One line. `text` is what was said, the new nick of a rename, or the reason of a leave."""

    at_s: float
    kind: LineKind
    nick: str
    text: str


_TIMED: Final = re.compile(r"\[(\d\d):(\d\d)\] (.*)", re.DOTALL)
_MESSAGE: Final = re.compile(r"<([^>]+)>(?: (.*))?", re.DOTALL)
_ACTION: Final = re.compile(r" \* (\S+) ?(.*)", re.DOTALL)
_MOVED: Final = re.compile(r"(.+?) +\[\S*@\S*\] +has (joined|left) #\S+ ?(.*)")
_RENAMED: Final = re.compile(r"(.+) is now known as (.+)")
_EARLY_ACTION: Final = re.compile(r"(\S+) +(\S.*)")
_DAY_MIN: Final = 24 * 60
_MINUTE_S: Final = 60.0


def parse(text: str) -> list[Line]:
    """All lines that tell something, `at_s` seconds after the log's first minute began."""
    minutes: list[list[tuple[LineKind, str, str]]] = []
    first: int | None = None
    current = 0
    for raw in text.splitlines():
        timed = _TIMED.fullmatch(raw)
        if timed:
            minute = int(timed[1]) * 60 + int(timed[2])
            first = minute if first is None else first
            current = _later(current, (minute - first) % _DAY_MIN)
        said = _read(timed[3] if timed else raw, timed is not None)
        if said is not None:
            while len(minutes) <= current:
                minutes.append([])
            minutes[current].append(said)
    return list(_spread(minutes))


def _later(current: int, offset: int) -> int:
    """The minute `offset` (a time of day) stands for, never before `current`."""
    days = current - current % _DAY_MIN
    if current % _DAY_MIN - offset > _DAY_MIN // 2:
        days += _DAY_MIN
    return max(current, days + offset)


def _spread(minutes: list[list[tuple[LineKind, str, str]]]) -> Iterable[Line]:
    for number, said in enumerate(minutes):
        for place, (kind, nick, text) in enumerate(said):
            yield Line((number + place / len(said)) * _MINUTE_S, kind, nick, text)


def _read(rest: str, timed: bool) -> tuple[LineKind, str, str] | None:
    if timed:
        if found := _MESSAGE.fullmatch(rest):
            return LineKind.message, _nick(found[1]), found[2] or ""
        if found := _ACTION.fullmatch(rest):
            return LineKind.action, _nick(found[1]), found[2]
        return None
    if not rest.startswith("=== ") or rest.startswith("=== mode/"):
        return None
    rest = rest[4:]
    if found := _MOVED.fullmatch(rest):
        kind = LineKind.join if found[2] == "joined" else LineKind.leave
        return kind, _nick(found[1]), found[3].strip()
    if found := _RENAMED.fullmatch(rest.rstrip()):
        return LineKind.rename, _nick(found[1]), _nick(found[2])
    if found := _EARLY_ACTION.fullmatch(rest.rstrip()):
        return LineKind.action, _nick(found[1]), found[2]
    return None


def _nick(written: str) -> str:
    """The log's writer put a space behind every closing bracket of a nick."""
    return written.replace("] ", "]").strip()
