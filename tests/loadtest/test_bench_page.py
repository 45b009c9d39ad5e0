"""The page on benchmarks says what the recorded results say, and nothing else."""

from __future__ import annotations

import argparse
import importlib
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from loadtest.__main__ import BENCHMARKS
from loadtest.bench import machine, suite
from loadtest.bench.machine import Machine
from loadtest.bench.page import PAGE, make, render
from loadtest.bench.plots import plots
from loadtest.bench.record import RECORDS, Record, read, write
from loadtest.bench.runs import RUNS, Bar
from loadtest.peers.trial import Trial

_MACHINE = Machine(
    processor="a slide rule",
    cores=2,
    cores_in_all=4,
    memory_gib=1,
    kernel="Linux 1.0",
    load=0.3,
    versions={"Python": "3.11.7"},
)
_MS = {"p50_ms": 1.0, "p90_ms": 2.0, "p95_ms": 3.0, "p99_ms": 4.0, "p99_9_ms": 5.0}
_PEERS = [
    Trial(name="floor", version="cc 1", cpu_us_per_delivery=5.0, kept_up=1.0, delay_ms=_MS),
    Trial(name="swift", version="9.1", cpu_us_per_delivery=8.8, kept_up=0.5, delay_ms=_MS),
    Trial(name="gone", absent="gone not found"),
]
_FANOUT = {
    "cpu_us_per_delivery": 9.1,
    "floor_cpu_us_per_delivery": 5.0,
    "ratio": 1.82,
    "all_cpu_us_per_delivery": 12.5,
    "kept_up": 1.0,
    "delivery_ms": _MS,
    "peers": msgspec.to_builtins(_PEERS),
    "processor": {"hub 1": 0.2, "postgres": 0.1},
}


def _record(key: str, figures: dict[str, Any], **changed: Any) -> Record:
    told = {"key": key, "command": key, "date": "2026-11-21 17:00", "short": False}
    return Record(**{**told, "machine": _MACHINE, "figures": figures, **changed})


def _row(page: str, first: str) -> list[str]:
    lines = [line for line in page.splitlines() if line.startswith(f"| {first}")]
    return [cell.strip() for cell in lines[0].strip("|").split("|")]


def test_the_page_and_its_plots_are_what_the_records_give() -> None:
    """`make bench` writes them after every run, and so does `python -m loadtest.bench.page`."""
    records = read(RECORDS)
    assert (RECORDS.parent / PAGE).read_text("utf-8") == render(records)
    drawn = {file.name: file.read_text("utf-8") for file in RECORDS.glob("*.svg")}
    assert drawn == plots(records)


def test_no_result_is_without_a_run() -> None:
    """One that was renamed would stand in the directory and be told by nobody."""
    assert set(read(RECORDS)) <= {run.key for run in RUNS}


def test_a_bar_is_held_against_the_figure_and_nothing_is_guessed() -> None:
    """Holds, missed, not measured, not run."""
    assert Bar("x", "<=", 2, "").holds({"x": 2}) is True
    assert Bar("x", ">=", 2, "").holds({"x": 1}) is False
    assert Bar("x", "<=", 2, "").holds({"x": None}) is None
    page = render(
        {
            "latency": _record("latency", {"p50_ms": 2.5, "p99_ms": 14.0}),
            "rest": _record("rest", {"ratio": 0.9, "p95_ms": None}, short=True),
        }
    )
    assert _row(page, "`latency`")[2:] == ["<= 3", "2.5", "holds", "2026-11-21"]
    assert "| p99, ms | <= 12 | 14.0 | **missed** | 2026-11-21 |" in page
    assert _row(page, "`rest`")[2:] == [">= 0.7", "0.9", "holds", "2026-11-21, short"]
    assert "| p95, ms | <= 200 |  | not measured |" in page
    assert _row(page, "`publish")[3:5] == ["", "not run"]


def test_peers_stand_beside_ours_and_absent_ones_are_said() -> None:
    """Each over the floor of the same call; who did not keep up is seen."""
    records = {"fanout-20": _record("fanout-20", _FANOUT)}
    page = render(records)
    assert _row(page, "**Muster's hub**")[2:] == ["9.1", "1.82", "1.0", "4.0", "5.0", "100%"]
    assert _row(page, "Muster, all")[2:4] == ["12.5", "2.50"]
    assert _row(page, "swift") == ["swift", "9.1", "8.8", "1.76", "1.0", "4.0", "5.0", "50%"]
    assert _row(page, "gone")[1] == "absent: gone not found"
    drawn = plots(records)
    assert set(drawn) == {"fanout.svg"}
    assert "absent: gone not found" in drawn["fanout.svg"]


