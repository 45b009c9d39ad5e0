"""What `muster doctor` judges: facts in, findings out.

    muster/facts.py, as read by stores/postgres/facts.py and stores/redis/facts.py
      -> of_postgres, of_replica, of_redis, of_files; beside it doctor_identity.py, doctor_pushes.py
      -> Finding: ok, warn or fail; what was found; what to do about it

Owns every threshold and every piece of advice. Pure: must never open, read or ask anything, so that each check can
be made to fail in a test.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Final, NamedTuple

from muster.config import Settings
from muster.facts import Lease, PostgresFacts, RedisFacts, ReplicaFacts

CONNECTIONS_MOST: Final = 100
"""Database connections of all processes together; beyond it a pooler stands before Postgres."""

CONNECTIONS_RESERVED: Final = 10
"""Kept free for migrations, `muster trace` and a person with psql."""

POSTGRES_TESTED: Final = 18
POSTGRES_LEAST: Final = 14
REDIS_LEAST: Final = (6, 2)
CLOCK_APART_MS: Final = 2_000
REPLICA_LAG_S: Final = 5.0
OVERDUE_S: Final = 5.0
"""A lease 2 s over is taken by any hub; one still there after this has nobody who takes it."""

FILES_FEW: Final = 4_096
FILES_KEPT: Final = 256
"""Descriptors of a hub that are no clients' sockets (realtime/server.py)."""

_MEMORY_FULL: Final = 0.9


class Verdict(StrEnum):
    """How bad it is. Only `fail` makes the command fail."""

    ok = "ok"
    warn = "warn"
    fail = "fail"


class Finding(NamedTuple):
    """One line of the report; `advice` is empty where all is well."""

    verdict: Verdict
    what: str
    found: str
    advice: str = ""


def ok(what: str, found: str) -> Finding:
    """All is well."""
    return Finding(Verdict.ok, what, found)


def warn(what: str, found: str, advice: str) -> Finding:
    """It works, and will hurt some day."""
    return Finding(Verdict.warn, what, found, advice)


def fail(what: str, found: str, advice: str) -> Finding:
    """A promise does not hold, or something does not run."""
    return Finding(Verdict.fail, what, found, advice)


def of_postgres(facts: PostgresFacts, settings: Settings) -> Iterator[Finding]:
    """Everything about the primary."""
    yield _version(facts)
    if facts.recovering:
        yield fail("role", "a standby", "point MUSTER_DATABASE_URL at the primary")
    yield from _durability(facts)
    yield from _standbys(facts)
    yield from _connections(facts, settings)
    yield _schema(facts)
    yield from _installation(facts, settings)
    yield _leases(facts.overdue)
    yield _audit(facts)
    yield clock("Postgres", facts.clock_apart_ms)


def _version(facts: PostgresFacts) -> Finding:
    major = facts.version // 10_000
    if major < POSTGRES_LEAST:
        return fail("version", f"Postgres {major}", f"use {POSTGRES_TESTED}")
    if major < POSTGRES_TESTED:
        return warn(
            "version",
            f"Postgres {major}",
            f"the tests run on {POSTGRES_TESTED}: run `make test` against yours, or upgrade",
        )
    return ok("version", f"Postgres {major}")


def _durability(facts: PostgresFacts) -> Iterator[Finding]:
    """Promise 1: an ack means COMMIT with fsync."""
    for name in ("fsync", "full_page_writes"):
        value = facts.settings[name]
        if value == "on":
            yield ok(name, value)
        else:
            yield fail(name, value, f"set {name} = on: a crash of the machine loses what was acked")
    name, value = "synchronous_commit", facts.settings["synchronous_commit"]
    if value == "off":
        yield fail(
            name, value, f"set {name} = on: an account or a session may be answered and lost"
        )
    elif value in ("on", "remote_apply"):
        yield ok(name, value)
    else:
        yield warn(name, value, f"set {name} = on: a standby may lack what was answered")


