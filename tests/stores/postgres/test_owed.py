"""What is owed stands in Postgres: where it begins, what ends it, and what it costs to find."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from muster import submit
from muster.errors import Refused
from muster.ids import RoomId
from muster.owed import Settled, Wishes
from muster.stores.postgres.badges import PEOPLE_MOST
from muster.stores.postgres.candidates import CANDIDATES, SCAN_PEOPLE, SCAN_ROWS, UNSETTLED
from muster.stores.postgres.moments import to_ms
from proto import frames
from tests.stores.postgres.debtors import APNS, FCM, Ground, fresh, ground, key, register
from tests.vocabulary import new_id, person, room_of, say


@pytest_asyncio.fixture
async def on(database_url: str) -> AsyncIterator[Ground]:
    async with ground(database_url) as opened:
        yield opened


async def test_a_new_phone_does_not_ring_for_what_was_unread(on: Ground) -> None:
    """The first device of a provider begins at the heads of then; one more beside it is owed what the first is."""
    ada, bob = await person(on.database), await person(on.database)
    room = await room_of(on.writer, bob, ada)
    for n in range(3):
        await say(on.writer, bob, room, f"old {n}")
    first = await register(on.database, ada)
    assert await on.seqs(ada, room) == []
    assert (await on.one(ada, room)).badge == 3
    assert await on.all_unsettled() == []
    new = (await say(on.writer, bob, room, "new")).seq
    assert await on.seqs(ada, room) == [new]
    await register(on.database, ada)
    await register(on.database, ada, device=first)
    assert await on.seqs(ada, room) == [new]
    assert await on.all_unsettled() == [key(ada, room)]
    [there] = await on.store.candidates([fresh(room, new, bob)])
    assert (there.key, there.provider, there.urgent) == (key(ada, room), APNS, False)
    await register(on.database, ada, FCM)
    assert await on.seqs(ada, room, FCM) == []
    assert await on.seqs(ada, room) == [new]


async def test_who_has_no_device_left_begins_again(on: Ground) -> None:
    """A dead token's device is gone: what was said until the next one is registered rings nowhere later."""
    ada, bob = await person(on.database), await person(on.database)
    room = await room_of(on.writer, bob, ada)
    device = await register(on.database, ada)
    await say(on.writer, bob, room, "told")
    assert await on.store.drop_token(device, f"token of {device}", None)
    await say(on.writer, bob, room, "to nobody")
    await register(on.database, ada, device=device)
    assert await on.seqs(ada, room) == []
    new = (await say(on.writer, bob, room, "new")).seq
    assert await on.seqs(ada, room) == [new]


async def test_rows_go_with_the_membership(on: Ground) -> None:
    """Whoever was out is owed nothing of that time, nor of before; a key of somebody outside is left out."""
    ada, bob = await person(on.database), await person(on.database)
    room = await room_of(on.writer, bob, ada)
    await register(on.database, ada)
    seq = (await say(on.writer, bob, room, "before")).seq
    await on.store.settle(APNS, [Settled(key(ada, room), seq - 1)])
    for out in (submit.kick(bob, room, ada, "k"), submit.leave(ada, room, "l")):
        await on.writer.submit(out)
        assert await on.store.owed(APNS, [key(ada, room)]) == []
        await on.store.settle(APNS, [Settled(key(ada, room), seq)])
        assert await on.database.fetchval("SELECT count(*) FROM push_notified") == 0
        away = (await say(on.writer, bob, room, f"away {out.kind}")).seq
        assert await on.all_unsettled() == []
        assert await on.store.candidates([fresh(room, away, bob)]) == []
        await on.writer.submit(submit.invite(bob, room, ada, f"i {out.kind}"))
        assert await on.store.owed(APNS, [key(ada, room)]) == []
        await on.writer.submit(submit.join(ada, room, f"j {out.kind}"))
        assert await on.seqs(ada, room) == []
        seq = (await say(on.writer, bob, room, f"back {out.kind}")).seq
        assert await on.seqs(ada, room) == [seq]