def test_when_edges_are_told_stands_beside_the_dwell_asked_for() -> None:
    """By kind of walk; and what a fix costs, in a region and in one city."""
    edges = {"precision": 1.0, "recall": 0.998, "false_edges_per_hour": 0.0, "true_edges": 2079}
    edges |= {"edge_latency_p50_s": 35.6, "edge_latency_p95_s": 48.4, "hours": 47.1}
    speed = {"fixes_per_s_core": 61_000, "us_per_fix": 16.4, "candidates_per_fix": 1.11}
    speed |= {"near_share": 0.5, "floor_us_per_fix": 5.5, "floor_batch_us_per_fix": 1.1}
    city = {**speed, "fixes_per_s_core": 38_000}
    figures = {**speed, **edges, "dwell_s": 30.0, "kinds": {"real": edges}, "city": city}
    page = render({"geofence": _record("geofence", figures)})
    assert "for 30 s before it is told" in page
    assert _row(page, "real")[1:] == ["47.1", "2,079", "1.0", "0.998", "0.0", "35.6", "48.4"]
    assert _row(page, "around a city")[1:] == ["61,000", "16.4", "1.11", "0.5", "5.5", "1.1"]
    assert _row(page, "all of them in it")[1] == "38,000"
    assert "| fixes judged a second and core | >= 40,000 | 61,000 | holds | 2026-11-21 |" in page


def test_a_part_that_is_run_again_leaves_the_rest_with_its_date(tmp_path: Path) -> None:
    """The page is beside the directory of results."""
    directory = tmp_path / "bench"
    write(_record("latency", {**_MS}), directory)
    write(_record("publish", {**_MS}), directory)
    write(_record("latency", {**_MS}, date="2026-12-01 08:00"), directory)
    make(directory)
    page = (tmp_path / PAGE).read_text("utf-8")
    assert _row(page, "`latency`")[-1] == "2026-12-01"
    assert _row(page, "`publish`")[-1] == "2026-11-21"
    assert read(directory)["latency"].machine == _MACHINE


def test_nothing_measured_makes_a_page_too() -> None:
    """Before the first run it says so."""
    assert "Nothing has been measured yet." in render({})
    assert plots({}) == {}


def test_a_part_is_chosen_by_key_or_by_benchmark() -> None:
    """`make bench ONLY=fanout` is both of its rates."""
    assert [run.key for run in suite.chosen(["fanout"])] == ["fanout-20", "fanout-200"]
    assert [run.key for run in suite.chosen(["rest-300"])] == ["rest-300"]
    assert suite.chosen(None) == list(RUNS)


@pytest.mark.parametrize("run", [run for run in RUNS if run.benchmark in BENCHMARKS])
@pytest.mark.parametrize("short", [False, True])
def test_every_run_names_options_that_there_are(
    run: Any, short: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half an hour of `make bench` must not end in a misspelt one; short ones replace, not repeat."""
    parser = argparse.ArgumentParser(exit_on_error=False)
    importlib.import_module(BENCHMARKS[run.benchmark]).add_arguments(parser)
    name, *options = run.command(short=short)
    assert name == run.benchmark
    parser.parse_args(options)
    named = re.findall(r"--[a-z-]+", " ".join(options))
    assert len(named) == len(set(named))


def test_the_machine_is_told_without_its_name() -> None:
    """Cores, versions and how busy it was."""
    seen = machine.look()
    assert 0 < seen.cores <= seen.cores_in_all
    assert seen.versions["PostgreSQL"].startswith("18")
    assert re.fullmatch(r"[\d.]+", seen.versions["Redis"])


def _ran(said: str, here: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """`make bench ONLY=latency`, where the benchmark prints this and misses its bar."""
    (here / "loadtest.py").write_text(f"import sys; print({said!r}); sys.exit(1)")
    monkeypatch.setenv("PYTHONPATH", str(here))
    monkeypatch.chdir(here)
    return suite.run(argparse.Namespace(only=["latency"], short=True, into=here / "bench"))


def test_what_a_benchmark_prints_last_is_recorded_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Although it missed its bar: that is for the page to say."""
    assert _ran('words\n{"p50_ms": 9.5, "p99_ms": 2}', tmp_path, monkeypatch) == 0
    record = read(tmp_path / "bench")["latency"]
    assert (record.figures["p50_ms"], record.short) == (9.5, True)
    assert record.machine.cores > 0
    row = _row((tmp_path / PAGE).read_text("utf-8"), "`latency --rate 500 --seconds 5 --warm 1`")
    assert row[3:5] == ["9.5", "**missed**"]


def test_what_prints_no_figures_is_not_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old result stays, and the exit code says that one is missing."""
    assert _ran("figures would stand here", tmp_path, monkeypatch) == 1
    assert not (tmp_path / "bench").exists()


def test_what_hangs_is_interrupted_and_the_rest_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Interrupted, not killed: a benchmark ends the servers that it started."""
    hangs = "import pathlib, time\ntry: time.sleep(50)\nfinally: pathlib.Path('ended').touch()"
    monkeypatch.setattr(suite, "MOST_S", 3)
    (tmp_path / "loadtest.py").write_text(hangs)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    args = argparse.Namespace(only=["latency"], short=True, into=tmp_path / "bench")
    assert suite.run(args) == 1
    assert (tmp_path / "ended").exists()
