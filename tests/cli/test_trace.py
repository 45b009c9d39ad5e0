"""The claims of `muster trace` on real rooms: why did she not get it?"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from random import Random
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio
from prometheus_client import CollectorRegistry

from muster import submit
from muster.cli.__main__ import main
from muster.devices import Key
from muster.ids import PersonId, RoomId
from muster.lane import of_entry
from muster.lanes import LaneTable
from muster.presence import Attention, Device, Profile, packed
from muster.roll import Say
from muster.stores.postgres.entries import read_entries
from muster.stores.redis.meters import PublisherMeters
from muster.stores.redis.nodes import nodes_at
from muster.stores.redis.publisher import RedisPublisher
from muster.stores.redis.roll import roll_at
from muster.writer import Writer
from proto.frames import Delete
from tests.vocabulary import new_id, person, room_of, say, writing


@dataclass(frozen=True)
class Scene:
    """A group that shows its history from joining only: ada and bob are in it, eve is not."""

    shell: Mapping[str, str]
    database: asyncpg.Connection
    writer: Writer
    ada: PersonId
    bob: PersonId
    eve: PersonId
    room: RoomId

    async def log_in(self, who: PersonId) -> UUID:
        """A session; the device it is on."""
        device = new_id()
        await self.database.execute(
            "INSERT INTO sessions (session_id, person_id, device_id, platform, expires_at)"
            " VALUES (gen_random_uuid(), $1, $2, 'ios', now() + interval '1 day')",
            who,
            device,
        )
        return device


@pytest_asyncio.fixture
async def scene(database_url: str, fresh_redis_url: str) -> AsyncIterator[Scene]:
    connection = await asyncpg.connect(database_url)
    shell = {"MUSTER_DATABASE_URL": database_url, "MUSTER_REDIS_URL": fresh_redis_url}
    try:
        async with writing(database_url) as writer:
            ada, bob, eve = [await person(connection, name) for name in ("ada", "bob", "eve")]
            room = await room_of(writer, ada, bob, history="from_join")
            yield Scene(shell, connection, writer, ada, bob, eve, room)
    finally:
        await connection.close()


class Trace:
    """`muster trace` as somebody types it."""

    def __init__(self, scene: Scene, shown: pytest.CaptureFixture[str]) -> None:
        self._shell = scene.shell
        self._room = scene.room
        self._shown = shown
        self.code = 0

    async def __call__(self, *arguments: str) -> str:
        """All it says, on both outputs."""
        self.code = await asyncio.to_thread(main, ["trace", *arguments], self._shell)
        return "".join(self._shown.readouterr())

    async def entry(self, seq: int, *arguments: str) -> str:
        """Of the scene's room."""
        return await self("entry", str(self._room), str(seq), *arguments)


@pytest.fixture
def trace(scene: Scene, capsys: pytest.CaptureFixture[str]) -> Trace:
    return Trace(scene, capsys)


async def test_somebody_who_was_never_a_member(scene: Scene, trace: Trace) -> None:
    """The words themselves are not shown to whoever asks."""
    posted = await say(scene.writer, scene.ada, scene.room, "c1", "a secret of ours")
    said = await trace.entry(posted.seq, "--for", "EVE")
    assert said.endswith("@eve does not get it: they were never a member of this room.\n")
    assert trace.code == 0
    assert "client id  c1" in said
    assert "secret" not in said


async def test_somebody_who_joined_later(scene: Scene, trace: Trace) -> None:
    """After an invitation; both are told apart."""
    posted = await say(scene.writer, scene.ada, scene.room, "c1")
    await scene.writer.submit(submit.invite(scene.ada, scene.room, scene.eve, "i1"))
    assert "invited and have not joined" in await trace.entry(posted.seq, "--for", "eve")
    joined = await scene.writer.submit(submit.join(scene.eve, scene.room, "j1"))
    assert f"joined later, at {joined.seq}" in await trace.entry(posted.seq, "--for", "eve")


async def test_somebody_who_was_kicked(scene: Scene, trace: Trace) -> None:
    """Nothing after it is theirs; the kick is."""
    kicked = await scene.writer.submit(submit.kick(scene.ada, scene.room, scene.bob, "k1"))
    posted = await say(scene.writer, scene.ada, scene.room, "c1")
    assert f"were kicked at {kicked.seq}" in await trace.entry(posted.seq, "--for", "bob")
    assert "does not get it" not in await trace.entry(kicked.seq, "--for", "bob")


async def test_a_blocked_author(scene: Scene, trace: Trace) -> None:
    """Hidden from the blocker, not from the others."""
    await scene.writer.submit(submit.block(scene.bob, scene.ada, "b1"))
    posted = await say(scene.writer, scene.ada, scene.room, "c1")
    assert "they block its author" in await trace.entry(posted.seq, "--for", "bob")
    assert "block" not in await trace.entry(posted.seq, "--for", "ada")