async def test_what_was_said_into_silence_never_rings(on: Ground) -> None:
    """Muted, at level none or mentions, blocked, or a request: who ends that is told from then on."""
    ada, bob, eve = [await person(on.database) for _ in range(3)]
    room, own = [await room_of(on.writer, bob, ada) for _ in range(2)]
    loud = await room_of(on.writer, bob, ada, kind="public")
    await register(on.database, ada)
    level = "UPDATE members SET chosen_level = $1 WHERE room_id = $2 AND person_id = $3"
    muted = "UPDATE members SET muted_until = $1 WHERE room_id = $2 AND person_id = $3"
    later = await on.database.fetchval("SELECT now() + interval '1 hour'")
    wish = (
        "INSERT INTO push_wishes (person_id, level) VALUES ($1, $2)"
        " ON CONFLICT (person_id) DO UPDATE SET level = excluded.level"
    )
    turns: list[tuple[RoomId, str, list[object], list[object]]] = [
        (room, muted, [later, room, ada], [None, room, ada]),
        (room, level, ["none", room, ada], [None, room, ada]),
        (own, level, ["mentions", own, ada], ["all", own, ada]),
        (loud, level, [None, loud, ada], ["all", loud, ada]),
        (room, wish, [ada, "none"], [ada, "all"]),
        (room, wish, [ada, "mentions"], [ada, "all"]),
    ]
    for n, (where, change, silent, again) in enumerate(turns):
        await on.database.execute(change, *silent)
        said = (await say(on.writer, bob, where, f"into silence {n}")).seq
        assert await on.store.candidates([fresh(where, said, bob)]) == [], n
        assert await on.all_unsettled() == [], n
        await on.database.execute(change, *again)
        assert await on.all_unsettled() == [], n
        assert await on.seqs(ada, where) == [], n
        said = (await say(on.writer, bob, where, f"aloud {n}")).seq
        assert len(await on.store.candidates([fresh(where, said, bob)])) == 1, n
        assert await on.all_unsettled() == [key(ada, where)], n
        assert await on.seqs(ada, where) == [said], n
        await on.writer.submit(submit.read(ada, where, said))
    await on.database.execute("UPDATE people SET may_message = 'everyone'")
    direct = await room_of(on.writer, eve, ada, kind="direct")
    await on.writer.submit(submit.block(ada, eve, "b"))
    said = (await say(on.writer, eve, direct, "hidden")).seq
    assert await on.store.candidates([fresh(direct, said, eve)]) == []
    await on.writer.submit(submit.unblock(ada, eve, "u"))
    assert await on.seqs(ada, direct) == []
    await on.database.execute(
        "UPDATE members SET request = true WHERE room_id = $1 AND person_id = $2", direct, ada
    )
    said = (await say(on.writer, eve, direct, "a request")).seq
    assert await on.store.candidates([fresh(direct, said, eve)]) == []
    assert (await on.one(ada, direct)).is_request
    assert await on.all_unsettled() == []
    await on.database.execute(
        "UPDATE members SET request = false WHERE room_id = $1 AND person_id = $2", direct, ada
    )
    assert await on.all_unsettled() == []


async def test_a_lower_voice_forgets_nothing(on: Ground) -> None:
    """Going from all to mentions, or muting for longer, leaves a mention owed that waits to be told."""
    ada, bob = await person(on.database, "ada"), await person(on.database)
    room = await room_of(on.writer, bob, ada)
    await register(on.database, ada)
    await say(on.writer, bob, room, "plain")
    mention = (await say(on.writer, bob, room, "mention", "@ada!")).seq
    await on.database.execute(
        "UPDATE members SET chosen_level = 'mentions', muted_until = now() + interval '1 hour'"
        " WHERE person_id = $1",
        ada,
    )
    owed = await on.one(ada, room)
    assert ([m.seq for m in owed.messages], owed.unread, owed.mentions) == (
        [mention - 1, mention],
        2,
        1,
    )
    [there] = await on.store.unsettled(APNS, None, 10)
    assert (there.key, there.urgent) == (key(ada, room), True)


async def test_a_mute_holds_for_its_time_after_its_end(on: Ground) -> None:
    """Nothing is written when a mute runs out: what was said in it is left out by when it was said."""
    ada, bob = await person(on.database, "ada"), await person(on.database)
    room = await room_of(on.writer, bob, ada)
    await register(on.database, ada)
    await say(on.writer, bob, room, "muted")
    mention = (await say(on.writer, bob, room, "mention", "@ada")).seq
    await on.database.execute(
        "UPDATE members SET muted_until = (SELECT max(at) + interval '1 us' FROM entries WHERE room_id = $1)"
        " WHERE person_id = $2",
        room,
        ada,
    )
    new = (await say(on.writer, bob, room, "new")).seq
    assert await on.seqs(ada, room) == [mention, new]


