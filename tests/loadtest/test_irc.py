"""Every form that occurs in the real logs is understood, and times never run backwards."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.irc import LineKind, parse

DATA = Path(os.environ.get("MUSTER_TEST_DATA") or Path(__file__).parents[2] / "../shared/data")
LOGS = sorted((DATA / "irc").glob("*.txt")) if (DATA / "irc").is_dir() else []

SAMPLE = """\
=== early [n=early@example.org]  has joined #ubuntu
[05:42] <ada> hello > there
[05:42]  * ada waves <at> bob
=== mode/#ubuntu [+o ada]  by ChanServ
=== [miles]  [n=sysadm@unaffiliated/miles]  has joined #ubuntu
[05:43] <[miles] > hi
=== zcat[1]  uses nvidia
=== bob is now known as bob_
=== ada [n=ada@example.org]  has left #Ubuntu ["Ex-Chat"]\x20
=== Guard] [an [n=g@example.org]  has joined #ubuntu
[05:44] <drcode>
not a line of any form
"""


def test_forms() -> None:
    """One line of every form that occurs."""
    assert [line[1:] for line in parse(SAMPLE)] == [
        (LineKind.join, "early", ""),
        (LineKind.message, "ada", "hello > there"),
        (LineKind.action, "ada", "waves <at> bob"),
        (LineKind.join, "[miles]", ""),
        (LineKind.message, "[miles]", "hi"),
        (LineKind.action, "zcat[1]", "uses nvidia"),
        (LineKind.rename, "bob", "bob_"),
        (LineKind.leave, "ada", '["Ex-Chat"]'),
        (LineKind.join, "Guard][an", ""),
        (LineKind.message, "drcode", ""),
    ]


def test_lines_of_a_minute_spread_over_it() -> None:
    """Four lines of one minute come fifteen seconds apart."""
    assert [line.at_s for line in parse(SAMPLE)][:5] == [0.0, 15.0, 30.0, 45.0, 60.0]


def test_midnight_is_not_a_step_back() -> None:
    """00:01 after 23:58 is three minutes later; a clock that was set back stands still."""
    text = "[23:58] <a> x\n[00:01] <a> y\n[00:00] <a> z\n"
    assert [line.at_s for line in parse(text)] == [0.0, 180.0, 210.0]


@given(st.lists(st.tuples(st.integers(0, 23), st.integers(0, 59)), max_size=40))
def test_time_never_runs_backwards(times: list[tuple[int, int]]) -> None:
    """Whatever the stamps say, lines keep their order."""
    lines = parse("".join(f"[{h:02}:{m:02}] <a> {n}\n" for n, (h, m) in enumerate(times)))
    assert [line.text for line in lines] == [str(n) for n in range(len(times))]
    assert [line.at_s for line in lines] == sorted(line.at_s for line in lines)


@given(st.text(max_size=300))
def test_anything_parses(text: str) -> None:
    """No text is an error."""
    assert all(line.nick for line in parse(text))


@pytest.mark.skipif(not LOGS, reason="the real logs are not on this machine")
@pytest.mark.parametrize("log", LOGS, ids=lambda path: path.name)
def test_real_logs_are_understood_line_by_line(log: Path) -> None:
    """Every line of the real logs but mode changes is a line of somebody's."""
    if log.name.startswith("LICENSE"):
        return
    text = log.read_text(encoding="utf-8")
    expected = [raw for raw in text.splitlines() if raw and not raw.startswith("=== mode/")]
    lines = parse(text)
    assert len(lines) == len(expected)
    assert sum(line.kind is LineKind.join for line in lines) == text.count("  has joined #")
    assert sum(line.kind is LineKind.leave for line in lines) == text.count("  has left #")
    assert sum(line.kind is LineKind.rename for line in lines) == text.count(" is now known as ")
