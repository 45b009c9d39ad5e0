"""The files of a run's history: each process appends to one, and all are read as one.

Owns writing and reading of records. Must never skip a line that cannot be read: such a run has no verdict.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import msgspec

from loadtest.torture.history import AnyRecord

_DECODER: Final[msgspec.json.Decoder[AnyRecord]] = msgspec.json.Decoder(AnyRecord)


class Writer:
    """Appends to one file. A record is in the kernel's hands when `write` returns: a kill loses none."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)
        self._encoder = msgspec.json.Encoder()

    def write(self, record: AnyRecord) -> None:
        """Raises OSError when not all of it could be written: a run whose record is torn is no run."""
        line = self._encoder.encode(record) + b"\n"
        if self._file.write(line) != len(line):
            raise OSError("the history could not be written")

    def close(self) -> None:
        """Nothing more will be written."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def decode(lines: Iterable[bytes]) -> Iterator[AnyRecord]:
    """Records of one file. Raises msgspec.DecodeError (ValidationError is one) at a line that is no record."""
    return (_DECODER.decode(line) for line in lines if line.strip())


def merge(histories: Iterable[Iterable[AnyRecord]]) -> list[AnyRecord]:
    """All records by time; records of one writer keep their order."""
    return list(heapq.merge(*histories, key=_when))


def read(folder: Path) -> list[AnyRecord]:
    """Every record in `folder/*.jsonl`, merged. A last line torn by a kill raises, as any other."""
    files = [path.read_bytes().splitlines() for path in sorted(folder.glob("*.jsonl"))]
    return merge(decode(lines) for lines in files)


def _when(record: AnyRecord) -> int:
    return record.t
