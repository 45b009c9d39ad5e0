"""What lies in an archive and what follows from it: which base a moment is restored from, what may go, what is missing.

Owns those rules and the label of a base backup. Pure: must never open an archive or read a clock. Log positions (LSN)
are integers; times are Unix milliseconds by the clock of Postgres, whose commits they are compared with.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from msgspec import Struct

from muster.archive import Kept

ABANDONED_MS: Final = 2 * 86_400_000
"""A base without a label is this old before it counts as never finished: it may be on its way."""

_SEGMENT_NAME: Final = 24
_HISTORY: Final = ".history"
_LEFT: Final = re.compile(r"^\s*([0-9]+)\s+([0-9A-F]+)/([0-9A-F]+)", re.MULTILINE)
_FIRST: Final = 1


class BackupError(Exception):
    """A backup was not made, not found, or is not whole; the message is for the operator."""


class Label(Struct, frozen=True, kw_only=True):
    """What is known of a finished base backup. Written last, so a base that has one is whole."""

    id: str
    system: str
    began_ms: int
    ended_ms: int
    timeline: int
    start: int
    end: int
    segment_bytes: int
    server_version: int
    role: str
    database: str
    pieces: int
    bytes: int  # sealed
    keys: bool  # the signing keys are in it


class Segment(NamedTuple):
    """A file of the write-ahead log. A partial one ends somewhere within."""

    timeline: int
    number: int
    name: str
    partial: bool


class Holding(NamedTuple):
    """One server's part of an archive."""

    system: str
    labels: Sequence[Label]  # by when they ended
    objects: Sequence[Kept]

    def histories(self) -> dict[int, Kept]:
        """By timeline: the files that say which timelines came before it, and where each was left."""
        names = ((kept.name.rsplit("/", 1)[1], kept) for kept in self.objects)
        return {
            int(name.removesuffix(_HISTORY), 16): kept
            for name, kept in names
            if name.endswith(_HISTORY)
        }

    def segments(self) -> list[Segment]:
        """By timeline and number."""
        size = self.labels[-1].segment_bytes if self.labels else 16 << 20
        found = (segment(kept.name.rsplit("/", 1)[1], size) for kept in self.objects)
        return sorted(one for one in found if one is not None)


def segment(file: str, segment_bytes: int) -> Segment | None:
    """What a file of this name is; None for a history of timelines and for what is no part of the log."""
    name = file.removesuffix(".partial")
    if len(name) != _SEGMENT_NAME:
        return None
    per_log = (1 << 32) // segment_bytes
    number = int(name[8:16], 16) * per_log + int(name[16:], 16)
    return Segment(int(name[:8], 16), number, name, name != file)


def chosen(labels: Sequence[Label], to_ms: int | None) -> Label:
    """The base to begin with: the last that was finished by then. Raises `BackupError`."""
    if not labels:
        raise BackupError("there is no finished base backup")
    before = [label for label in labels if to_ms is None or label.ended_ms <= to_ms]
    if not before:
        raise BackupError(
            "that is before the end of the oldest base backup: see `muster backup list`"
        )
    return before[-1]


class _Life(NamedTuple):
    began_ms: int
    last_ms: int


class Course(NamedTuple):
    """From which base, along which timeline, and at which position each timeline before it was left."""

    label: Label
    timeline: int
    left: Mapping[int, int]


def course(
    holding: Holding, histories: Mapping[int, str], to_ms: int | None, timeline: int | None = None
) -> Course:
    """How a moment is reached. `timeline` None: along the one that was lived on then.

    A server that was restored lives on a new timeline, and the one it left still has what it gave up: a later moment of
    that is a moment like any other. And one that was restored for a drill leads nowhere if the old one lived on.
    `histories` are the texts of `holding.histories()`. Raises `BackupError`.
    """
    if timeline is None:
        lives = _lives(holding).items()
        lived = {one: life for one, life in lives if to_ms is None or life.began_ms <= to_ms}
        # Of two that lived then, a restored one that was only tried is the one that ended first.
        timeline = max(lived, key=lambda one: lived[one].last_ms, default=_FIRST)
    left = _left(histories.get(timeline, ""))
    leads = [
        label
        for label in holding.labels
        if label.timeline == timeline or label.end <= left.get(label.timeline, -1)
    ]
    if holding.labels and not leads:
        raise BackupError(
            f"no base backup leads to timeline {timeline}: name another by --timeline"
        )
    return Course(chosen(leads, to_ms), timeline, left)


