"""Recorded traces are read as they are, and what is none is refused with a sentence."""

import zipfile
from pathlib import Path

import pytest

from loadtest.geofence.trace import BadTrace, Spot, parse, read

HEAD = "timestamp,x,y,groundtruth"
LINES = [
    HEAD,
    "1964-01-12 00:00:05.007000208,-1.5,2.25,OnFoot",
    "1964-01-12 00:00:10.000000000,3,4,Driving",
]


def test_times_are_seconds_after_the_first_line() -> None:
    """To the microsecond; places are as they stand."""
    assert parse("a", LINES).spots == (Spot(0.0, -1.5, 2.25), Spot(4.993, 3.0, 4.0))


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([], "has no line"),
        ([HEAD], "has no line"),
        ([HEAD, "yesterday,1,2,OnFoot"], "line 2"),
        ([HEAD, "1964-01-12 00:00:05,1"], "line 2"),
        (["x,y", "1,2"], "line 2"),
        ([*LINES, "1964-01-12 00:00:15,nan,2,OnFoot"], "line 4"),
        ([*LINES, LINES[1]], "no later"),
    ],
)
def test_what_is_no_trace_is_refused(lines: list[str], said: str) -> None:
    """With the line that is wrong."""
    with pytest.raises(BadTrace, match=said):
        parse("a", lines)


def test_a_zip_holds_many_and_a_file_is_one(tmp_path: Path) -> None:
    """In order of their names; what is no CSV is left alone."""
    with zipfile.ZipFile(tmp_path / "traces.zip", "w") as archive:
        for name in ("b.csv", "a.csv", "LICENSE.txt"):
            archive.writestr(name, "\n".join(LINES))
    (tmp_path / "c.csv").write_text("\n".join(LINES))
    assert [trace.name for trace in read(tmp_path / "traces.zip")] == ["a", "b"]
    assert read(tmp_path / "c.csv") == [parse("c", LINES)]


def test_a_file_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    """And a zip without traces."""
    with zipfile.ZipFile(tmp_path / "empty.zip", "w") as archive:
        archive.writestr("README", "none")
    for name in ("none.zip", "empty.zip"):
        with pytest.raises(BadTrace, match=name):
            read(tmp_path / name)
