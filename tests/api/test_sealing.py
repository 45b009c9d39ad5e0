"""The rounds that keep sealed fields in order, in an api process: nobody notices a rotation, no round is forgotten."""

import asyncio
import random
from uuid import uuid4

from api.assembly import timers
from muster.data_keys import SPREAD_S
from muster.envelope import key_of
from muster.jobs import Job
from muster.push_device import TOKEN
from muster.sealing import EVERY_S, KIND, Sealing, round_at
from muster.stores.postgres.jobs import PostgresJobs
from tests.api.door import Door, phone

SEALED = "SELECT device_id, token_sealed FROM push_devices"


async def test_a_rotation_is_noticed_by_nobody(door: Door) -> None:
    """Phones register by REST from before its beginning to after its end, every token is read all the while: no
    request and no reading fails, and all end under the new key.
    """
    people = [await door.someone() for _ in range(12)]
    keys, sealer = door.ground.data_keys, door.ground.data_keys.sealer
    jobs = PostgresJobs(door.ground.primary)
    done, tokens, reads = asyncio.Event(), {}, 0

    async def register() -> None:
        while not done.is_set():
            for one in people:
                wanted = phone()
                await one.done("PUT", "/v1/me/push", json=wanted)
                tokens[one.id] = wanted["token"]

    async def read() -> None:
        nonlocal reads
        while not done.is_set():
            for row in await door.ground.primary.fetch(SEALED):
                sealer.open(row["token_sealed"], TOKEN, row["device_id"].bytes)
                reads += 1

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(register())
        tasks.create_task(read())
        made = await keys.rotate()
        await keys.look()
        door.clock.ahead_s += SPREAD_S + 1
        await jobs.add(round_at(0, f"key {made}"))
        runner = timers(door.ground, random.Random(1))
        while await runner.round() or not reads:
            pass
        done.set()
    rows = await door.ground.primary.fetch(SEALED + " ORDER BY device_id")
    assert {key_of(row["token_sealed"]) for row in rows} == {made} == {3}
    opened = {sealer.open(row["token_sealed"], TOKEN, row["device_id"].bytes) for row in rows}
    assert opened == {token.encode() for token in tokens.values()}
    assert door.ground.registry.get_sample_value("muster_jobs_dead_total", {"kind": KIND}) is None


class _Part:
    """Needs so many sweeps."""

    def __init__(self, sweeps: int) -> None:
        self.left = sweeps

    async def sweep(self) -> bool:
        self.left -= 1
        return self.left > 0


async def test_what_a_round_leaves_is_the_next_ones(door: Door) -> None:
    """At once; and whatever becomes of a round, there is one in the next hour."""
    jobs = PostgresJobs(door.ground.primary)
    parts = [_Part(3), _Part(1)]
    sealing = Sealing(parts, jobs, door.clock)
    await sealing.begin()
    await jobs.add(round_at(0, "now"))
    fired = 0
    while taken := await jobs.take([KIND], uuid4(), 10):
        for job in taken:
            assert isinstance(job, Job)
            await sealing.fire(job)
            await door.database.execute("DELETE FROM jobs WHERE job_id = $1", job.id)
            fired += 1
    assert (fired, [part.left for part in parts]) == (3, [0, 0])
    [[ahead]] = await door.database.fetch(
        "SELECT extract(epoch FROM due_at - now()) FROM jobs WHERE kind = $1", KIND
    )
    assert 0 < ahead <= EVERY_S
