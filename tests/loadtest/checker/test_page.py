"""The page on reliability says what the recorded runs say, and nothing else."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from loadtest.torture.checker.verdict import check
from loadtest.torture.line import RUNS, Line, line_of, line_of_death, read
from loadtest.torture.page import PAGE, add, render
from loadtest.torture.play import Header
from tests.loadtest.checker.model import Model


def _line(**changed: object) -> Line:
    fields = {**msgspec.structs.asdict(line_of(check(Model(5).live(80)), 12.34)), **changed}
    return msgspec.convert(fields, Line)


def _rows(page: str) -> dict[str, list[str]]:
    tables = [line.strip("|").split("|") for line in page.splitlines() if line.startswith("| ")]
    return {cells[0].strip(" `*"): [cell.strip() for cell in cells] for cells in reversed(tables)}


def test_the_page_is_what_the_runs_give() -> None:
    """Adding a run writes it, and so does `python -m loadtest.torture.page`."""
    assert PAGE.read_text(encoding="utf-8") == render(read(RUNS))


def test_a_line_says_what_the_verdict_says() -> None:
    """One run, one line; it is read back as it was written."""
    line = _line()
    assert not line.broken
    assert (line.scenario, line.seed, line.commit, line.duration_s) == ("model", 5, "c0ffee", 12.3)
    assert line.acked > 0
    assert line.recovery_max_s is not None


def test_runs_are_added_and_the_page_beside_them_tells_them(tmp_path: Path) -> None:
    """Nothing that stands in the file is touched; what is no line is an error."""
    runs = tmp_path / "runs.jsonl"
    first, second = _line(seed=1), _line(seed=2, lost=3)
    add(runs, first)
    add(runs, second)
    assert read(runs) == [first, second]
    assert (tmp_path / "runs.md").read_text(encoding="utf-8") == render([first, second])
    with runs.open("ab") as file:
        file.write(b'{"commit":"torn')
    with pytest.raises(msgspec.DecodeError):
        read(runs)


def test_a_run_that_did_not_end_is_told_as_broken() -> None:
    """Whatever ended it: it stands on the page with its seed and adds nothing to what was acked."""
    died = line_of_death("kill", Header(9, "c0ffee", "vm"), 3.21)
    assert died.broken
    page = render([_line(scenario="kill", acked=2_500), died])
    assert _rows(page)["kill"][1:5] == ["2", "0", "1", "2,500"]
    assert "| 9 | `c0ffee` |" in page.partition("## Broken runs")[2]


def test_runs_add_up_by_scenario_and_in_all() -> None:
    """Void runs are counted and add to nothing else."""
    page = render(
        [
            _line(scenario="calm", acked=1_000, delivered=5_000),
            _line(
                scenario="kill",
                acked=2_500,
                delivered=9_000,
                recovery_p50_s=1.0,
                recovery_max_s=4.0,
            ),
            _line(
                scenario="kill",
                acked=2_500,
                delivered=9_000,
                recovery_p50_s=2.0,
                recovery_max_s=3.0,
            ),
            _line(scenario="kill", acked=9_999, delivered=9_999, void=["it did not bite"]),
        ]
    )
    rows = _rows(page)
    assert rows["kill"][:7] == ["`kill`", "3", "1", "0", "5,000", "18,000", "0"]
    assert rows["kill"][-4:-1] == ["6.0e-04", "1.0 s", "4.0 s"]
    assert rows["all"][1:6] == ["4", "1", "0", "6,000", "23,000"]
    assert "**6,000 entries acked in 3 runs" in page
    assert "None." in page


def test_a_broken_run_stays_and_the_bound_starts_anew_after_it() -> None:
    """Fixing a fault does not unsay it; what was acked before it proves nothing any more."""
    page = render(
        [
            _line(scenario="kill", acked=1_000_000),
            _line(scenario="kill", seed=77, lost=2, other={"order": 1}, note="a hold too short"),
            _line(scenario="kill", acked=300),
        ]
    )
    rows = _rows(page.partition("## Broken runs")[0])
    assert rows["kill"][3] == "1"
    assert rows["kill"][6] == "2"
    assert rows["kill"][10] == "order 1"
    assert rows["kill"][11] == "1.0e-02"
    broken = page.partition("## Broken runs")[2]
    assert "| 77 | `c0ffee` |" in broken
    assert "| order 1 | a hold too short |" in broken


def test_a_broken_void_run_is_shown_all_the_same() -> None:
    """A fault that did not bite excuses nothing that was lost."""
    page = render([_line(seed=8, phantom=1, void=["it did not bite"])])
    assert "| 8 | `c0ffee` | yes | 0 | 0 | 0 | 1 |" in page


def test_no_runs_make_a_page_too() -> None:
    """Before the first run the page says that there is none."""
    assert "No run has been recorded yet." in render([])
