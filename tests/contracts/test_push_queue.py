"""The claims of muster/push_queue.py, for every queue there is: the fake, one Redis, a Redis Cluster."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from random import Random
from uuid import uuid4

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from loadtest.torture.cluster import RedisCluster
from muster.owed import Key
from muster.push_queue import (
    CLAIM_S,
    DEAD_MOST,
    HAND_S,
    REMEMBERED_S,
    Claim,
    Job,
    Priority,
    PushQueue,
    Sending,
    Wish,
)
from muster.stores.redis.push_commands import BUCKETS, bucket_of
from tests.contracts.push_machine import Machine
from tests.contracts.push_worlds import FakeWorld, RedisWorld, World

URGENT, ORDINARY, SILENT = Priority


def somebody() -> Key:
    return Key(uuid4().bytes, uuid4().bytes)


def keys_of(jobs: list[Job]) -> list[Key]:
    return [job.key for job in jobs]


async def in_hand(queue: PushQueue, key: Key, priority: Priority = ORDINARY) -> Job:
    """Put and taken."""
    await queue.put([Wish(key, priority, 0)])
    [job] = await queue.take(10, 0)
    return job


class Contract:
    """What every queue must do."""

    machine_examples = 30

    async def test_what_was_put_is_taken_once_and_over_when_it_is_done(self, world: World) -> None:
        queue, ada = world.worker(), somebody()
        job = await in_hand(queue, ada)
        assert (job.key, job.priority, job.attempts) == (ada, ORDINARY, 1)
        assert await world.worker().take(10, 0) == []
        await queue.done([job])
        await queue.done([job])
        await world.later(HAND_S)
        assert await queue.take(10, 0) == []

    async def test_somebody_is_there_once_at_the_earliest_time_and_the_highest_priority(
        self, world: World
    ) -> None:
        """However often, in whatever order, also when it waits on its lane already."""
        queue, ada = world.worker(), somebody()
        now = await queue.now_ms()
        for priority, in_s in ((ORDINARY, 50), (SILENT, 30), (URGENT, 90)):
            await queue.put([Wish(ada, priority, now + in_s * 1000)])
        await world.later(29)
        assert await queue.take(10, 0) == []
        await world.later(2)
        assert [(j.key, j.priority) for j in await queue.take(10, 0)] == [(ada, URGENT)]
        bob = somebody()
        await queue.put([Wish(bob, priority, 0) for priority in (SILENT, ORDINARY, URGENT, SILENT)])
        assert [(j.key, j.priority) for j in await queue.take(10, 0)] == [(bob, URGENT)]

    async def test_the_most_urgent_of_all_is_taken_first(self, world: World) -> None:
        """Whatever buckets they hash to, and never more than was asked for."""
        queue = world.worker()
        people = {priority: [somebody() for _ in range(40)] for priority in Priority}
        for priority in reversed(Priority):
            await queue.put([Wish(key, priority, 0) for key in people[priority]])
        first = await queue.take(60, 0)
        assert [job.priority for job in first] == [URGENT] * 40 + [ORDINARY] * 20
        late = somebody()
        await queue.put([Wish(late, URGENT, 0)])
        second = await queue.take(500, 0)
        assert [job.priority for job in second] == [URGENT] + [ORDINARY] * 20 + [SILENT] * 40
        everybody = {key for keys in people.values() for key in keys} | {late}
        assert len(first + second) == len(everybody)
        assert set(keys_of(first + second)) == everybody

    async def test_what_is_put_while_somebody_has_it_follows(self, world: World) -> None:
        """After it is over, given up, or put off to a later time; and not before."""
        queue, ada = world.worker(), somebody()
        job = await in_hand(queue, ada, SILENT)
        for priority in (ORDINARY, URGENT, SILENT):
            await queue.put([Wish(ada, priority, 0)])
            assert await queue.take(10, 0) == []
        await queue.done([job])
        [job] = await queue.take(10, 0)
        assert (job.priority, job.attempts) == (URGENT, 1)
        await queue.put([Wish(ada, SILENT, 0)])
        await queue.bury(job, "no", 0)
        [job] = await queue.take(10, 0)
        assert job.priority is SILENT
        await queue.put([Wish(ada, ORDINARY, 0)])
        await queue.again([(job, await queue.now_ms() + 60_000)])
        [job] = await queue.take(10, 0)
        assert (job.priority, job.attempts) == (ORDINARY, 2)
        await queue.done([job])
        assert await queue.take(10, 0) == []

    async def test_what_follows_keeps_its_own_time(self, world: World) -> None:
        queue, ada = world.worker(), somebody()
        job = await in_hand(queue, ada)
        await queue.put([Wish(ada, URGENT, await queue.now_ms() + 40_000)])
        await queue.done([job])
        assert await queue.take(10, 0) == []
        await world.later(40)
        assert keys_of(await queue.take(10, 0)) == [ada]

    async def test_again_is_at_its_time_and_keeps_what_the_job_says(self, world: World) -> None:
        """Attempts go on being counted, unless whoever puts it back says otherwise."""
        queue, ada = world.worker(), somebody()
        job = await in_hand(queue, ada, URGENT)
        for expected in (2, 3):
            await queue.again([(job, await queue.now_ms() + 20_000)])
            assert await queue.take(10, 0) == []
            await world.later(20)
            [job] = await queue.take(10, 0)
            assert (job.priority, job.attempts) == (URGENT, expected)
        await queue.again([(job._replace(priority=SILENT, attempts=0), 0)])
        [job] = await queue.take(10, 0)
        assert (job.priority, job.attempts) == (SILENT, 1)

    async def test_a_dead_workers_jobs_are_taken_over_and_its_late_words_count_for_nothing(
        self, world: World
    ) -> None:
        """Not before everybody alive would have said something."""
        dead, alive, ada, bob = world.worker(), world.worker(), somebody(), somebody()
        await dead.put([Wish(ada, ORDINARY, 0), Wish(bob, ORDINARY, 0)])
        late = await dead.take(10, 0)
        await alive.put([Wish(bob, URGENT, 0)])
        await world.later(HAND_S - 20)
        assert await alive.take(10, 0) == []
        await world.later(20)
        jobs = await alive.take(10, 0)
        assert [(j.key, j.priority, j.attempts) for j in jobs] == [
            (bob, URGENT, 2),
            (ada, ORDINARY, 2),
        ]
        await dead.done(late)
        await dead.again([(job, 0) for job in late])
        await dead.bury(late[0], "late", 0)
        assert await alive.take(10, 0) == []
        assert await alive.dead(10) == []
        await world.later(HAND_S)
        assert {job.key for job in await alive.take(10, 0)} == {ada, bob}

    async def test_what_was_given_up_can_be_put_again(self, world: World) -> None:
        """The newest first; with its priority; once."""
        queue, people = world.worker(), [somebody() for _ in range(5)]
        for n, key in enumerate(people):
            await queue.bury(await in_hand(queue, key, URGENT), f"reason {n}", 2**40 + n)
            await world.later(0.01)
        letters = await queue.dead(3)
        assert len(letters) == 3
        letters = await queue.dead(10)
        assert {(one.key, one.reason, one.notified) for one in letters} == {
            (k, f"reason {n}", 2**40 + n) for n, k in enumerate(people)
        }
        assert [one.at_ms for one in letters] == sorted(
            (one.at_ms for one in letters), reverse=True
        )
        ids = [letter.id for letter in letters if letter.key in people[:2]]
        assert await queue.replay([*ids, b"0-99", b"no such", b"77-1-0"]) == 2
        assert await queue.replay(ids) == 0
        jobs = await queue.take(10, 0)
        assert {job.key for job in jobs} == set(people[:2])
        assert {(job.priority, job.attempts) for job in jobs} == {(URGENT, 1)}
        assert len(await queue.dead(10)) == 3

    async def test_only_one_sends(self, world: World) -> None:
        """And nobody sends what was sent; what surely was not may be sent by anybody."""
        one, other, device, room = world.worker(), world.worker(), uuid4(), uuid4().bytes
        sendings = [Sending(device, room, seq) for seq in (1, 2, 3)]
        assert await one.claim(sendings) == [Claim.mine] * 3
        assert await other.claim([*sendings, Sending(device, room, 4)]) == [Claim.busy] * 3 + [
            Claim.mine
        ]
        await other.release([(sendings[2], False)])
        await one.release([(sendings[0], True), (sendings[1], False)])
        assert await other.claim(sendings) == [Claim.sent, Claim.mine, Claim.busy]
        assert await other.claim([Sending(uuid4(), room, 1)]) == [Claim.mine]

    async def test_a_claim_that_ran_out_is_torn_for_one(self, world: World) -> None:
        """Who has it then; what the first says late is believed only if it was sent."""
        one, other = world.worker(), world.worker()
        sendings = [Sending(uuid4(), uuid4().bytes, seq) for seq in (1, 2**53)]
        await one.claim(sendings)
        await world.later(CLAIM_S)
        assert await other.claim(sendings) == [Claim.torn] * 2
        assert await one.claim(sendings) == [Claim.busy] * 2
        await one.release([(sendings[0], False), (sendings[1], True)])
        assert await one.claim(sendings) == [Claim.busy, Claim.sent]
        await world.later(REMEMBERED_S)
        assert await one.claim(sendings) == [Claim.mine] * 2

    async def test_a_loss_is_told_to_everybody_once(self, world: World) -> None:
        """Also to who begins, and the queue works on."""
        one, other, ada = world.worker(), world.worker(), somebody()
        assert [await one.is_lost(), await one.is_lost()] == [True, False]
        assert [await other.is_lost(), await other.is_lost()] == [True, False]
        job = await in_hand(one, ada)
        await world.lose()
        await one.done([job])
        assert [await one.is_lost(), await one.is_lost()] == [True, False]
        assert await one.take(10, 0) == []
        await world.lose()
        assert [await other.is_lost(), await other.is_lost()] == [True, False]
        assert await one.is_lost()
        assert (await in_hand(other, ada)).attempts == 1

    async def test_depth_tells_what_there_is(self, world: World) -> None:
        queue = world.worker()
        now = await queue.now_ms()
        assert await queue.depth() == (0, (0, 0, 0), 0, 0.0, 0)
        jobs = [await in_hand(queue, somebody()) for _ in range(3)]
        await queue.bury(jobs[0], "no", 0)
        # The oldest first: of each lane the next in turn is looked at, and two may share one.
        wishes = [(URGENT, 0), (ORDINARY, now - 7_000), (ORDINARY, 0), (SILENT, now + 90_000)]
        await queue.put([Wish(somebody(), priority, at_ms) for priority, at_ms in wishes])
        depth = await queue.depth()
        assert depth[:3] == (1, (1, 2, 0), 2)
        assert depth.dead == 1
        assert 7 <= depth.oldest_s < 60

    async def test_many_at_once(self, world: World) -> None:
        """More than one call's worth in every bucket, there and back."""
        queue, people = world.worker(), [somebody() for _ in range(3_000)]
        now = await queue.now_ms()
        await queue.put([Wish(key, ORDINARY, now + 20_000) for key in people])
        assert await queue.take(10, 0) == []
        await world.later(20)
        jobs: list[Job] = []
        while some := await queue.take(700, 0):
            assert len(some) <= 700
            jobs += some
        assert sorted(keys_of(jobs)) == sorted(people)
        await queue.done(jobs[:1_500])
        await queue.again([(job, 0) for job in jobs[1_500:]])
        assert (await queue.depth()).taken == 0
        assert sum((await queue.depth()).waiting) == 1_500

    @pytest.mark.timeout(120)
    def test_whatever_workers_do_nothing_is_lost_doubled_early_or_out_of_order(self) -> None:
        """They take, say late, die, come back and put again, while time passes; the account is kept beside."""
        limits = settings(
            max_examples=self.machine_examples,
            stateful_step_count=50,
            deadline=None,
            database=None,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        )
        run_state_machine_as_test(self.machine(), settings=limits)

    def machine(self) -> type[Machine]:
        raise NotImplementedError


