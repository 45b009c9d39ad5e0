"""What it costs to make a few bytes durable where the database is: the floor of every commit.

Owns a small file for the length of the measurement.
"""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import NamedTemporaryFile
from time import perf_counter
from typing import Final

from loadtest.percentiles import percentile

WRITES: Final = 200
WRITE_BYTES: Final = 8_192
"""A page of Postgres' log."""


def fsync_us(directory: Path) -> float:
    """The median of write + fdatasync, in microseconds."""
    taken_us: list[float] = []
    with NamedTemporaryFile(dir=directory, buffering=0) as file:
        block = os.urandom(WRITE_BYTES)
        file.write(block * WRITES)
        os.fsync(file.fileno())
        for number in range(WRITES):
            started = perf_counter()
            os.pwrite(file.fileno(), block, number * WRITE_BYTES)
            os.fdatasync(file.fileno())
            taken_us.append((perf_counter() - started) * 1e6)
    return round(percentile(sorted(taken_us), 0.5), 1)
