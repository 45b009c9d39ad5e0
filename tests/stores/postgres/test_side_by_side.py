"""Processes of the release before go on committing on the newer schema, by the function they know."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import UUID

import asyncpg
import pytest_asyncio

from muster import hosting, moderation, submit
from muster.batch import Lease
from muster.clock import SystemClock
from muster.events import Attending, EventChange, JoinsOn
from muster.ids import CONTROL_ROOM, RoomId, direct_room
from muster.op import NewRoom, Op
from muster.permission import Relation
from muster.stores.postgres.batch import arguments
from muster.venue import Visibility
from proto.entry import Body, Poll
from proto.frames import Delete, Edit, Post, Vote
from tests.vocabulary import new_id, person, post, room_of, writing

KINDS_OF_0001 = frozenset(
    """
    post edit delete react unreact join leave kick role settings room_added room_removed invited
    read mute block unblock profile revoke ban unban
    """.split()  # noqa: SIM905  # a list of 20 quoted words reads worse
)


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


async def _commit(
    database: asyncpg.Connection, op: Op, lock: UUID, version: int = 1
) -> list[asyncpg.Record]:
    """What an older release does with one op; it locks the op's room and one self log."""
    places = ", ".join(f"${number}" for number in range(1, 18))
    values = list(arguments(Lease(new_id(), ()), [op]))
    values[5] = [op.room, lock]
    function = f"commit_batch_v{version}"
    return await database.fetch(f"SELECT status, kind FROM {function}({places})", *values)


async def test_the_release_before_writes_what_it_can_read(
    database: asyncpg.Connection, database_url: str
) -> None:
    """Rooms, messages and blocks by commit_batch_v1, between contacts made by the newer release."""
    ada, bob = await person(database), await person(database)
    async with writing(database_url) as writer:
        for one, other in ((ada, bob), (bob, ada)):
            await writer.submit(submit.contact(one, other, str(new_id())))
        room = direct_room(ada, bob)
        new = NewRoom("direct", "all", "", "", [bob])
        made = await _commit(database, submit.create(ada, room, "made", new), ada)
        said = await _commit(database, post(ada, room, "said"), ada)
        blocked = await _commit(database, submit.block(ada, bob, "block"), ada)
        assert [row["status"] for row in (made[0], said[0], blocked[0])] == ["ok"] * 3
        assert {row["kind"] for row in (*made, *said, *blocked)} <= KINDS_OF_0001
        # The newer release repeats the block, and the contact goes then.
        assert (await writer.submit(submit.block(ada, bob, "again"))).room == CONTROL_ROOM
    states = await database.fetch("SELECT state FROM contacts")
    assert [row["state"] for row in states] == ["removed"] * 2


async def test_polls_and_previews_bear_the_release_before(
    database: asyncpg.Connection, database_url: str
) -> None:
    """It edits and deletes by commit_batch_v2: what may be chosen stays, votes and previews go, links are looked at."""
    ada = await person(database)
    async with writing(database_url) as writer:
        room = await room_of(writer, ada)
        asked = Post(1, room, "asked", "Really?", poll=Poll(["yes", "no"]))
        poll = (await writer.submit(submit.of_frame(ada, asked))).seq
        await writer.submit(submit.of_frame(ada, Vote(1, room, "vote", poll, [1])))
        made = []
        for frame in (
            Edit(1, room, "edit", poll, "Really not?"),
            Post(1, room, "link", "http://a.example/"),
        ):
            made += await _commit(database, submit.of_frame(ada, frame), ada, version=2)
        assert [(row["status"], row["kind"]) for row in made] == [("ok", "edit"), ("ok", "post")]
        kept = await database.fetchval(
            "SELECT body->'poll'->'options' FROM entries WHERE seq = $1", poll
        )
        assert kept == '["yes", "no"]'
        assert await database.fetchval("SELECT count(*) FROM jobs WHERE kind = 'preview'") == 1
        delete = submit.of_frame(ada, Delete(1, room, "delete", poll))
        await _commit(database, delete, ada, version=2)
    assert await database.fetchval("SELECT count(*) FROM poll_votes") == 0
    assert await database.fetchval("SELECT body FROM entries WHERE kind = 'vote'") is None