class TestFake(Contract):
    machine_examples = 100

    @pytest.fixture
    def world(self) -> FakeWorld:
        return FakeWorld()

    def machine(self) -> type[Machine]:
        return type("FakeMachine", (Machine,), {"world_of": FakeWorld})

    async def test_dead_letters_are_bounded(self, world: FakeWorld) -> None:
        queue = world.worker()
        for _ in range(DEAD_MOST + 2):
            await queue.bury(await in_hand(queue, somebody()), "no", 0)
        assert len(await queue.dead(DEAD_MOST * 2)) == DEAD_MOST


class TestRedis(Contract):
    @pytest_asyncio.fixture
    async def world(self, redis_url: str) -> AsyncIterator[RedisWorld]:
        world = RedisWorld(redis_url, cluster=False)
        yield world
        await world.close()

    @pytest.fixture(autouse=True)
    def _where(self, redis_url: str) -> None:
        self._url, self._cluster = redis_url, False

    def machine(self) -> type[Machine]:
        def world_of() -> RedisWorld:
            return RedisWorld(self._url, cluster=self._cluster)

        return type("RedisMachine", (Machine,), {"world_of": staticmethod(world_of)})

    async def test_dead_letters_are_bounded(self, world: RedisWorld) -> None:
        """Per bucket a like share of all, and gone by themselves after a month."""
        queue, bucket = world.worker(), 3
        people: list[Key] = []
        while len(people) < DEAD_MOST // BUCKETS + 2:
            if bucket_of(key := somebody()) == bucket:
                people.append(key)
        await queue.put([Wish(key, URGENT, 0) for key in people])
        for job in await queue.take(len(people), 0):
            await queue.bury(job, "no", 0)
        assert len(await queue.dead(DEAD_MOST)) == DEAD_MOST // BUCKETS
        left_ms = await world.ask(bucket, b"PTTL", world.keys.dead[bucket])
        assert 29 * 86_400_000 < left_ms <= 30 * 86_400_000

    async def test_nothing_is_left_of_what_is_over(self, world: RedisWorld) -> None:
        """A queue that was emptied is as small as one that never held anything."""
        queue = world.worker()
        await queue.put(
            [Wish(somebody(), priority, 0) for priority in Priority for _ in range(200)]
        )
        await queue.done(await queue.take(1_000, 0))
        for bucket in range(BUCKETS):
            jobs, *keys = world.keys.buckets[bucket]
            for key in (jobs, *keys[:3], *keys[6:]):
                assert await world.ask(bucket, b"EXISTS", key) == 0
            for lane in keys[3:6]:
                assert await world.ask(bucket, b"XLEN", lane) == 0
                [[_, _, _, consumers, *_]] = await world.ask(bucket, b"XINFO", b"GROUPS", lane)
                assert consumers <= 1

    async def test_whoever_waits_gets_what_somebody_else_puts(self, world: RedisWorld) -> None:
        """Now, or soon after its time has come; several may wait on one queue object."""
        waits, puts = world.worker(), world.worker()
        async with asyncio.timeout(10), asyncio.TaskGroup() as group:
            tasks = [group.create_task(waits.take(1, 20)) for _ in range(2)]
            await asyncio.sleep(0)
            now = await puts.now_ms()
            ada, bob = somebody(), somebody()
            await puts.put([Wish(ada, URGENT, now + 300), Wish(bob, SILENT, 0)])
        taken = [job for task in tasks for job in task.result()]
        assert {job.key for job in taken} == {ada, bob}
        assert await puts.now_ms() >= now + 300
        assert await waits.take(1, 0.05) == []

    async def test_a_put_beside_somebodys_work_is_always_seen(self, world: RedisWorld) -> None:
        """Whoever takes reads what is there: after the last put somebody must have read it, however calls overlap."""
        people = [somebody() for _ in range(5)]
        written, read = dict.fromkeys(people, 0), dict.fromkeys(people, 0)
        hands: set[Key] = set()
        putting = True

        async def put(rng: Random) -> None:
            queue = world.worker()
            for _ in range(60):
                some = rng.sample(people, 2)
                for key in some:
                    written[key] += 1
                await queue.put([Wish(key, rng.choice(list(Priority)), 0) for key in some])

        async def work(rng: Random) -> None:
            queue = world.worker()
            while (jobs := await queue.take(3, 0.05)) or putting:
                keys = set(keys_of(jobs))
                assert not hands & keys
                hands.update(keys)
                read.update({key: written[key] for key in keys})
                await queue.now_ms()
                hands.difference_update(keys)
                later = [(job, 0) for job in jobs if rng.random() < 0.3]
                await queue.again(later)
                await queue.done([job for job in jobs if (job, 0) not in later])

        async with asyncio.TaskGroup() as group:
            works = [group.create_task(work(Random(n))) for n in range(3)]
            async with asyncio.TaskGroup() as puts:
                for n in range(3):
                    puts.create_task(put(Random(n)))
            putting = False
        assert all(one.done() for one in works)
        assert read == written
        assert (await world.worker().depth())[:3] == (0, (0, 0, 0), 0)

    @pytest.mark.parametrize("key", range(9))
    async def test_a_key_that_somebody_deleted_holds_up_nobody_for_ever(
        self, world: RedisWorld, key: int
    ) -> None:
        """What is put afterwards is there, whatever was in the queue before."""
        queue, waiting, due, hand = world.worker(), somebody(), somebody(), somebody()
        job = await in_hand(queue, hand)
        now = await queue.now_ms()
        await queue.put([Wish(waiting, ORDINARY, 0), Wish(due, ORDINARY, now + 60_000)])
        for bucket in range(BUCKETS):
            await world.ask(bucket, b"DEL", world.keys.buckets[bucket][key])
        await queue.put([Wish(one, URGENT, 0) for one in (waiting, due, hand)])
        await queue.again([(job, 0)])
        assert {waiting, due, hand} <= set(keys_of(await queue.take(10, 0)))


class TestCluster(TestRedis):
    machine_examples = 10

    @pytest_asyncio.fixture
    async def world(  # type: ignore[override]  # a fixture asks for what it needs
        self, redis_cluster: RedisCluster
    ) -> AsyncIterator[RedisWorld]:
        world = RedisWorld(redis_cluster.url, cluster=True)
        yield world
        await world.close()

    @pytest.fixture(autouse=True)
    def _where(self, cluster_urls: list[str]) -> None:
        self._url, self._cluster = cluster_urls[0], True
