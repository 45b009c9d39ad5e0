"""Each benchmark runs end to end on a Muster of its own, tiny, and ends with exactly the keys it promises."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from loadtest.peers.roster import FLOOR

_SIZE = ["--sockets", "8", "--rooms", "4", "--members", "4"]
_TINY = [*_SIZE, "--rate", "40", "--seconds", "1"]
_LISTS = ("rooms", "sync", "sync_100", "since")
_SPREAD = {"p50_ms", "p90_ms", "p95_ms", "p99_ms", "p99_9_ms"}
_PAUSES = {"gc_pauses", "gc_pause_ms", "gc_longest_ms"}
_PUBLISH = {"offered_per_s", "acked_per_s", "delivered_per_s", "fsync_us", "cpu_us_per_post"}
_EDGES = {
    *("precision", "recall", "false_edges_per_hour", "edge_latency_p50_s", "edge_latency_p95_s"),
    *("true_edges", "false_edges", "not_judged", "hours"),
}
_GEOFENCE = {
    *("fixes_per_s_core", "precision", "recall", "false_edges_per_hour", "dwell_s", "city"),
    *("edge_latency_p50_s", "edge_latency_p95_s", "us_per_fix", "floor_us_per_fix"),
    *("floor_batch_us_per_fix", "candidates_per_fix", "near_share", "worst"),
    "concerned_share",
}
_EVENING = {
    *(
        "alone_ms",
        "rooms_ms",
        "event_ms",
        "event_alone_ms",
        "chat_late_ms",
        "p50_ratio",
        "p99_ratio",
    ),
    *(
        "check_in_ms",
        "check_in_by_ms",
        "check_in_late_ms",
        "growth",
        "people",
        "per_s",
        "check_ins",
    ),
    *("check_ins_failed", "there", "visits", "sources", "members", "miscounted", "posts_failed"),
    *("cores", "cores_alone", "cpu_ms_per_check_in", "load_ms_per_check_in"),
}
_REST = {"tasks_before", "tasks_held", "tasks_after", "fds_before", "fds_after"}


def _run(name: str, *options: str) -> dict[str, Any]:
    return _json(name, *_TINY, *options)


def _json(name: str, *options: str, within_s: float = 50) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "loadtest", name, *options, "--json"],
        capture_output=True,
        text=True,
        timeout=within_s,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


def _ascends(figures: dict[str, float]) -> None:
    shown = [figures[f"{share}_ms"] for share in ("p50", "p90", "p95", "p99", "p99_9")]
    assert shown == sorted(shown)
    assert shown[0] > 0


@pytest.mark.timeout(60)
def test_publish() -> None:
    """All that was offered is acked, and delivered to all four members."""
    figures = _run("publish", "--warm", "0.5")
    assert set(figures) == _PUBLISH | _SPREAD | _PAUSES | {"processor"}
    _ascends(figures)
    assert figures["cpu_us_per_post"] > 0
    assert 0 < sum(figures["processor"].values()) < 16
    assert figures["offered_per_s"] == 40
    assert figures["acked_per_s"] > 30
    assert figures["delivered_per_s"] > 3.5 * figures["acked_per_s"]
    assert figures["fsync_us"] > 0


@pytest.mark.prove
@pytest.mark.timeout(60)
def test_latency() -> None:
    """Every delivery is timed."""
    figures = _run("latency", "--warm", "0.5")
    assert set(figures) == _SPREAD | {"ack_ms", "across_ms", "late_ms", "processor"}
    for each in (figures, figures["ack_ms"], figures["across_ms"]):
        _ascends(each)


@pytest.mark.timeout(60)
def test_geofence() -> None:
    """Right and fast, without recorded traces; most fixes concern a fence or two."""
    figures = _json(
        *("geofence", "--fences", "200", "--fixes", "2000", "--rounds", "1", "--walkers", "7"),
        *("--traces", "none.zip"),
    )
    kinds = figures.pop("kinds")
    assert set(kinds) == {"steady", "canyon", "jumps", "sparse", "tunnel"}
    assert set(figures) == _GEOFENCE
    assert all(set(kind) == _EDGES for kind in kinds.values())
    assert figures["false_edges_per_hour"] == 0
    assert figures["precision"] == 1
    assert figures["worst"]["false_edges_per_hour"] == 0
    assert figures["edge_latency_p50_s"] > figures["dwell_s"] == 30
    assert figures["fixes_per_s_core"] > 1_000
    assert figures["us_per_fix"] > figures["floor_us_per_fix"] > 0
    assert figures["concerned_share"] > 0.99
    assert 0.4 < figures["near_share"] < 0.7


@pytest.mark.prove
@pytest.mark.timeout(120)
def test_resume() -> None:
    """Half of eight people lose their hub, come back, and miss nothing; nobody sees them gone."""
    size = (*_SIZE, "--rate", "40", "--seconds", "3", "--warm", "0.5", "--workers", "1")
    figures = _json("resume", *size, within_s=110)
    assert {"resumed_99_s", "lost", "duplicated", "presence_events"} <= set(figures)
    assert figures["people"] == 4
    assert 0 < figures["resumed_50_s"] <= figures["resumed_99_s"] <= figures["resumed_most_s"]
    assert figures["lost"] == figures["duplicated"] == figures["away"] == 0
    assert figures["presence_events"] == 0


@pytest.mark.prove
@pytest.mark.timeout(60)
def test_media() -> None:
    """Every upload ends as a thumbnail; how long small ones take says nothing, unless it is a second."""
    figures = _json("media", "--clients", "2", "--uploads", "4", "--shrink", "8")
    assert set(figures) == _SPREAD | {"most_ms", "per_s", "megabytes", "processor"}
    _ascends(figures)


@pytest.mark.timeout(60)
def test_push_transport() -> None:
    """Ours and whoever can be imported, by processor time; who cannot is named."""
    figures = _json("push", "--transport", "--requests", "300", "--rounds", "1", "--at-once", "50")
    costs = {"cpu_us_per_request", "carrier_cpu_us_per_request", "per_s", "h2_per_s_core"}
    assert set(figures) == costs | {"peers", "absent"}
    assert all(figures[cost] > 0 for cost in costs)
    here = [peer["name"] for peer in figures["peers"]]
    assert sorted(here + figures["absent"]) == ["aioapns", "httpx"]
    assert all(peer["cpu_us_per_request"] > 0 for peer in figures["peers"])


@pytest.mark.prove
@pytest.mark.timeout(60)
def test_push_worker() -> None:
    """Whole pushers bring everything to the mocks, once each; how fast so few are says little."""
    size = ["--people", "20", "--groups", "20", "--rate", "10", "--seconds", "1", "--faulty", "0"]
    figures = _json("push", "--worker", *size)
    parts = ("worker", "postgres", "redis", "mock")
    costs = {f"{part}_cpu_us_per_push" for part in parts}
    rates = {"worker_per_s_core", "worker_per_s"}
    counts = {"pushes", "timed", "expected", "lost", "repeated", "ambiguous", "duplicated"}
    assert set(figures) == _SPREAD | costs | rates | counts
    _ascends(figures)
    assert all(figures[rate] > 0 for rate in rates)
    assert figures["pushes"] == 20 * 4
    assert figures["expected"] == figures["pushes"] + 20 * 4 + figures["timed"]
    assert figures["timed"] == 10 * 4
    assert figures["lost"] == figures["repeated"] == figures["duplicated"] == 0


@pytest.mark.prove
@pytest.mark.timeout(60)
def test_idle() -> None:
    """Eight sockets say little of what one costs; but they are all given back, and none has a task."""
    figures = _run("idle", "--minutes", "0.01", "--set", "MUSTER_GC_THRESHOLD=300")
    memory = {f"rss_{key}" for key in ("kib_per_socket", "start_kib", "end_kib")}
    beside = {"sockets", "peers"}
    assert set(figures) == memory | {"rss_slope_kib_per_min"} | _REST | _PAUSES | beside
    assert figures["peers"] == []
    assert figures["tasks_before"] == figures["tasks_held"] == figures["tasks_after"] > 0
    assert figures["gc_pauses"] > 0
    assert 0 < figures["gc_longest_ms"] <= figures["gc_pause_ms"]


@pytest.mark.timeout(60)
def test_fanout() -> None:
    """The hub's cost per delivery and, where there is a C compiler, the floor's in the same run."""
    figures = _run("fanout", "--warm", "0.5")
    assert set(figures) == {
        "cpu_us_per_delivery",
        "floor_cpu_us_per_delivery",
        "ratio",
        "all_cpu_us_per_delivery",
        "kept_up",
        "delivered_per_s",
        "delivery_ms",
        "peers",
        "processor",
        *(f"added_{share}" for share in _SPREAD),
    }
    assert [peer["name"] for peer in figures["peers"]] == [FLOOR.name]
    assert (figures["ratio"] is None) == (figures["floor_cpu_us_per_delivery"] is None)
    assert figures["cpu_us_per_delivery"] > 0


@pytest.mark.prove
@pytest.mark.timeout(60)
def test_stalled() -> None:
    """Ten of sixty stop reading: they climb the ladder, and everybody else gets everything."""
    small = ["--members", "60", "--stalled", "10", "--rate", "50", "--text-bytes", "8000"]
    figures = _json("stalled", *small, "--seconds", "2.5", "--warm", "0.2")
    assert set(figures) == {
        "p99_before_ms",
        "p99_stalled_ms",
        "ratio",
        "other_room_p99_before_ms",
        "other_room_p99_ms",
        "rss_kib_per_stalled_socket",
        "queued_mib_most",
        "ephemeral",
        "head_only",
        "goaway",
        "abort",
    }
    assert figures["p99_stalled_ms"] > 0
    assert figures["other_room_p99_ms"] > 0
    assert figures["ephemeral"] >= 10
    assert figures["head_only"] >= 10
    assert 0.3 < figures["queued_mib_most"] < 15


@pytest.mark.timeout(60)
def test_rest() -> None:
    """Muster and its bare twin answer the same requests, without an error."""
    tiny = [*_SIZE, "--connections", "4", "--seconds", "1", "--warm", "0.2", "--rate", "40"]
    figures = _json("rest", *tiny)
    assert set(figures) == _SPREAD | {
        "requests_per_s",
        "twin_requests_per_s",
        "ratio",
        "twin_ms",
        "db_avg_ms",
        "errors",
        "hit_p95_ms",
        "hit_share",
        "cpu_us_per_request",
        "api_us_per_request",
        "postgres_us_per_request",
        "cores_for_5000",
        "twin_cpu_us_per_request",
        "processor",
    }
    assert 30 <= figures["requests_per_s"] <= 50  # an open loop: what was asked for, and no more
    assert figures["twin_requests_per_s"] > 0
    assert figures["errors"] == 0


@pytest.mark.prove
@pytest.mark.timeout(60)
def test_load(tmp_path: Path) -> None:
    """Locust's rows, with nothing failed; six people talk in a spike that ends by itself."""
    crowd = ["--users", "6", "--members", "3", "--rate", "12", "--spawn", "6"]
    figures = _json(
        "load", *crowd, "--time", "3s", "--shape", "spike", "--out", str(tmp_path / "load")
    )
    assert 2 <= figures["WS connect"]["count"] <= 6
    assert figures["WS post -> delivery"]["count"] > 0
    assert figures["Aggregated"]["failed"] == 0