async def test_notified_moves_forward_and_only_there(on: Ground) -> None:
    """Never back, never past the head, for the last of several at once, and each provider by itself."""
    ada, bob = await person(on.database), await person(on.database)
    room = await room_of(on.writer, bob, ada)
    mine = key(ada, room)
    last = 0
    for n in range(4):
        last = (await say(on.writer, bob, room, str(n))).seq
    for given, stands in (
        ([last - 2], last - 2),
        ([last - 3], last - 2),
        ([last - 1, 1], last - 1),
        ([10**9], last),
    ):
        await on.store.settle(APNS, [Settled(mine, seq) for seq in given])
        assert (await on.one(ada, room)).notified == stands
    assert (await on.one(ada, room, FCM)).notified == 0
    outside = await person(on.database)
    await on.store.settle(
        APNS, [Settled(key(outside, room), 2), Settled(key(ada, RoomId(new_id())), 2)]
    )
    await on.store.settle(APNS, [])
    assert await on.database.fetchval("SELECT count(*) FROM push_notified") == 1


async def test_settling_again_touches_no_index(on: Ground) -> None:
    """A row that moves stays on its page: updates are HOT."""
    ada, bob = await person(on.database), await person(on.database)
    room = await room_of(on.writer, bob, ada)
    for n in range(6):
        seq = (await say(on.writer, bob, room, str(n))).seq
        await on.store.settle(APNS, [Settled(key(ada, room), seq)])
    async with on.pool.lent() as one, on.pool.lent() as two:
        for connection in (one, two):
            await connection.execute("SELECT pg_stat_force_next_flush()")
    updates = await on.database.fetchrow(
        "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'push_notified'"
    )
    assert updates is not None
    assert tuple(updates) == (5, 5)


async def test_what_is_sent_is_what_it_says_now(on: Ground) -> None:
    """Words after edits, nothing that was deleted or read, devices as they are; the newest few and those that name."""
    ada, bob = await person(on.database, "ada"), await person(on.database, "bob")
    room = await room_of(on.writer, bob, ada)
    device = await register(on.database, ada)
    over = await register(on.database, ada, over=True)
    gone = await register(on.database, ada)
    await on.database.execute("UPDATE sessions SET revoked_at = now() WHERE device_id = $1", gone)
    await say(on.writer, bob, room, "m", "first")
    await say(on.writer, bob, room, "n", "@ada look")
    for n in range(6):
        await say(on.writer, bob, room, str(n), f"text {n}")
    edit = submit.of_frame(bob, frames.Edit(1, room, "e", "5", "text 5, edited"))
    await on.writer.submit(edit)
    await on.writer.submit(submit.of_frame(bob, frames.Delete(1, room, "d", "4")))
    await on.database.execute("INSERT INTO device_pointers VALUES ($1, $2, 3)", room, device)
    owed = await on.one(ada, room)
    assert [message.text for message in owed.messages] == [
        *("@ada look", "text 0", "text 1", "text 2", "text 3", "text 5, edited")
    ]  # fmt: skip
    assert [message.mentions_me for message in owed.messages] == [True, *[False] * 5]
    assert {message.author_name for message in owed.messages} == {"bob"}
    assert (owed.unread, owed.mentions, owed.badge, owed.through) == (7, 1, 7, await on.head(room))
    assert (owed.title, owed.room_kind, owed.level, owed.wishes) == (
        "a room",
        "group",
        None,
        Wishes(),
    )
    assert ([each.device for each in owed.devices], owed.received) == ([device, over], (3, 0))
    assert owed.session_over == {over}
    assert (await on.one(ada, room, FCM)).devices == ()
    await on.writer.submit(submit.read(ada, room, owed.through - 3))
    assert [m.text for m in (await on.one(ada, room)).messages] == ["text 5, edited"]


async def test_a_token_is_dropped_only_if_it_is_that_one_and_that_old(on: Ground) -> None:
    """One that was registered anew since the provider spoke of it stays."""
    ada = await person(on.database)
    device = await register(on.database, ada)
    token = f"token of {device}"
    at = await on.database.fetchval("SELECT registered_at FROM push_devices")
    assert not await on.store.drop_token(device, "another", None)
    assert not await on.store.drop_token(device, token, to_ms(at))
    assert await on.store.drop_token(device, token, to_ms(at) + 1)
    assert not await on.store.drop_token(device, token, None)