def _standbys(facts: PostgresFacts) -> Iterator[Finding]:
    if not facts.standbys:
        return
    if facts.settings["synchronous_standby_names"]:
        yield ok("synchronous_standby_names", "set")
    else:
        yield warn(
            "synchronous_standby_names",
            f"empty, with {facts.standbys} standby(s)",
            "a failover may lose what was acked last; name a standby for zero loss",
        )
    if facts.standby_lag_s > REPLICA_LAG_S:
        yield warn(
            "standby", f"{facts.standby_lag_s:.1f} s behind", "look at its disk and the network"
        )


def budget(settings: Settings) -> int:
    """The most connections that the hubs, the one api and the pushers of these settings open, and the reserve.

    Each writer pool has one more connection, a spare for a room that makes batches wait.
    """
    hub = settings.db_writers + 1 + settings.db_pool
    api = settings.api_db_writers + 1 + settings.api_db_pool
    pushers = len(settings.pushed_by) * settings.pusher_db_pool
    return settings.hubs * hub + api + pushers + CONNECTIONS_RESERVED


def _connections(facts: PostgresFacts, settings: Settings) -> Iterator[Finding]:
    ours = {name: n for name, n in facts.connections.items() if name.startswith("muster-")}
    count, wanted = sum(ours.values()), budget(settings)
    allowed = int(facts.settings["max_connections"]) - int(
        facts.settings["superuser_reserved_connections"]
    )
    listed = ", ".join(f"{name} {n}" for name, n in sorted(ours.items())) or "none of ours"
    found = f"{count} open ({listed}); {wanted} by these settings; {allowed} allowed"
    most = min(CONNECTIONS_MOST, allowed)
    if count > most or wanted > most:
        advice = "run fewer processes, lower MUSTER_*_DB_* or put a pooler before Postgres"
        if settings.database_pgbouncer:
            yield ok("connections", f"{found}; a pooler stands before it")
        else:
            yield fail("connections", found, advice)
        return
    others = sum(facts.connections.values()) - count
    if others + wanted > allowed:
        yield warn(
            "connections",
            f"{found}; {others} belong to others",
            "raise max_connections or end the others",
        )
    else:
        yield ok("connections", found)


def _schema(facts: PostgresFacts) -> Finding:
    if facts.revision == facts.newest:
        return ok("schema", f"revision {facts.revision}")
    if facts.revision is None:
        return fail("schema", "there is none", "run `muster migrate`")
    if facts.revision > facts.newest:
        return warn(
            "schema",
            f"revision {facts.revision}, this release knows {facts.newest}",
            "a newer release has migrated: upgrade these processes soon",
        )
    return fail("schema", f"revision {facts.revision} of {facts.newest}", "run `muster migrate`")


def _audit(facts: PostgresFacts) -> Finding:
    if not facts.audit_rewritable:
        return ok("audit", "only added to, by rights")
    return warn(
        "audit",
        "our role has rights above it: a trigger and the chain of hashes are what holds",
        "let the doors log in as a role that is no superuser; `muster audit --check` tells of a change",
    )


def _installation(facts: PostgresFacts, settings: Settings) -> Iterator[Finding]:
    if facts.lanes is None:
        if facts.revision is not None:
            yield ok("lanes", "not recorded: no hub or api has started yet")
        return
    if facts.lanes == settings.lanes:
        yield ok("lanes", str(facts.lanes))
    else:
        yield fail(
            "lanes",
            f"{facts.lanes} recorded, MUSTER_LANES is {settings.lanes}",
            f"set MUSTER_LANES={facts.lanes}: the number is fixed, nothing would start",
        )
    if facts.timeline is not None and facts.timeline != facts.recorded_timeline:
        yield warn(
            "generation",
            f"{facts.generation} of timeline {facts.recorded_timeline}, Postgres is on"
            f" {facts.timeline}",
            "Postgres failed over or was restored: restart hubs and api, so that phones learn"
            " of the new generation",
        )
    else:
        yield ok("generation", f"{facts.generation}, timeline {facts.recorded_timeline}")


