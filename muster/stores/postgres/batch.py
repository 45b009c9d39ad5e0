"""One Postgres connection that commits batches, each as a single call: of commit_fresh_v1 where that can be, else of
commit_batch_v4.

Owns the translation of ops to arrays and of Postgres' errors to `BatchFailed`. Must never hold a transaction
open: a call is one statement, so a stopped process holds no lock.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final, cast
from uuid import UUID

import asyncpg
import msgspec
from asyncpg.prepared_stmt import PreparedStatement

from muster.batch import BatchFailed, Lease, Locked, Lost, Poisoned, Repeat
from muster.deadline import Deadline
from muster.ids import PersonId, RoomId
from muster.op import Committed, Op
from proto.entry import Body, EntryKind

LEASE_MS: Final = 2_000
COMMIT_WITHIN_S: Final = 1.7
"""A batch that is not answered by now is repeated on a new connection, within the writer's 1.9 s."""

CONNECT_WITHIN_S: Final = 1.5
LOCK_TIMEOUT_MS: Final = 300
"""A head that is held longer moves to the spare connection, whose batches may wait for it."""

SPARE_LOCK_TIMEOUT_MS: Final = 1_400
STATEMENT_TIMEOUT_MS: Final = 1_500

_COMMIT: Final = """
    SELECT idx, status, room_id, seq, msg_no, at_ms, kind, author, subject, target, body
    FROM commit_batch_v4($1, $2, $3::uuid[], $4::bigint[], $5::bigint[], $6::uuid[], $7::text[], $8::uuid[],
                         $9::uuid[], $10::text[], $11::text[], $12::text[], $13::uuid[], $14::bigint[],
                         $15::text[], $16::bigint[], $17::bigint[])
"""
_COMMIT_FRESH: Final = """
    SELECT seqs, msg_nos, bodies, at_ms
    FROM commit_fresh_v1($1, $2, $3::uuid[], $4::bigint[], $5::bigint[], $6::uuid[], $7::uuid[], $8::text[],
                         $9::text[], $10::text[], $11::bigint[])
"""
_NOT_FRESH: Final = "MU001"
CAREFUL_BATCHES: Final = 50
"""After a batch that was not fresh: retries come in crowds, and nobody who is refused may make us do all twice."""

_UNLOCKED: Final = (
    "SELECT room_id FROM rooms WHERE room_id = ANY ($1::uuid[]) FOR NO KEY UPDATE SKIP LOCKED"
)
_encode_body: Final = msgspec.json.Encoder().encode
_decode_body: Final = msgspec.json.Decoder(Body).decode


class PostgresBatchConnection:
    """Commits batches on one connection to `url`; opens a new one after a failure."""

    def __init__(
        self,
        url: str,
        name: str,
        *,
        lock_timeout_ms: int = LOCK_TIMEOUT_MS,
        pgbouncer: bool = False,
    ) -> None:
        """`name` is what pg_stat_activity shows. `pgbouncer`: no named prepared statements."""
        self._url = url
        self._name = name
        self._lock_timeout_ms = lock_timeout_ms
        self._pgbouncer = pgbouncer
        self._connection: asyncpg.Connection | None = None
        self._statement: PreparedStatement | None = None
        self._fresh: PreparedStatement | None = None
        self._careful = 0

    async def commit(self, lease: Lease, ops: Sequence[Op]) -> list[Committed]:
        """See `BatchConnection.commit`."""
        try:
            async with Deadline(COMMIT_WITHIN_S):
                connection = await self._open()
                if self._careful > 0 or any(op.kind != "post" for op in ops):
                    self._careful = max(0, self._careful - 1)
                elif (fresh := await self._commit_fresh(connection, lease, ops)) is not None:
                    return fresh
                values = arguments(lease, ops)
                if self._statement is not None:
                    rows = await self._statement.fetch(*values)
                else:
                    rows = await connection.fetch(_COMMIT, *values)
        except asyncio.CancelledError:
            self._drop()
            raise
        except asyncpg.LockNotAvailableError:
            raise Locked(await self._locked(ops)) from None
        except (asyncpg.DeadlockDetectedError, asyncpg.SerializationError):
            raise Repeat from None
        except (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError) as bad_row:
            raise Poisoned from bad_row
        except _LOST as lost:
            self._drop()
            raise Lost from lost
        return [_committed(row) for row in rows]

    async def _commit_fresh(
        self, connection: asyncpg.Connection, lease: Lease, ops: Sequence[Op]
    ) -> list[Committed] | None:
        """Commit messages the short way; None where that cannot be, and nothing is done."""
        values = _fresh_arguments(lease, ops)
        try:
            if self._fresh is not None:
                row = await self._fresh.fetchrow(*values)
            else:
                row = await connection.fetchrow(_COMMIT_FRESH, *values)
        except asyncpg.UniqueViolationError:
            row = None
        except asyncpg.PostgresError as error:
            if error.sqlstate != _NOT_FRESH:
                raise
            row = None
        if row is None:
            self._careful = CAREFUL_BATCHES
            return None
        return _fresh_rows(ops, *row)

    async def clear(self, writer: UUID) -> None:
        """See `BatchConnection.clear`."""
        try:
            async with Deadline(COMMIT_WITHIN_S):
                connection = await self._open()
                await connection.execute("SELECT clear_lease_v1($1)", writer)
        except asyncio.CancelledError:
            self._drop()
            raise
        except (asyncpg.PostgresError, *_LOST) as failed:
            self._drop()
            raise BatchFailed from failed

    async def close(self) -> None:
        """See `BatchConnection.close`."""
        self._drop()

    async def _open(self) -> asyncpg.Connection:
        if self._connection is not None and not self._connection.is_closed():
            return self._connection
        self._drop()
        self._connection = await asyncpg.connect(
            self._url,
            timeout=CONNECT_WITHIN_S,
            statement_cache_size=0 if self._pgbouncer else 16,
            server_settings=self._server_settings(),
        )
        if not self._pgbouncer:
            self._statement = await self._connection.prepare(_COMMIT)
            self._fresh = await self._connection.prepare(_COMMIT_FRESH)
        return self._connection

    def _server_settings(self) -> dict[str, str]:
        """Behind a transaction pooler none but the name: it refuses what it does not know (see pool.py)."""
        if self._pgbouncer:
            return {"application_name": self._name}
        return {
            "application_name": self._name,
            "lock_timeout": str(self._lock_timeout_ms),
            "statement_timeout": str(STATEMENT_TIMEOUT_MS),
            "synchronous_commit": "on",
        }

    async def _locked(self, ops: Sequence[Op]) -> set[RoomId]:
        """Which rooms of the batch somebody else holds at this moment."""
        rooms = {op.room for op in ops}.union(*(op.locks for op in ops))
        try:
            async with Deadline(COMMIT_WITHIN_S):
                connection = await self._open()
                free = await connection.fetch(_UNLOCKED, list(rooms))
        except (asyncpg.PostgresError, *_LOST):
            self._drop()
            return set()
        held = rooms - {row[0] for row in free}
        # An op is kept waiting by any of its rooms; what moves is the room it is queued under.
        return {op.room for op in ops if op.room in held or held.intersection(op.locks)}

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        self._statement = self._fresh = None
        if connection is not None:
            connection.terminate()


