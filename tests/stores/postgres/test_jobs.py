"""The claims of muster/jobs.py and muster/stores/postgres/jobs.py: due jobs fire once, elsewhere if need be."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
from msgspec import Struct
from prometheus_client import CollectorRegistry

from muster.errors import Refused, unavailable
from muster.ids import PersonId
from muster.jobs import ATTEMPTS_MOST, JOBS_PER_TAKE, Job, JobMetrics, Runner
from muster.stores.postgres.jobs import PostgresJobs
from muster.stores.postgres.pool import Database, open_database
from muster.wishes import Added, Dropped, Wish
from proto.codes import Code

ADA = PersonId(UUID(int=77))
FAR_MS = 4_000_000_000_000


class Note(Struct, frozen=True):
    """What these jobs carry."""

    text: str


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = await open_database(database_url, "test", 4, lambda _: None)
    try:
        yield database
    finally:
        await database.close()


async def _now_ms(database: Database) -> int:
    [[now_ms]] = await database.fetch("SELECT (extract(epoch FROM now()) * 1000)::bigint")
    return int(now_ms)


async def _due(database: Database, *keys: str, kind: str = "note") -> None:
    """Jobs whose time has come."""
    due_ms = await _now_ms(database) + 3_600_000
    for key in keys:
        wish = Wish(kind, key, ADA, due_ms, Note(key), 1_000)
        assert await PostgresJobs(database).add(wish) is Added.added
    await _comes(database)


async def _comes(database: Database) -> None:
    await database.execute("UPDATE jobs SET due_at = now(), next_at = now()")


def _runner(
    database: Database,
    handler: Callable[[Job], Awaitable[None]],
    registry: CollectorRegistry | None = None,
) -> Runner:
    metrics = JobMetrics(registry or CollectorRegistry())
    return Runner(PostgresJobs(database), {"note": handler}, metrics, random.Random(1), 0.05, uuid4)


async def _rows(database: Database) -> list[tuple[int, bool, str | None, bool]]:
    """attempts, taken, why dead, due now."""
    rows = await database.fetch(
        "SELECT attempts, lease IS NOT NULL, failure, next_at <= clock_timestamp() FROM jobs"
    )
    return [tuple(row) for row in rows]


class Heard:
    """A handler that remembers."""

    def __init__(self) -> None:
        self.texts: list[bytes] = []

    async def __call__(self, job: Job) -> None:
        self.texts.append(job.payload)


async def test_due_jobs_fire_once_and_are_gone(database: Database) -> None:
    """More than one take holds; those whose time has not come, and kinds nobody here knows, stay."""
    heard = Heard()
    keys = [str(n) for n in range(2 * JOBS_PER_TAKE + 3)]
    await _due(database, *keys)
    await _due(database, "unknown", kind="other")
    wish = Wish("note", "later", ADA, await _now_ms(database) + 60_000, Note("later"), 1_000)
    await PostgresJobs(database).add(wish)
    runner = _runner(database, heard)
    assert await runner.round() == len(keys)
    assert await runner.round() == 0
    assert sorted(heard.texts) == sorted(b'{"text": "%s"}' % key.encode() for key in keys)
    assert len(await _rows(database)) == 2


async def test_the_loop_fires_by_itself(database: Database) -> None:
    """As a process runs it, until it is cancelled."""
    fired = asyncio.Event()

    async def tell(_: Job) -> None:
        fired.set()

    await _due(database, "one")
    async with asyncio.TaskGroup() as group, asyncio.timeout(5):
        running = group.create_task(_runner(database, tell).run())
        await fired.wait()
        running.cancel()


async def test_a_job_is_one_process_s_at_a_time(database: Database) -> None:
    """While one is at it nobody else takes it, and no transaction is open meanwhile."""
    inside, go_on = asyncio.Event(), asyncio.Event()

    async def slow(_: Job) -> None:
        inside.set()
        await go_on.wait()

    heard = Heard()
    await _due(database, "one")
    async with asyncio.TaskGroup() as group:
        first = group.create_task(_runner(database, slow).round())
        await inside.wait()
        assert await _runner(database, heard).round() == 0
        [[open_]] = await database.fetch(
            "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in%'"
            " AND datname = current_database()"
        )
        go_on.set()
    assert (first.result(), open_, heard.texts) == (1, 0, [])
    assert await _rows(database) == []


async def test_the_service_has_jobs_of_its_own(database: Database) -> None:
    """Without an owner: one per key however many ask at once, not counted, and due at once if its time is past."""
    store, heard = PostgresJobs(database), Heard()
    wish = Wish("note", "sweep", None, 0, Note("sweep"))
    async with asyncio.TaskGroup() as group:
        tries = [group.create_task(store.add(wish)) for _ in range(4)]
    assert sorted(each.result().value for each in tries) == ["added"] + ["same"] * 3
    assert await _runner(database, heard).round() == 1
    assert heard.texts == [b'{"text": "sweep"}']


async def test_many_processes_share_what_is_due(database: Database) -> None:
    """Each job fires in one of them."""
    heard = Heard()
    await _due(database, *(str(n) for n in range(60)))
    async with asyncio.TaskGroup() as group:
        rounds = [group.create_task(_runner(database, heard).round()) for _ in range(4)]
    assert sum(each.result() for each in rounds) == len(heard.texts) == len(set(heard.texts)) == 60


async def test_a_process_that_ends_in_the_middle_leaves_the_job_to_others(
    database: Database,
) -> None:
    """Cancelled inside the handler: after the lease it fires again, and what the first still says is ignored."""
    inside = asyncio.Event()

    async def hang(_: Job) -> None:
        inside.set()
        await asyncio.Event().wait()

    heard = Heard()
    await _due(database, "one")
    store = PostgresJobs(database)
    async with asyncio.TaskGroup() as group:
        first = group.create_task(_runner(database, hang).round())
        await inside.wait()
        first.cancel()
    assert await _rows(database) == [(1, True, None, False)]
    [[job, old]] = await database.fetch("SELECT job_id, lease FROM jobs")
    await _comes(database)
    lease = uuid4()
    [again] = await store.take(["note"], lease, 1)
    assert (again.id, again.attempts) == (job, 2)
    for late in (store.done(job, old), store.put_off(job, old, 0), store.bury(job, old, "late")):
        await late
    assert await _rows(database) == [(2, True, None, False)]
    await _comes(database)
    assert await _runner(database, heard).round() == 1
    assert await _rows(database) == []


async def test_a_temporary_failure_is_tried_again_after_a_pause(database: Database) -> None:
    """Later and later, and only so often; then it is a dead letter."""
    registry = CollectorRegistry()

    async def away(_: Job) -> None:
        raise unavailable("something")

    await _due(database, "one")
    runner = _runner(database, away, registry)
    pauses: list[float] = []
    for attempt in range(1, ATTEMPTS_MOST):
        assert await runner.round() == 1
        assert await _rows(database) == [(attempt, False, None, False)]
        [[pause]] = await database.fetch("SELECT extract(epoch FROM next_at - now()) FROM jobs")
        pauses.append(float(pause))
        await _comes(database)
    assert 0.5 < pauses[0] <= 2
    assert 250 < pauses[-1] <= 600
    assert await runner.round() == 1
    assert await _rows(database) == [(ATTEMPTS_MOST, False, "unavailable", False)]
    assert await runner.round() == 0
    counts = [
        registry.get_sample_value(f"muster_jobs_{name}_total", {"kind": "note"})
        for name in ("fired", "retried", "dead")
    ]
    assert counts == [None, ATTEMPTS_MOST - 1, 1]


async def test_a_job_over_which_processes_die_is_given_up(database: Database) -> None:
    """Attempts are counted when it is taken, not when it ends."""
    heard = Heard()
    await _due(database, "one")
    await database.execute("UPDATE jobs SET attempts = $1", ATTEMPTS_MOST)
    assert await _runner(database, heard).round() == 1
    assert heard.texts == []
    [row] = await _rows(database)
    assert row[2] == "too many attempts"


@pytest.mark.parametrize(
    ("raised", "failure"),
    [(Refused(Code.conflict, "no"), "conflict"), (ZeroDivisionError(), "ZeroDivisionError")],
)
async def test_what_will_never_do_is_a_dead_letter_at_once(
    database: Database, raised: Exception, failure: str
) -> None:
    """A refusal for good and a fault of ours; the neighbours fire."""
    heard = Heard()

    async def one_fails(job: Job) -> None:
        if b"bad" in job.payload:
            raise raised
        await heard(job)

    await _due(database, "bad", "good")
    assert await _runner(database, one_fails).round() == 2
    assert await _rows(database) == [(1, False, failure, False)]
    assert len(heard.texts) == 1


async def test_dead_letters_are_kept_a_month(database: Database) -> None:
    """And may be wished for anew."""
    store = PostgresJobs(database)
    await _due(database, "old", "new")
    await database.execute("UPDATE jobs SET dead_at = now(), failure = 'x'")
    await database.execute(
        "UPDATE jobs SET dead_at = now() - interval '31 days' WHERE payload ->> 'text' = 'old'"
    )
    assert await _runner(database, Heard()).round() == 0
    [[left]] = await database.fetch("SELECT payload ->> 'text' FROM jobs")
    assert left == "new"
    again = Wish("note", "new", ADA, await _now_ms(database) + 60_000, Note("again"), 1)
    assert await store.add(again) is Added.added
    assert await _rows(database) == [(0, False, None, False)]


async def test_wishes_are_counted_timed_and_one_per_key(database: Database) -> None:
    """By Postgres' clock; each owner and kind for itself, exactly, however many ask at once."""
    store = PostgresJobs(database)
    now_ms = await _now_ms(database)

    def wish(key: str, due_ms: int = now_ms + 60_000, kind: str = "note") -> Wish:
        return Wish(kind, key, ADA, due_ms, Note(key), 3)

    assert await store.add(wish("past", now_ms - 1)) is Added.past
    assert await store.add(wish("far", FAR_MS)) is Added.far
    assert await store.add(wish("one")) is Added.added
    assert await store.add(wish("one", now_ms - 1)) is Added.same
    async with asyncio.TaskGroup() as group:
        tries = [group.create_task(store.add(wish(f"at once {n}"))) for n in range(6)]
    assert sorted(each.result().value for each in tries) == ["added"] * 2 + ["full"] * 4
    assert await store.add(wish("one", kind="other")) is Added.added
    waiting = await store.waiting("note", ADA, 10)
    assert len(waiting) == 3
    assert {one.due_ms for one in waiting} == {now_ms + 60_000}
    [other] = await store.waiting("other", ADA, 10)
    assert await store.drop("note", ADA, other.id) is Dropped.missing
    assert await store.drop("other", PersonId(uuid4()), other.id) is Dropped.missing
    assert await store.drop("other", ADA, other.id) is Dropped.dropped