async def test_candidates_by_kind_of_room(on: Ground) -> None:
    """Who may be owed something: all but who chose less in groups, in public rooms who chose all or is named."""
    bob, plain, loud, some, none = [await person(on.database) for _ in range(5)]
    people = {"plain": plain, "loud": loud, "some": some, "none": none}
    for each in (bob, *people.values()):
        await register(on.database, each)
    names = {each.bytes: name for name, each in people.items()}
    for kind, shapes in {
        "group": ({"plain", "loud"}, {"plain!", "loud", "some!"}, {"plain!", "loud!", "some!"}),
        "public": ({"loud"}, {"plain!", "loud", "some!"}, {"plain!", "loud!", "some!"}),
        "announcement": ({"loud"}, {"plain!", "loud", "some!"}, {"plain!", "loud!", "some!"}),
    }.items():
        room = await room_of(on.writer, bob, *people.values(), kind=kind)
        for level, each in (("all", loud), ("mentions", some), ("none", none)):
            await on.database.execute(
                "UPDATE members SET chosen_level = $1 WHERE room_id = $2 AND person_id = $3",
                *(level, room, each),
            )
        head = await on.head(room) + 1
        named = (plain, some, none)
        for news, expected in zip(
            (
                fresh(room, head, bob),
                fresh(room, head, bob, named=named),
                fresh(room, head, bob, here=True),
            ),
            shapes,
            strict=True,
        ):
            found = await on.store.candidates([news])
            assert {names[c.key.person] + "!" * c.urgent for c in found} == expected, kind
        both = await on.store.candidates([fresh(room, head, bob, loud)])
        assert loud.bytes in {c.key.person for c in both}
        assert bob.bytes in {c.key.person for c in both} or kind != "group"
    await on.database.execute("UPDATE people SET may_message = 'everyone'")
    direct = await room_of(on.writer, bob, none, kind="direct")
    [there] = await on.store.candidates([fresh(direct, 3, bob)])
    assert (there.key, there.urgent) == (key(none, direct), True)
    # A self log brings its owner what events tell.
    [there] = await on.store.candidates(
        [fresh(RoomId(none), 3, bob), fresh(RoomId(new_id()), 1, bob)]
    )
    assert (there.key, there.urgent) == (key(none, none), False)
    [there] = await on.store.candidates([fresh(RoomId(none), 3, bob, named=[none])])
    assert there.urgent
    await on.database.execute("DELETE FROM push_devices WHERE person_id = $1", none)
    assert await on.store.candidates([fresh(RoomId(none), 3, bob)]) == []
    assert await on.store.candidates([]) == []


async def test_a_message_costs_what_it_rings_not_what_the_room_holds(on: Ground) -> None:
    """10,000 members, five of whom want everything: five are read."""
    bob = await person(on.database)
    room = await room_of(on.writer, bob, kind="public")
    await on.database.execute(
        """
        INSERT INTO members (room_id, person_id, relation, from_seq, chosen_level)
        SELECT $1, gen_random_uuid(), 'member', 1, CASE WHEN n % 2000 = 0 THEN 'all' END
        FROM generate_series(1, 10000) n
        """,
        room,
    )
    await on.database.execute(
        """
        INSERT INTO push_devices (device_id, person_id, install, provider, environment, topic, token, target_kind,
                                  locale, zone, session_id)
        SELECT gen_random_uuid(), m.person_id, 'i', 'fcm', 'production', 'app', m.person_id::text, 'token', 'en', 'UTC',
               gen_random_uuid() FROM members m WHERE m.chosen_level = 'all'
        """
    )
    await on.database.execute("ANALYZE members, push_devices")
    assert len(await on.store.candidates([fresh(room, 2, bob)])) == 5
    async with on.pool.lent() as connection:
        [[plan]] = await connection.fetch(
            "EXPLAIN (ANALYZE, FORMAT JSON) " + CANDIDATES,
            [room],
            [2],
            [False],
            ["{" + bob.hex + "}"],
            ["{}"],
        )
    assert _rows_read(plan, "members") == 5


def _rows_read(plan: str, table: str) -> float:
    """How many rows of a table an EXPLAIN (ANALYZE, FORMAT JSON) says were looked at."""
    rows: float = sum(
        node["Actual Loops"] * (node["Actual Rows"] + node.get("Rows Removed by Filter", 0))
        for node in _nodes(json.loads(plan)[0]["Plan"])
        if node.get("Relation Name") == table
    )
    return rows


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for below in node.get("Plans", []):
        yield from _nodes(below)