_LOST: Final = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.PostgresSystemError,
    OSError,
    TimeoutError,
)
"""No answer, or one that says nothing on the batch: the server is going, full, read-only, or not there."""


def arguments(lease: Lease, ops: Sequence[Op]) -> tuple[object, ...]:
    """What a commit function is called with: one array per column, one place per op."""
    locks = {op.room for op in ops}.union(*(op.locks for op in ops))
    return (
        lease.writer,
        LEASE_MS,
        [carried.room for carried in lease.carry],
        [carried.from_seq for carried in lease.carry],
        [carried.to_seq for carried in lease.carry],
        list(locks),
        [op.kind for op in ops],
        [op.room for op in ops],
        [op.author for op in ops],
        [op.client_id for op in ops],
        [op.text for op in ops],
        [None if op.body is None else _encode_body(op.body).decode() for op in ops],
        [op.subject for op in ops],
        [op.target for op in ops],
        [op.target_client for op in ops],
        [op.allow for op in ops],
        [op.allow_other for op in ops],
    )


def _fresh_arguments(lease: Lease, ops: Sequence[Op]) -> tuple[object, ...]:
    """The same for messages alone."""
    return (
        lease.writer,
        LEASE_MS,
        [carried.room for carried in lease.carry],
        [carried.from_seq for carried in lease.carry],
        [carried.to_seq for carried in lease.carry],
        [op.room for op in ops],
        [op.author for op in ops],
        [op.client_id for op in ops],
        [op.text for op in ops],
        [None if op.body is None else _encode_body(op.body).decode() for op in ops],
        [op.allow for op in ops],
    )


def _fresh_rows(
    ops: Sequence[Op], seqs: list[int], msg_nos: list[int], bodies: list[str | None], at_ms: int
) -> list[Committed]:
    """What commit_batch_v4 would have answered: one row per op."""
    return [
        Committed(
            idx,
            "ok",
            op.room,
            seq,
            msg_no,
            at_ms,
            EntryKind.post,
            op.author,
            None,
            None,
            None if body is None else _decode_body(body),
        )
        for idx, (op, seq, msg_no, body) in enumerate(
            zip(ops, seqs, msg_nos, bodies, strict=True), start=1
        )
    ]


def _committed(row: asyncpg.Record) -> Committed:
    idx, status, room, seq, msg_no, at_ms, kind, author, subject, target, body = row
    return Committed(
        idx,
        status,
        RoomId(room),
        seq,
        msg_no,
        at_ms,
        None if kind is None else EntryKind(kind),
        None if author is None else PersonId(author),
        None if subject is None else PersonId(subject),
        target,
        None if body is None else _decode_body(cast("str", body)),
    )
