"""What one thing costs, as measured, each figure with the command that prints it.

Owns the shape of docs/scaling.json. Must never hold a figure: they stand in that file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

FIGURES: Final = Path(__file__).parents[2] / "docs" / "scaling.json"


class Measured(Struct, frozen=True):
    """One figure and where it comes from."""

    value: float
    source: str


class Figures(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Processor time in microseconds of one core, memory in KiB, everything else in bytes."""

    machine: str
    day: str
    hub_us_per_post: Measured
    hub_us_per_delivery: Measured
    hub_us_per_skipped: Measured
    hub_us_per_socket_s: Measured
    hub_us_per_resume: Measured
    hub_rss_kib: Measured
    rss_kib_per_socket: Measured
    postgres_us_per_post: Measured
    postgres_us_per_request: Measured
    wal_bytes_per_post: Measured
    disk_bytes_per_post: Measured
    redis_us_per_entry: Measured
    redis_us_per_read: Measured
    lane_bytes_per_entry: Measured
    frame_bytes: Measured
    api_us_per_request: Measured


def read(path: Path) -> Figures:
    """The figures of a file. Raises msgspec.ValidationError where one is missing or none."""
    return msgspec.json.decode(path.read_bytes(), type=Figures)
