"""Reads recorded traces: a zip of CSV files, or one of them, with the columns timestamp, x and y (metres).

Owns that form. A trace is one person's: times are seconds after its first line and ascend. Pure but for opening the
file. Must never mend what was recorded: jumps, stops and silence are why it is read.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterable
from datetime import UTC, datetime
from math import isfinite
from pathlib import Path
from typing import Final, NamedTuple

MOST_BYTES: Final = 8 << 20
"""Of one file of a zip: days of fixes."""

_MICROSECONDS: Final = len("1964-01-12 00:00:05.007000")


class BadTrace(Exception):
    """It cannot be read; `str()` is a sentence for whoever named the file."""


class Spot(NamedTuple):
    """Where somebody is said to be: seconds, and metres to the east and to the north."""

    at_s: float
    x: float
    y: float


class Trace(NamedTuple):
    """One recording, in order of time."""

    name: str
    spots: tuple[Spot, ...]


def read(path: Path) -> list[Trace]:
    """All traces of a file, in order of their names."""
    try:
        if not zipfile.is_zipfile(path):
            return [parse(path.stem, path.read_text(encoding="utf-8").splitlines())]
        with zipfile.ZipFile(path) as archive:
            members = sorted(
                (member for member in archive.infolist() if member.filename.endswith(".csv")),
                key=lambda member: member.filename,
            )
            if not members:
                raise BadTrace(f"{path} holds no CSV file")
            return [_member(archive, member) for member in members]
    except (OSError, UnicodeDecodeError, zipfile.BadZipFile) as failed:
        raise BadTrace(f"{path} cannot be read: {failed}") from failed


def parse(name: str, lines: Iterable[str]) -> Trace:
    """One CSV file."""
    rows = csv.DictReader(lines)
    spots: list[Spot] = []
    first: datetime | None = None
    for number, row in enumerate(rows, 2):
        try:
            at = datetime.fromisoformat(row["timestamp"][:_MICROSECONDS]).replace(tzinfo=UTC)
            x, y = float(row["x"]), float(row["y"])
        except (KeyError, TypeError, ValueError) as failed:
            raise BadTrace(f"{name}, line {number}: not a timestamp, x and y") from failed
        first = first or at
        spot = Spot((at - first).total_seconds(), x, y)
        if not (isfinite(x) and isfinite(y)) or (spots and spot.at_s <= spots[-1].at_s):
            raise BadTrace(f"{name}, line {number}: no number, or no later than the line before")
        spots.append(spot)
    if not spots:
        raise BadTrace(f"{name} has no line")
    return Trace(name, tuple(spots))


def _member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Trace:
    if member.file_size > MOST_BYTES:
        raise BadTrace(f"{member.filename} is larger than {MOST_BYTES} bytes")
    with archive.open(member) as file:
        text = io.TextIOWrapper(file, encoding="utf-8", newline="")
        return parse(Path(member.filename).stem, text)
