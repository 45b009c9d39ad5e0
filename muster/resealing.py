"""Resealing: every sealed row is put under the key that seals now, while people read and write.

A row says itself which key it is under, so a round that was broken off is gone on with by whoever comes next, and two
at once do no harm: a row is replaced only where it is still what was read, and one that somebody holds is left for
later. Readers have both keys all the while. Owns the order of that. Must never touch what does not open.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol
from uuid import UUID

from muster.clock import Clock
from muster.envelope import Envelope
from muster.sealer import Field, Unsealable
from muster.telemetry import get_logger

BATCH: Final = 200
"""Rows of one statement: some 5 ms, in which nobody else writes these."""

SWEEP_S: Final = 3.0
"""A round is one job, and what is left is another."""

_FIRST: Final = UUID(int=0)
_log = get_logger()


class SealedColumn(NamedTuple):
    """A sealed column, and the column of type uuid by whose bytes its rows are bound."""

    field: Field
    key: str


class SealedRow(NamedTuple):
    """One value as it lies there."""

    row: UUID
    sealed: bytes


class Resealed(NamedTuple):
    """One value, and what it was."""

    row: UUID
    was: bytes
    sealed: bytes


class SealedStore(Protocol):
    """Where sealed columns lie. Both raise `Refused`: `unavailable`."""

    async def under(
        self, column: SealedColumn, key: int, after: UUID, most: int
    ) -> list[SealedRow]:
        """Rows sealed under this key, in the order of rows, after this one."""
        ...

    async def replace(self, column: SealedColumn, rows: Sequence[Resealed]) -> int:
        """Where they still are what they were and nobody holds them; how many."""
        ...


class Resealing:
    """Sweeps over all sealed columns. A `muster.sealing.Part`."""

    def __init__(
        self, store: SealedStore, columns: Sequence[SealedColumn], sealer: Envelope, clock: Clock
    ) -> None:
        self._store = store
        self._columns = columns
        self._sealer = sealer
        self._clock = clock

    async def sweep(self) -> bool:
        """As much as SWEEP_S allows; whether there is more. Raises `Refused`: `unavailable`."""
        until = self._clock.monotonic() + SWEEP_S
        for column in self._columns:
            for key in self._sealer.older:
                if not await self._all_under(column, key, until):
                    return True
        return False

    async def _all_under(self, column: SealedColumn, key: int, until: float) -> bool:
        """Whether it came to the end in time."""
        after, moved = _FIRST, 0
        while rows := await self._store.under(column, key, after, BATCH):
            after = rows[-1].row
            moved += await self._store.replace(column, self.resealed(column.field, rows))
            if self._clock.monotonic() > until:
                break
        if moved:
            _log.info("resealed", kind=column.field.table, rows=moved)
        return not rows

    def resealed(self, field: Field, rows: Sequence[SealedRow]) -> list[Resealed]:
        """These under the key that seals now, but for those that do not open. Raises `Refused`: `unavailable`."""
        done = []
        for row, sealed in rows:
            try:
                plain = self._sealer.open(sealed, field, row.bytes)
            except Unsealable:  # counted there
                continue
            done.append(Resealed(row, sealed, self._sealer.seal(plain, field, row.bytes)))
        return done