async def test_the_walk_through_everything_finds_what_lies_far_apart(on: Ground) -> None:
    """Beyond many people and many rooms that owe nothing, each found once, in order, and read by indexes alone."""
    bob = await person(on.database)
    room = await room_of(on.writer, bob)
    await say(on.writer, bob, room, "hello")
    await on.database.execute(
        f"""
        CREATE TEMP TABLE crowd AS SELECT n, gen_random_uuid() AS id FROM generate_series(1, {3 * SCAN_PEOPLE}) n;
        INSERT INTO members (room_id, person_id, relation, from_seq, read_seq, read_msg_no)
            SELECT '{room}', id, 'member', 1, 9 * (n % 90 > 0)::int, 9 * (n % 90 > 0)::int FROM crowd;
        INSERT INTO push_devices (device_id, person_id, install, provider, environment, topic, token, target_kind,
                                  locale, zone, session_id)
            SELECT gen_random_uuid(), id, 'i', 'apns', 'production', 'app', id::text || d, 'token', 'en', 'UTC',
                   gen_random_uuid() FROM crowd, generate_series(1, 2) d;
        CREATE TEMP TABLE halls AS SELECT gen_random_uuid() AS id FROM generate_series(1, {SCAN_ROWS + 100});
        INSERT INTO rooms (room_id, kind) SELECT id, 'public' FROM halls;
        INSERT INTO members (room_id, person_id, relation)
            SELECT h.id, c.id, 'member' FROM halls h, crowd c WHERE c.n = 1;
        DELETE FROM push_notified;
        ANALYZE members, push_devices, rooms;
        """
    )
    owed = await on.database.fetch("SELECT id FROM crowd WHERE n % 90 = 0 ORDER BY id")
    assert await on.all_unsettled() == [key(each["id"], room) for each in owed]
    assert len(await on.store.unsettled(APNS, None, 100)) == len(owed)
    assert await on.all_unsettled(FCM) == []
    async with on.pool.lent() as connection:
        [[plan]] = await connection.fetch(
            "EXPLAIN (ANALYZE, FORMAT JSON) " + UNSETTLED, "apns", UUID(int=0), UUID(int=0)
        )
    assert _rows_read(plan, "members") <= SCAN_PEOPLE + 2 * SCAN_ROWS
    assert _rows_read(plan, "push_devices") <= 2 * SCAN_PEOPLE + 1


async def test_the_number_of_queries_does_not_grow_with_keys(on: Ground) -> None:
    """One key or as many as people share a statement of badges: the same."""
    bob = await person(on.database)
    people = [await person(on.database) for _ in range(PEOPLE_MOST)]
    room = await room_of(on.writer, bob, *people)
    await say(on.writer, bob, room, "hello")
    # A new connection asks once what types there are.
    await asyncio.gather(*(on.store.owed(APNS, [key(people[0], room)]) for _ in range(12)))
    asked: list[str] = []
    async with on.pool.lent() as one, on.pool.lent() as two:
        for connection in (one, two):
            connection.add_query_logger(lambda record: asked.append(record.query))
    counts = []
    for keys in ([key(people[0], room)], [key(each, room) for each in people]):
        asked.clear()
        owed = await on.store.owed(APNS, keys)
        assert [each.key for each in owed] == keys
        counts.append(len(asked))
    assert counts == [6, 6]  # BEGIN, lines, messages, devices, COMMIT, badges


async def test_rooms_too_much_for_one_statement_are_asked_in_parts(on: Ground) -> None:
    """A statement is cancelled at the second device it looks at: whoever is a candidate is found; one that alone is
    too much is refused."""
    bob = await person(on.database)
    rooms, people = [], []
    for _ in range(3):
        people.append(await person(on.database))
        rooms.append(await room_of(on.writer, bob, people[-1]))
        await register(on.database, people[-1])
    news = [fresh(room, (await say(on.writer, bob, room, "hello")).seq, bob) for room in rooms]
    await on.database.execute(
        """
        CREATE TABLE looks (at timestamptz);
        CREATE TABLE patience AS SELECT 1 AS most;
        CREATE FUNCTION bears() RETURNS boolean LANGUAGE plpgsql AS $$
        BEGIN
            INSERT INTO looks VALUES (statement_timestamp());
            IF (SELECT count(*) FROM looks WHERE at = statement_timestamp()) > (SELECT most FROM patience) THEN
                RAISE query_canceled;
            END IF;
            RETURN true;
        END $$;
        ALTER TABLE push_devices RENAME TO push_devices_kept;
        CREATE VIEW push_devices AS SELECT * FROM push_devices_kept WHERE bears();
        """
    )
    found = await on.store.candidates(news)
    wanted = {key(who, room) for who, room in zip(people, rooms, strict=True)}
    assert {each.key for each in found} == wanted
    await on.database.execute("UPDATE patience SET most = 0")
    with pytest.raises(Refused):
        await on.store.candidates(news)
