"""Each benchmark runs end to end on a Muster of its own, tiny, and ends with exactly the keys it promises."""

import json
import subprocess
import sys
from typing import Any

import pytest

_TINY = ["--sockets", "8", "--rooms", "4", "--members", "4", "--rate", "40", "--seconds", "1"]
_PUBLISH = {"offered_per_s", "acked_per_s", "delivered_per_s", "p50_ms", "p99_ms", "fsync_us"}


def _run(name: str, *options: str) -> dict[str, Any]:
    return _figures(name, *_TINY, *options)


def _figures(name: str, *options: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "loadtest", name, *options, "--json"],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


@pytest.mark.timeout(60)
def test_publish() -> None:
    """All that was offered is acked, and delivered to all four members."""
    figures = _run("publish", "--warm", "0.5")
    assert set(figures) == _PUBLISH
    assert figures["offered_per_s"] == 40
    assert figures["acked_per_s"] > 30
    assert figures["delivered_per_s"] > 3.5 * figures["acked_per_s"]
    assert figures["fsync_us"] > 0


@pytest.mark.timeout(60)
def test_latency() -> None:
    """Every delivery is timed."""
    figures = _run("latency", "--warm", "0.5")
    assert set(figures) == {"p50_ms", "p99_ms"}
    assert 0 < figures["p50_ms"] <= figures["p99_ms"]


@pytest.mark.timeout(60)
def test_media() -> None:
    """Every upload ends as a thumbnail; how long small ones take says nothing, unless it is a second."""
    figures = _figures("media", "--clients", "2", "--uploads", "4", "--shrink", "8")
    assert set(figures) == {"p50_ms", "p95_ms", "most_ms", "per_s", "megabytes"}
    assert 0 < figures["p50_ms"] <= figures["p95_ms"] <= figures["most_ms"]


@pytest.mark.timeout(60)
def test_idle() -> None:
    """Eight sockets say little of what one costs; that there is a figure is what is tested."""
    assert set(_run("idle")) == {"rss_kib_per_socket"}
