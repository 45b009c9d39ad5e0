"""What the bus over one Redis does when that Redis loses, dies, stops or says nonsense."""

from __future__ import annotations

import asyncio
import time

import pytest
import redis as blocking_redis

from muster.bus import Unpublished
from muster.lane import LaneEntry
from muster.stores.redis.publisher import PUBLISH_WITHIN_S
from tests.fakes.lane_entries import entry
from tests.fakes.listener import Recorder, following
from tests.fixtures.restartable import RestartableRedis
from tests.stores.redis.bus_over import ALL, LANES, bus_over


async def test_a_redis_killed_and_back_empty_is_doubted_and_followed(
    restartable_redis: RestartableRedis,
) -> None:
    """Unreadable at once; back: a doubt about every lane, then readable, then entries."""
    async with bus_over(restartable_redis.url) as bus, following(bus.tail) as heard:
        await bus.publisher.publish([entry(room, 1) for room in bus.rooms])
        await heard.until(lambda: len(heard.told) == LANES)
        await restartable_redis.kill()
        await heard.until(lambda: heard.unreadable == ALL)
        with pytest.raises(Unpublished):
            await bus.publisher.publish([entry(bus.rooms[0], 2)])
        assert not heard.doubted
        await restartable_redis.start()
        await heard.until(lambda: not heard.unreadable)
        assert heard.doubts == ALL
        await bus.publisher.publish([entry(room, 3) for room in bus.rooms])
        await heard.until(lambda: all(heard.seqs(room) == [1, 3] for room in bus.rooms))
        assert heard.changes == [(ALL, False), (ALL, True)]
        assert bus.meter("muster_bus_unreadable_lanes") == 0


async def test_a_redis_that_stops_is_noticed_within_two_seconds(
    restartable_redis: RestartableRedis,
) -> None:
    """It takes bytes and answers nothing: publishing gives up in time, the lanes are unreadable."""
    async with bus_over(restartable_redis.url) as bus, following(bus.tail) as heard:
        await bus.publisher.publish([entry(bus.rooms[0], 1)])
        await heard.until(lambda: len(heard.told) == 1)
        restartable_redis.freeze()
        started = time.monotonic()
        with pytest.raises(Unpublished):
            await bus.publisher.publish([entry(bus.rooms[0], 2)])
        assert time.monotonic() - started < PUBLISH_WITHIN_S + 0.5
        await heard.until(lambda: heard.unreadable == ALL)
        assert time.monotonic() - started < 2.0
        restartable_redis.thaw()
        await heard.until(lambda: not heard.unreadable)
        await bus.publisher.publish([entry(bus.rooms[0], 3)])
        await heard.until(lambda: heard.seqs(bus.rooms[0])[-1] == 3)


async def test_a_tail_that_starts_before_redis_waits_for_it(
    restartable_redis: RestartableRedis,
) -> None:
    """Not ready, said unreadable, tries on; then ready without any doubt."""
    await restartable_redis.kill()
    async with bus_over(restartable_redis.url) as bus, asyncio.TaskGroup() as group:
        heard = Recorder()
        tail = bus.tail(heard)
        running = group.create_task(tail.run())
        await heard.until(lambda: heard.unreadable == ALL)
        await restartable_redis.start()
        await tail.ready()
        await heard.until(lambda: not heard.unreadable)
        assert not heard.doubted
        running.cancel()


async def test_a_stream_made_anew_announces_itself_to_readers(
    restartable_redis: RestartableRedis,
) -> None:
    """Deleted and published to at once: the doubt comes with the very read of the new entry."""
    doubted_by_then: list[frozenset[int]] = []

    class Watching(Recorder):
        def entries(self, batch: list[LaneEntry]) -> None:
            super().entries(batch)
            # Runs when the reader has told everything of this read, and before its next step.
            asyncio.get_running_loop().call_soon(lambda: doubted_by_then.append(self.doubts))

    async with bus_over(restartable_redis.url) as bus, asyncio.TaskGroup() as group:
        heard = Watching()
        tail = bus.tail(heard)
        running = group.create_task(tail.run())
        await tail.ready()
        for seq in (1, 2):
            await bus.publisher.publish([entry(bus.rooms[2], seq)])
            await heard.until_at(bus.rooms[2], seq)
            async with restartable_redis.client() as client:
                await client.delete(bus.table.streams[2])
        assert doubted_by_then == [frozenset(), frozenset({2})]
        assert bus.meter("muster_bus_lanes_created_total") == 1
        running.cancel()


def write_and_trim(url: str, stream: bytes) -> None:
    """Others write 500 entries and keep three of them, all within this call."""
    with blocking_redis.Redis.from_url(url) as other:
        for _ in range(500):
            other.xadd(stream, {b"e": b"never read"})
        other.xtrim(stream, maxlen=3, approximate=False)


async def test_trimming_past_a_paused_reader_is_doubted(
    restartable_redis: RestartableRedis,
) -> None:
    """A loop that stood still while its lane was trimmed says so before it reads on."""
    async with bus_over(restartable_redis.url) as bus:
        clock = bus.clock
        stream, room = bus.table.streams[1], bus.rooms[1]

        class Pausing(Recorder):
            def entries(self, batch: list[LaneEntry]) -> None:
                super().entries(batch)
                if len(self.told) == 1:
                    self._stand_still()

            def _stand_still(self) -> None:
                """Meanwhile others publish and trim; all of it happens within this call."""
                clock.ahead_s += 5.0
                write_and_trim(restartable_redis.url, stream)

        heard = Pausing()
        tail = bus.tail(heard)
        async with asyncio.TaskGroup() as group:
            running = group.create_task(tail.run())
            await tail.ready()
            await bus.publisher.publish([entry(room, 1)])
            await heard.until(lambda: heard.doubts == {1})
            await bus.publisher.publish([entry(room, 502)])
            await heard.until(lambda: heard.seqs(room) == [1, 502])
            assert bus.meter("muster_bus_doubts_total", cause="trimmed") == 1
            running.cancel()