def _leases(overdue: Sequence[Lease]) -> Finding:
    stuck = [lease for lease in overdue if lease.over_s > OVERDUE_S]
    if stuck:
        oldest = max(lease.over_s for lease in stuck)
        return fail(
            "unpublished",
            f"{len(stuck)} lease(s) over, the oldest for {oldest:.0f} s",
            "nobody publishes what a dead process committed: is a hub running, does Redis take"
            " entries?",
        )
    if overdue:
        return ok("unpublished", f"{len(overdue)} lease(s) just over, about to be taken")
    return ok("unpublished", "nothing left over")


def clock(whose: str, apart_ms: float) -> Finding:
    """How far somebody's clock is from this machine's."""
    found = f"{apart_ms / 1000:+.1f} s from this machine's"
    if abs(apart_ms) > CLOCK_APART_MS:
        return warn(f"clock of {whose}", found, "run NTP on both: tokens and logs go by it")
    return ok(f"clock of {whose}", found)


def of_replica(facts: ReplicaFacts) -> Finding:
    """The Postgres that history pages are read from."""
    if not facts.recovering:
        return fail(
            "replica",
            "no standby: it accepts writes",
            "point MUSTER_DATABASE_REPLICA_URL at a standby of the primary, or unset it",
        )
    found = f"{facts.lag_s:.1f} s behind"
    if facts.lag_s > REPLICA_LAG_S:
        return warn("replica", found, "history pages are that old; look at its disk and network")
    return ok("replica", found)


def of_redis(facts: RedisFacts, settings: Settings) -> Iterator[Finding]:
    """Everything about one node."""
    numbers = tuple(int(part) for part in facts.version.split(".")[:2] if part.isdigit())
    if numbers < REDIS_LEAST:
        yield fail("version", f"Redis {facts.version}", "use 6.2 or newer: XADD NOMKSTREAM")
    else:
        yield ok("version", f"Redis {facts.version}")
    if not facts.primary:
        yield fail("role", "a replica", "point MUSTER_REDIS_URL at the primary")
    if facts.cluster and not settings.redis_cluster:
        yield fail("cluster", "it is one", "set MUSTER_REDIS_CLUSTER=1")
    elif settings.redis_cluster and not facts.cluster:
        yield fail("cluster", "it is none", "unset MUSTER_REDIS_CLUSTER")
    yield from _memory(facts)
    yield clock(f"Redis {facts.where}", facts.clock_apart_ms)


def _memory(facts: RedisFacts) -> Iterator[Finding]:
    name = "maxmemory-policy"
    if facts.policy == "noeviction":
        yield ok(name, facts.policy)
    else:
        advice = "set maxmemory-policy noeviction: an evicted lane makes every hub compare heads"
        judged = fail if facts.maxmemory else warn
        yield judged(name, facts.policy, advice)
    if facts.maxmemory and facts.used_memory > facts.maxmemory * _MEMORY_FULL:
        yield warn(
            "memory",
            f"{facts.used_memory >> 20} of {facts.maxmemory >> 20} MiB",
            "raise maxmemory or lower MUSTER_LANE_MAX_LEN: a full Redis takes no entries",
        )


def of_media(where: str, trouble: str, *, guarded: bool) -> Finding:
    """Where uploads lie. `guarded`: addresses of a CDN, if there is one, end."""
    if trouble:
        advice = (
            "uploads and pictures wait, chat goes on: see MUSTER_MEDIA_S3_* or MUSTER_MEDIA_DIR"
        )
        return fail("media store", f"{where}: {trouble}", advice)
    if not guarded:
        advice = "set MUSTER_MEDIA_CDN_SECRET: who was shown an address may read there for ever"
        return warn("media store", f"{where}, behind a CDN that checks nothing", advice)
    return ok("media store", where)


def of_files(soft: int, hard: int) -> Finding:
    """How many sockets a hub on this machine can hold: it raises its own soft limit to the hard one."""
    sockets = max(hard - FILES_KEPT, 0)
    found = f"{soft} soft, {hard} hard: at most {sockets} sockets a hub"
    if hard < FILES_FEW:
        return warn("file descriptors", found, "raise the limit (LimitNOFILE, ulimit -Hn)")
    return ok("file descriptors", found)