async def test_a_deleted_message(scene: Scene, trace: Trace) -> None:
    """By which entry, for anybody and for somebody."""
    posted = await say(scene.writer, scene.ada, scene.room, "c1")
    deleted = await scene.writer.submit(
        submit.of_frame(scene.ada, Delete(1, scene.room, "d1", posted.seq))
    )
    for arguments in ((), ("--for", "bob")):
        assert f"deleted by entry {deleted.seq}" in await trace.entry(posted.seq, *arguments)


async def test_what_was_delivered(scene: Scene, trace: Trace) -> None:
    """A device says what it has, a person what they have read; before that nothing is known."""
    posted = await say(scene.writer, scene.ada, scene.room, "c1")
    assert "logged out everywhere" in await trace.entry(posted.seq, "--for", str(scene.bob))
    device = await scene.log_in(scene.bob)
    assert "nothing stands in the way" in await trace.entry(posted.seq, "--for", "@bob")
    await scene.database.execute(
        "INSERT INTO device_pointers VALUES ($1, $2, $3)", scene.room, device, posted.seq
    )
    assert f"device {device} says" in await trace.entry(posted.seq, "--for", "bob")
    await scene.writer.submit(submit.read(scene.bob, scene.room, posted.seq))
    assert f"read up to {posted.seq}" in await trace.entry(posted.seq, "--for", "bob")


async def test_an_entry_on_its_lane_and_one_that_is_not(scene: Scene, trace: Trace) -> None:
    """The lane is Redis', and a hint only."""
    posted = await say(scene.writer, scene.ada, scene.room, "c1")
    assert "older than what the lane keeps" in await trace.entry(posted.seq)
    table = LaneTable(16)
    nodes = nodes_at(scene.shell["MUSTER_REDIS_URL"], False, table, Random(1))
    publisher = RedisPublisher(nodes, table, PublisherMeters(CollectorRegistry()), 1000, Random(1))
    try:
        entries = await read_entries(scene.database, scene.room, posted.seq - 1, posted.seq, 1)
        await publisher.publish([of_entry(entry) for entry in entries])
    finally:
        await publisher.close()
    assert f"{table.lane_of(scene.room.bytes)}: published, at" in await trace.entry(posted.seq)


async def test_a_lease_left_over_is_named(scene: Scene, trace: Trace) -> None:
    """Committed by somebody who died before publishing."""
    posted = await say(scene.writer, scene.ada, scene.room, "c1")
    await scene.database.execute(
        "INSERT INTO publish_leases VALUES ($1, now() - interval '9 s', ARRAY[$2::uuid],"
        " ARRAY[$3::bigint], ARRAY[$3::bigint])",
        new_id(),
        scene.room,
        posted.seq,
    )
    assert "over for 9" in await trace.entry(posted.seq)


async def test_what_there_is_not(scene: Scene, trace: Trace) -> None:
    """Exit code 1 and a sentence each: no such room, no such entry, nobody of that name."""
    assert "no such room" in await trace("entry", str(new_id()), "1")
    assert trace.code == 1
    assert "no such entry" in await trace.entry(999)
    assert trace.code == 1
    assert "nobody is called zoe" in await trace.entry(1, "--for", "zoe")
    assert "nobody is called zoe" in await trace("person", "zoe")
    assert trace.code == 1


async def test_redis_away_is_no_reason_to_say_nothing(scene: Scene, trace: Trace) -> None:
    """Postgres has the answer."""
    trace._shell = {**scene.shell, "MUSTER_REDIS_URL": "redis://127.0.0.1:1/0"}
    posted = await say(scene.writer, scene.ada, scene.room, "c1")
    assert "Redis does not answer" in await trace.entry(posted.seq)


async def test_a_person_and_their_rooms(scene: Scene, trace: Trace) -> None:
    """Sessions, where each room stands, and a sentence."""
    assert "no session is live" in await trace("person", "bob")
    device = await scene.log_in(scene.bob)
    await scene.database.execute(
        "INSERT INTO device_pointers VALUES ($1, $2, 1)", scene.room, device
    )
    said = await trace("person", "bob")
    assert f"room {scene.room}" in said
    assert "In 1 of the 1 rooms" in said
    assert trace.code == 0


async def test_a_person_s_presence(scene: Scene, trace: Trace) -> None:
    """Which devices are in, by whose word and for how long, and why somebody may not see it."""
    assert "No device is in" in await trace("person", "bob")
    roll = roll_at(scene.shell["MUSTER_REDIS_URL"], False, Random(1))
    generation, device = b"g" * 16, new_id()
    await roll.enter(b"h" * 16, generation)
    claim = Device(generation, Attention.idle, 1_767_225_600_000)
    says = [Say(Key(scene.bob.bytes, device.bytes), claim, packed(Profile()))]
    await roll.say(generation, says)
    said = await trace("person", "bob")
    assert f"device {device}  idle since 2026-01-01" in said
    assert "They are idle, and their contacts may see it" in said
    await scene.database.execute(
        "INSERT INTO presence_profiles (person_id, invisible) VALUES ($1, true)", scene.bob
    )
    assert "invisible" in await trace("person", "bob")
    await roll.retire(generation, -1)
    assert "The hubs of all their devices are gone" in await trace("person", "bob")
    await roll.close()