async def test_a_reader_far_behind_reads_on_without_doubt(
    restartable_redis: RestartableRedis,
) -> None:
    """More than one read's worth waits: all of it comes, in order."""
    async with bus_over(restartable_redis.url) as bus, following(bus.tail) as heard:
        batch = [entry(bus.rooms[0], seq) for seq in range(1, 5001)]
        await bus.publisher.publish(batch)
        await heard.until(lambda: len(heard.told) == 5000)
        assert heard.seqs(bus.rooms[0]) == list(range(1, 5001))
        assert not heard.doubted


async def test_a_reader_that_cannot_keep_up_doubts_what_it_missed(
    restartable_redis: RestartableRedis,
) -> None:
    """A lane much too short is trimmed ahead of its reader: whatever is not told is doubted."""
    room_lane = 0
    async with (
        bus_over(restartable_redis.url, max_len=1000) as bus,
        following(bus.tail) as heard,
    ):
        room = bus.rooms[room_lane]
        for first in range(1, 40_001, 1000):
            seqs = range(first, first + 1000)
            await bus.publisher.publish([entry(room, seq) for seq in seqs])
        await bus.publisher.publish([entry(room, 99_999)])
        await heard.until(lambda: heard.seqs(room)[-1:] == [99_999] or bool(heard.doubted))
        missed = set(range(1, 40_001)) - set(heard.seqs(room))
        assert not missed or heard.doubts == {room_lane}


async def test_nonsense_in_a_stream_is_skipped_and_counted(
    restartable_redis: RestartableRedis,
) -> None:
    """Fields no version of ours wrote, of any shape, stop nobody."""
    async with bus_over(restartable_redis.url) as bus, following(bus.tail) as heard:
        async with restartable_redis.client() as client:
            for field, value in [("e", b"short"), ("e", b"\xff" * 40), ("zz", b""), ("", b"x")]:
                await client.xadd(bus.table.streams[0], {field: value})
        await bus.publisher.publish([entry(bus.rooms[0], 1)])
        await heard.until(lambda: heard.seqs(bus.rooms[0]) == [1])
        assert bus.meter("muster_bus_malformed_total") == 4
        assert bus.meter("muster_bus_read_total") == 1


async def test_lanes_are_cut_by_length(restartable_redis: RestartableRedis) -> None:
    """Every publication leaves about as many as the lane may hold."""
    async with (
        bus_over(restartable_redis.url, max_len=1000) as bus,
        restartable_redis.client() as client,
    ):
        for first in range(1, 3001, 200):
            await bus.publisher.publish(
                [entry(bus.rooms[0], seq) for seq in range(first, first + 200)]
            )
        assert 1000 <= await client.xlen(bus.table.streams[0]) <= 1200


async def test_lanes_are_cut_by_age_down_to_their_newest_entry(
    restartable_redis: RestartableRedis,
) -> None:
    """What was read long ago leaves without doubt, also from a lane that was quiet since."""
    async with (
        bus_over(restartable_redis.url) as bus,
        following(bus.tail) as heard,
        restartable_redis.client() as client,
    ):
        room, stream = bus.rooms[0], bus.table.streams[0]
        # With the two to come an even number of Redis' nodes of 100 entries, and cutting leaves none.
        await bus.publisher.publish([entry(room, seq) for seq in range(1, 1998)])
        await heard.until_at(room, 1997)
        bus.clock.ahead_s += 5.0
        for seq in (1998, 1999):  # between the two the reader looks
            await bus.publisher.publish([entry(room, seq)])
            await heard.until_at(room, seq)
        await bus.trimmer(600).trim()
        assert await client.xlen(stream) >= 2000
        await bus.trimmer(-10).trim()  # older than ten seconds from now: everything
        assert 1 <= await client.xlen(stream) < 100
        bus.clock.ahead_s += 5.0
        for seq in (2000, 2001):
            await bus.publisher.publish([entry(room, seq)])
            await heard.until_at(room, seq)
        assert not heard.doubted


async def test_trimming_between_two_reads_is_doubted(restartable_redis: RestartableRedis) -> None:
    """A reader that goes on reading soon after, and catches up with the lane, says so at its next look."""
    async with bus_over(restartable_redis.url) as bus:
        stream, room = bus.table.streams[1], bus.rooms[1]

        class Overtaken(Recorder):
            def entries(self, batch: list[LaneEntry]) -> None:
                super().entries(batch)
                if len(self.told) == 1:
                    write_and_trim(restartable_redis.url, stream)

        async with following(bus.tail, Overtaken()) as heard:
            await bus.publisher.publish([entry(room, 1)])
            await heard.until(lambda: heard.doubts == {1})
            assert bus.meter("muster_bus_doubts_total", cause="trimmed") == 1


async def test_a_full_redis_is_unpublished_and_recovers(
    restartable_redis: RestartableRedis,
) -> None:
    """OOM refuses every XADD: raised in time; when there is room again, so are entries."""
    async with (
        bus_over(restartable_redis.url) as bus,
        following(bus.tail) as heard,
        restartable_redis.client() as client,
    ):
        await client.config_set("maxmemory", "1")
        with pytest.raises(Unpublished):
            await bus.publisher.publish([entry(bus.rooms[0], 1)])
        assert bus.meter("muster_bus_unpublished_total") == 1
        await client.config_set("maxmemory", "0")
        await bus.publisher.publish([entry(bus.rooms[0], 2)])
        await heard.until(lambda: heard.seqs(bus.rooms[0]) == [2])