@pytest.mark.prove
@pytest.mark.timeout(60)
def test_sync() -> None:
    """Four lists, each with nothing unread and with something: times and bytes."""
    figures = _json("sync", "--rooms", "6", "--unread", "3", "--times", "3")
    lists = [f"{phase}_{name}" for phase in ("read", "unread") for name in _LISTS]
    assert set(figures) == {"rooms", "unread", "processor"} | {
        f"{each}_{key}" for each in lists for key in (*_SPREAD, "bytes", "wire_bytes")
    }
    for each in lists:
        assert 0 < figures[f"{each}_p50_ms"] <= figures[f"{each}_p95_ms"]
    assert figures["read_since_bytes"] < figures["read_sync_bytes"] / 3


@pytest.mark.prove
@pytest.mark.timeout(60)
def test_curves() -> None:
    """One point of one axis: the rest is the same with other numbers."""
    figures = _json("curves", "--axis", "rooms", "--most", "10", "--seconds", "1", "--warm", "0.5")
    (point,) = figures["rooms"]
    assert set(point) == {"at", "hub_us", "all_us", "floor_us", "ack_p99_ms", "failed"}
    assert point["at"] == 10
    assert 0 < point["hub_us"] < point["all_us"]
    assert point["failed"] == 0


@pytest.mark.prove
@pytest.mark.timeout(100)
def test_presence() -> None:
    """Redis forgets everything while people come and go: nobody is told what is not so, and all see the truth."""
    small = ("--people", "20", "--per-minute", "120", "--seconds", "2", "--fault", "flush")
    figures = _json("presence", *small, within_s=90)
    alone = figures.pop("faults")
    assert alone == {"flush": figures}
    assert set(figures) == {
        "people",
        "edges_per_s",
        "cpu_us_per_edge",
        "events",
        "events_least",
        "false_edges",
        "converge_s",
    }
    assert figures["people"] == 20
    assert figures["false_edges"] == 0
    assert figures["events"] <= figures["events_least"]
    assert figures["converge_s"] <= 35


@pytest.mark.timeout(60)
def test_evening() -> None:
    """Everybody gets in while people chat, by every way there is; what the event says of itself is who came."""
    figures = _json("evening", "--short")
    assert set(figures) == _SPREAD | _EVENING | {"processor"}
    assert (figures["check_ins"], figures["check_ins_failed"], figures["there"]) == (30, 0, 30)
    assert (figures["visits"], figures["members"], figures["miscounted"]) == (30, 35, 0)
    assert figures["sources"] == {"gps": 12, "qr": 9, "hand": 6, "host": 3}
    by_way = figures["check_in_by_ms"]
    assert set(by_way) == {"fixes", "code", "hand", "host"}
    timed = [figures[f"{name}_ms"] for name in ("alone", "rooms", "event", "check_in")]
    for each in (figures, *timed, *by_way.values()):
        _ascends(each)
