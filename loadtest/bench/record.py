"""The newest result of each benchmark, as docs/bench/KEY.json: what the page is made from.

Owns these files. A result stays, with its own date and machine, until the same benchmark is run again. Must never
hold a judgement: bars are in runs.py, and may change.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from loadtest.bench.machine import Machine

RECORDS: Final = Path(__file__).parents[2] / "docs" / "bench"


class Record(Struct, frozen=True, kw_only=True):
    """`figures` are what the benchmark printed as JSON. `short`: made to see that it runs, not to be believed."""

    key: str
    command: str
    date: str
    short: bool
    machine: Machine
    figures: dict[str, Any]


def write(record: Record, directory: Path) -> None:
    """In place of what stood there."""
    directory.mkdir(parents=True, exist_ok=True)
    said = msgspec.json.format(msgspec.json.encode(record), indent=1)
    (directory / f"{record.key}.json").write_bytes(said + b"\n")


def read(directory: Path) -> dict[str, Record]:
    """All of them, by key."""
    return {
        file.stem: msgspec.json.decode(file.read_bytes(), type=Record)
        for file in sorted(directory.glob("*.json"))
    }
