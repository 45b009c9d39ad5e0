"""What is so at one moment, as `muster doctor` reads it from Postgres, Redis and the archive of backups.

Owns the shapes alone. Must never judge (muster/doctor.py does) or read by itself (stores do).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple


class Lease(NamedTuple):
    """One row of publish_leases that is over."""

    over_s: float
    rooms: int


class PostgresFacts(NamedTuple):
    """One primary, or what was taken for one, at one moment. Times are Unix milliseconds."""

    version: int  # server_version_num
    settings: Mapping[str, str]
    recovering: bool
    connections: Mapping[str, int]  # application_name -> how many, in this database's cluster
    standbys: int
    standby_lag_s: float
    revision: str | None
    newest: str
    lanes: int | None
    generation: str | None
    recorded_timeline: int | None
    timeline: int | None  # None: the server does not tell
    overdue: Sequence[Lease]
    clock_apart_ms: float
    audit_rewritable: bool = False  # our role may change rows of the audit, but for the trigger
    staff_without_factor: int | None = None  # None: a schema that knows none


class ReplicaFacts(NamedTuple):
    """The Postgres at MUSTER_DATABASE_REPLICA_URL."""

    recovering: bool
    lag_s: float


class DataKeyFacts(NamedTuple):
    """A data key as it lies in Postgres. `age_s`: since it seals, negative before."""

    id: int
    purpose: str
    master: str
    wrapped: bytes
    age_s: float

    def __repr__(self) -> str:
        return f"DataKeyFacts({self.id}, {self.purpose})"


class SealFacts(NamedTuple):
    """What lies sealed. `plain_beside`: push tokens and secrets lie plain as well, for the release before."""

    keys: Sequence[DataKeyFacts]
    rows: Mapping[str, Mapping[int, int]]  # column -> key id -> how many
    plain_beside: bool
    unsealed: int  # push tokens that lie plain alone
    unsealed_secrets: int  # webhooks whose secrets do


class RedisFacts(NamedTuple):
    """One Redis."""

    where: str
    version: str
    maxmemory: int
    used_memory: int
    policy: str
    cluster: bool
    primary: bool
    clock_apart_ms: float


class SlotFacts(NamedTuple):
    """The replication slot over which the log is received."""

    is_active: bool
    is_lost: bool
    behind_bytes: int


class BackupFacts(NamedTuple):
    """What lies in the archive, and whether more comes. Ages in seconds; None: there is none."""

    trouble: str
    base_age_s: float | None
    wal_age_s: float | None
    slot: SlotFacts | None
    archives_itself: bool
    key_exposed: bool = False  # others of this machine may read the file of backup keys
    keys_beside: Sequence[str] = ()  # files of keys that lie where the backups do
    same_disk: bool = False  # as that of the Postgres they are of
