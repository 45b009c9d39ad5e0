"""What a long stay is judged by: the slope of memory, and what hubs say of themselves."""

import pytest

from loadtest.bench.said import read
from loadtest.bench.stay import Rest, Sample, more, slope_kib_per_min


def test_a_slope_is_that_of_the_line_through_all_samples() -> None:
    """Per minute; a look that is off does not decide it, and one look has none."""
    steady = [Sample(10.0 * n, 1_000.0 + 5.0 * n) for n in range(20)]
    assert slope_kib_per_min(steady) == pytest.approx(30.0)
    flat = [Sample(10.0 * n, 1_000.0) for n in range(20)]
    flat[10] = Sample(100.0, 1_200.0)
    assert abs(slope_kib_per_min(flat) or 0.0) < 5.0
    assert slope_kib_per_min([Sample(0.0, 7.0)]) is None


def test_pages_of_several_hubs_are_added_up() -> None:
    """The longest pause is the longest of all; a hub of another release may say less."""
    full = """\
# HELP muster_sockets x
# TYPE muster_sockets gauge
muster_sockets 3.0
# TYPE muster_tasks gauge
muster_tasks 20.0
# TYPE muster_gc_pause_seconds histogram
muster_gc_pause_seconds_bucket{generation="0",le="+Inf"} 4.0
muster_gc_pause_seconds_count{generation="0"} 4.0
muster_gc_pause_seconds_sum{generation="0"} 0.010
muster_gc_pause_seconds_bucket{generation="2",le="+Inf"} 1.0
muster_gc_pause_seconds_count{generation="2"} 1.0
muster_gc_pause_seconds_sum{generation="2"} 0.020
# TYPE muster_gc_longest_pause_seconds gauge
muster_gc_longest_pause_seconds 0.020
# TYPE process_resident_memory_bytes gauge
process_resident_memory_bytes 2048.0
"""
    less = "# TYPE muster_sockets gauge\nmuster_sockets 2.0\n"
    said = read([full, less])
    assert said == (5, 20, 5, 30.0, 20.0, 2.0)
    later = read([full, full]).since(said)
    assert (later.gc_pauses, later.gc_pause_ms, later.gc_longest_ms) == (5, 30.0, 20.0)


def test_what_is_kept_is_told_from_what_is_opened_when_needed() -> None:
    """Not one task more; of descriptors, as many as a hub has connections to Postgres."""
    start = Rest(40, 100)
    assert not more(Rest(40, 105), start, hubs=1)
    assert more(Rest(40, 106), start, hubs=1)
    assert more(Rest(41, 100), start, hubs=1)
    assert not more(Rest(40, None), Rest(40, None), hubs=2)