def hole(holding: Holding, way: Course) -> str:
    """The first file of the log that is not there although there are later ones; none: empty. Replay ends before it."""
    size = way.label.segment_bytes
    there: dict[int, Segment] = {}
    for one in holding.segments():
        ends = way.left.get(one.timeline)
        if one.timeline == way.timeline or (ends is not None and one.number <= ends // size):
            there[one.number] = one
    # What was written while the base was taken is in the base.
    first = way.label.end // size + 1
    gone = (n for n in range(first, max(there, default=0)) if n not in there)
    for number in gone:
        after = there[min(n for n in there if n > number)]
        return f"the file of the log before {after.name} is not there"
    return ""


def _lives(holding: Holding) -> dict[int, _Life]:
    """From when to when each timeline was written, as well as the archive knows."""
    times: dict[int, list[int]] = {}
    for number, kept in holding.histories().items():
        times.setdefault(number, []).append(kept.at_ms)
    for label in holding.labels:
        times.setdefault(label.timeline, []).extend((label.began_ms, label.ended_ms))
    lives = {number: _Life(min(at), max(at)) for number, at in times.items()}
    for kept in holding.objects:
        file = kept.name.rsplit("/", 1)[1]
        number = int(file[:8], 16) if "/wal/" in kept.name else 0
        if number in lives:  # when a file was put last says nothing of when it was begun
            lives[number] = lives[number]._replace(last_ms=max(lives[number].last_ms, kept.at_ms))
    return lives


def _left(history: str) -> dict[int, int]:
    """At which position each timeline before was left."""
    return {
        int(number): (int(high, 16) << 32) + int(low, 16)
        for number, high, low in _LEFT.findall(history)
    }


def is_due(labels: Sequence[Label], timeline: int, now_ms: int, every_ms: int) -> bool:
    """Whether a base is to be taken: the last is old, or of a history that was left."""
    ended = [label.ended_ms for label in labels if label.timeline == timeline]
    return not ended or max(ended) + every_ms <= now_ms


def outlived(holding: Holding, now_ms: int, keep_ms: int) -> list[str]:
    """Names of what no moment of the last `keep_ms` needs.

    A moment needs the last base that ended before it and all of the log from there. So the last base from before the
    time kept stays, and so does the newest base whatever its age. (Not so the minute between a second restore and its
    first base, once the base before it is of a timeline that this restore left: that minute is gone sooner.)
    """
    labels, since = holding.labels, now_ms - keep_ms
    first = max((n for n, label in enumerate(labels) if label.ended_ms <= since), default=0)
    needed = labels[first:]
    bases = {label.id for label in needed}
    finished = {label.id for label in labels}
    # By numbers alone, whatever the timeline: a later base may stand at an earlier position, after a restore.
    lowest = min((label.start // label.segment_bytes for label in needed), default=0)
    names: list[str] = []
    for kept in holding.objects:
        _, area, rest = kept.name.split("/", 2)
        if area == "base":
            base = rest.split("/", 1)[0]
            gone = base in finished or kept.at_ms < now_ms - ABANDONED_MS
            if base not in bases and gone:
                names.append(kept.name)
        elif needed and (found := segment(rest, needed[0].segment_bytes)) is not None:
            names += [kept.name] if found.number < lowest else []
    # A label goes first: what is left of a base without one is never taken for whole.
    return sorted(names, key=lambda name: not name.endswith("/label"))


def missing(holding: Holding) -> list[str]:
    """A sentence for each stretch of the log that is not there although there is some before and after it."""
    sentences = []
    segments = holding.segments()
    for timeline in sorted({one.timeline for one in segments}):
        there = {one.number for one in segments if one.timeline == timeline}
        ends = {
            label.end // label.segment_bytes
            for label in holding.labels
            if label.timeline == timeline and label.end // label.segment_bytes <= max(there)
        }
        # A base brings its own log up to its end, so what lies before the first one's is nobody's loss.
        low = min(ends or there)
        have = there | ends
        run: list[int] = []
        for number in (*range(low, max(there)), None):
            if number is not None and number not in have:
                run.append(number)
            elif run:
                sentences.append(f"timeline {timeline}: {len(run)} file(s) of the log are missing")
                run = []
    return sentences


def lacking(label: Label, objects: Iterable[Kept]) -> list[str]:
    """Names of this base's parts that are not there."""
    there = {kept.name.rsplit("/", 1)[1] for kept in objects if f"/base/{label.id}/" in kept.name}
    wanted = [*(f"{n:06d}" for n in range(label.pieces)), *(["keys"] if label.keys else [])]
    return [part for part in wanted if part not in there]
