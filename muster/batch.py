"""A batch of ops on one connection: the contract between the writer and Postgres.

    Lease              which ranges of entries a writer has committed and perhaps not yet published
    BatchConnection    commits one batch as one call of commit_batch_v4 (stores/postgres/batch.py)
    BatchFailed        why it did not: Poisoned, Repeat, Locked, Lost

Owns what a failed batch means. Must never retry: the writer decides (muster/writer.py).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple, Protocol
from uuid import UUID

from muster.ids import RoomId
from muster.op import Committed, Op


class Range(NamedTuple):
    """Entries `from_seq`..`to_seq` of one room."""

    room: RoomId
    from_seq: int
    to_seq: int


class Lease(NamedTuple):
    """The row of publish_leases that a batch overwrites: its new ranges plus `carry` from earlier batches."""

    writer: UUID
    carry: Sequence[Range]


class BatchFailed(Exception):
    """A batch that is not known to be committed. The subclass says what to do."""


class Poisoned(BatchFailed):
    """Postgres refuses some row and has rolled all back: halve until only the bad row fails."""


class Repeat(BatchFailed):
    """A deadlock or serialisation failure (40P01, 40001); all is rolled back: the same batch again."""


class Locked(BatchFailed):
    """A head was not to be had within lock_timeout; all is rolled back. `rooms` are those still locked."""

    def __init__(self, rooms: Collection[RoomId]) -> None:
        super().__init__("a room's head is locked")
        self.rooms = rooms


class Lost(BatchFailed):
    """The connection broke or time ran out: outcome unknown. The same batch again, on a new connection."""


class BatchConnection(Protocol):
    """One connection to Postgres that only ever commits batches; it opens itself again after a failure."""

    async def commit(self, lease: Lease, ops: Sequence[Op]) -> list[Committed]:
        """Commit `ops` in order, durably. Raises `BatchFailed`; never takes over 2 s."""
        ...

    async def clear(self, writer: UUID) -> None:
        """Forget a lease whose ranges are all published. Raises `BatchFailed`."""
        ...

    async def close(self) -> None:
        """End the connection; never fails, never waits long."""
        ...