async def test_levels_and_devices_bear_the_release_before(
    database: asyncpg.Connection, database_url: str
) -> None:
    """It mutes by commit_batch_v1: what is chosen is chosen in both columns. It logs out: pushes end."""
    ada = await person(database)
    async with writing(database_url) as writer:
        room = await room_of(writer, ada)
    session = new_id()
    await database.execute(
        "INSERT INTO sessions (session_id, person_id, device_id, expires_at) VALUES ($1, $2, $1, now() + '1 day')",
        session,
        ada,
    )
    await database.execute(
        "INSERT INTO push_devices (device_id, person_id, install, provider, environment, topic, token, target_kind,"
        " locale, zone, session_id) VALUES ($1, $2, '', 'fcm', 'production', 'p', 't', 'token', 'en', 'UTC', $1)",
        session,
        ada,
    )
    chosen = "SELECT level, chosen_level, muted_until IS NOT NULL FROM members WHERE room_id = $1"
    for number, (body, want) in enumerate(
        (
            (Body(room=room, level="none"), ("none", "none", False)),
            (Body(room=room, muted_until_ms=1_900_000_000_000), ("none", "none", True)),
            (Body(room=room, level="all"), ("all", "all", False)),
        )
    ):
        [made] = await _commit(database, submit.mute(ada, f"mute {number}", body), room)
        assert (made["status"], made["kind"]) == ("ok", "mute")
        assert [tuple(row) for row in await database.fetch(chosen, room)] == [want]
    [made] = await _commit(database, submit.revoke(ada, ada, None, "out"), ada)
    assert made["kind"] == "revoke"
    assert await database.fetchval("SELECT count(*) FROM push_devices") == 0


async def test_rosters_bear_the_release_before(
    database: asyncpg.Connection, database_url: str
) -> None:
    """It makes somebody a moderator and kicks somebody by commit_batch_v1: one is a host, the other's place is free."""
    ada, bob, eve, dan = [await person(database) for _ in range(4)]
    event, now_ms = RoomId(new_id()), SystemClock().now_ms()
    said = EventChange(
        title="x", topic="", about="", cover=None, doors_at_ms=now_ms, starts_at_ms=now_ms,
        ends_at_ms=now_ms + 3_600_000, zone="UTC", place_name="", address="", point=None, fence=None,
        visibility=Visibility.public, capacity=3, joins_on=JoinsOn.answer, dwell_ms=None,
    )  # fmt: skip
    async with writing(database_url) as writer:
        await writer.submit(hosting.create(ada, event, "made", said))
        for guest in (bob, eve, dan):
            await writer.submit(hosting.answer(guest, event, "yes", Attending("going")))
    await _commit(database, submit.role(ada, event, bob, Relation.moderator, "role"), bob)
    kicked = await _commit(database, submit.kick(ada, event, eve, "kick"), eve)
    assert {row["kind"] for row in kicked} <= KINDS_OF_0001
    rows = await database.fetch("SELECT person_id, answer, is_host FROM event_roster")
    assert {row[0]: (row[1], row[2]) for row in rows} == {
        ada: ("going", True),
        bob: ("going", True),
        dan: ("going", False),
    }


async def test_what_moderators_do_binds_the_release_before(
    database: asyncpg.Connection, database_url: str
) -> None:
    """By commit_batch_v3 who is silenced, waits or is banned is refused in words it knows; its acts are audited."""
    ada, bob, eve = [await person(database) for _ in range(3)]
    async with writing(database_url) as writer:
        room = await room_of(writer, ada, bob, eve)
        until = moderation.measure("", SystemClock().now_ms() + 3_600_000)
        await writer.submit(moderation.silence(ada, room, bob, "silence", until))
        await writer.submit(submit.settings(ada, room, "slow", Body(slow_s=60)))

        async def status(op: Op) -> str:
            return str((await _commit(database, op, op.subject or ada, version=3))[0]["status"])

        assert await status(post(bob, room, "b1")) == "permission_denied"
        assert [await status(post(eve, room, f"e{n}")) for n in range(2)] == [
            "ok",
            "permission_denied",
        ]
        assert await status(submit.kick(ada, room, bob, "kick")) == "ok"
        await writer.submit(moderation.room_ban(ada, room, bob, "ban", moderation.measure("")))
        assert await status(submit.invite(ada, room, bob, "invite")) == "permission_denied"
    acts = await database.fetch("SELECT action, actor_as FROM audit ORDER BY n")
    assert [tuple(row) for row in acts] == [
        ("silence", "owner"),
        ("settings", "owner"),
        ("kick", "owner"),
        ("room_ban", "owner"),
    ]
