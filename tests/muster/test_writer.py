"""The races of committing, each against real Postgres: what DESIGN says under "Committing" holds."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio
from asyncpg.pool import PoolConnectionProxy

from loadtest.torture.link import linked
from loadtest.torture.weather import Way, Weather
from muster import submit
from muster.batch import Lease
from muster.errors import Refused
from muster.ids import PersonId, RoomId
from muster.op import Op
from muster.stores.postgres.batch import _COMMIT, arguments
from muster.stores.postgres.entries import read_entries
from muster.writer import SUBMIT_WITHIN_S, Writer
from proto.codec import MSGPACK
from proto.codes import Code
from proto.entry import Body
from proto.frames import Edit, Post, React
from tests.vocabulary import Recorder, log_of, new_id, person, post, room_of, say, writing

ROOT = Path(__file__).resolve().parents[2]


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[asyncpg.Pool]:
    async with asyncpg.create_pool(database_url, min_size=1, max_size=4) as pool:
        yield pool


@pytest_asyncio.fixture
async def writer(database_url: str) -> AsyncIterator[Writer]:
    async with writing(database_url) as running:
        yield running


def is_dense(seqs: list[int]) -> bool:
    return seqs == list(range(1, len(seqs) + 1))


async def commit_by_hand(connection: PoolConnectionProxy, *ops: Op) -> None:
    """One batch on a connection of the test's, in whatever transaction that is in."""
    await connection.fetch(_COMMIT, *arguments(Lease(new_id(), []), ops))


async def until_waiting(database: asyncpg.Pool, count: int) -> None:
    """Return once so many batches wait for somebody's lock."""
    waiting = 0
    while waiting < count:
        waiting = await database.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            " AND application_name LIKE 'test-%' AND datname = current_database()"
        )


async def test_a_kick_that_commits_first_refuses_the_post_that_waited_for_it(
    writer: Writer, database: asyncpg.Pool
) -> None:
    """The post's batch is under way when the kick commits; it is judged by what stands afterwards."""
    ada, bob = await person(database), await person(database)
    room = await room_of(writer, ada, bob)
    async with database.acquire() as other:
        transaction = other.transaction()
        await transaction.start()
        await commit_by_hand(other, submit.kick(ada, room, bob, "kick"))
        async with asyncio.TaskGroup() as tasks:
            posting = tasks.create_task(_refusal(writer, post(bob, room, "late")))
            await until_waiting(database, 1)
            await transaction.commit()
        assert posting.result() is Code.not_found
    log = await log_of(database, room)
    assert [row["kind"] for row in log] == ["join", "join", "kick"]


async def _refusal(writer: Writer, op: Op) -> Code | None:
    try:
        await writer.submit(op)
    except Refused as refused:
        return refused.code
    return None


async def test_kicks_and_posts_at_once_leave_nothing_of_the_kicked_after_the_kick(
    database_url: str, database: asyncpg.Pool
) -> None:
    """Two processes, 30 rounds: whatever wins, no entry of the kicked author is numbered after the kick."""
    async with writing(database_url) as one, writing(database_url) as other:
        ada = await person(database)
        for _ in range(30):
            bob = await person(database)
            room = await room_of(one, ada, bob)
            posts = [_refusal(other, post(bob, room, f"m{n}")) for n in range(8)]
            kick = _refusal(one, submit.kick(ada, room, bob, "kick"))
            await asyncio.gather(*posts[:4], kick, *posts[4:])
            log = await log_of(database, room)
            assert is_dense([row["seq"] for row in log])
            kicked_at = next(row["seq"] for row in log if row["kind"] == "kick")
            assert not [row for row in log if row["author"] == bob and row["seq"] > kicked_at]


async def test_a_duplicate_that_waited_for_its_twin_answers_the_twins_seq(
    writer: Writer, database: asyncpg.Pool
) -> None:
    """The same client id on two connections at once is one row and two answers."""
    ada = await person(database)
    room = await room_of(writer, ada)
    async with database.acquire() as other:
        transaction = other.transaction()
        await transaction.start()
        await commit_by_hand(other, post(ada, room, "twin", "first"))
        async with asyncio.TaskGroup() as tasks:
            again = tasks.create_task(say(writer, ada, room, "twin", "second"))
            await until_waiting(database, 1)
            await transaction.commit()
    assert (again.result().seq, again.result().fresh) == (2, False)
    assert [row["client_id"] for row in await log_of(database, room)][1:] == ["twin"]


async def test_a_client_id_twice_in_one_batch_is_one_row_and_two_answers(
    writer: Writer, database: asyncpg.Pool
) -> None:
    """... and the second body is the one that is not kept."""
    ada = await person(database)
    room = await room_of(writer, ada)
    first, second = await asyncio.gather(
        say(writer, ada, room, "same", "one"), say(writer, ada, room, "same", "two")
    )
    assert first.seq == second.seq == 2
    assert (first.fresh, second.fresh) == (True, False)
    text = await database.fetchval("SELECT text FROM entries WHERE room_id = $1 AND seq = 2", room)
    assert text == "one"


async def test_a_retry_is_answered_even_after_its_author_was_kicked(
    writer: Writer, database: asyncpg.Pool
) -> None:
    """A known client id answers its old seq, whoever its author is by now."""
    ada, bob = await person(database), await person(database)
    room = await room_of(writer, ada, bob)
    said = await say(writer, bob, room, "before")
    await writer.submit(submit.kick(ada, room, bob, "kick"))
    assert (await say(writer, bob, room, "before")).seq == said.seq
    assert await _refusal(writer, post(bob, room, "after")) is Code.not_found


async def test_a_poison_row_fails_alone(writer: Writer, database: asyncpg.Pool) -> None:
    """A row that Postgres cannot store is refused; the 60 that shared its batch are stored, without a hole."""
    ada, eve = await person(database), await person(database)
    room = await room_of(writer, ada, eve)
    good = [post(ada, room, f"g{n}") for n in range(60)]
    # Validation never lets a NUL in; this is what happens if something like it ever slips through.
    poison = post(eve, room, "bad", "nul: \x00")
    answers = await asyncio.gather(
        *(_refusal(writer, op) for op in [*good[:30], poison, *good[30:]])
    )
    assert [answer for answer in answers if answer is not None] == [Code.bad_request]
    log = await log_of(database, room)
    assert is_dense([row["seq"] for row in log])
    assert [row["client_id"] for row in log[2:]] == [f"g{n}" for n in range(60)]


async def test_a_lost_commit_reply_is_answered_from_the_same_batch_run_again(
    database_url: str, database: asyncpg.Pool
) -> None:
    """The row was committed, the answer swallowed: the sender gets the first seq, and there is one row."""
    async with linked(database_url) as (link, through), writing(through) as writer:
        ada = await person(database)
        room = await room_of(writer, ada)
        link.set(Way.answers, Weather(drop=True))
        async with asyncio.TaskGroup() as tasks:
            said = tasks.create_task(say(writer, ada, room, "lost"))
            await link.dropped.wait()
            link.mend()
        assert said.result().seq == 2
    assert [row["client_id"] for row in (await log_of(database, room))[1:]] == ["lost"]
    leases = await database.fetch("SELECT rooms, to_seqs FROM publish_leases")
    assert any(room in row["rooms"] and 2 in row["to_seqs"] for row in leases), (
        "what the lost batch committed must stay on some lease until somebody publishes it"
    )


async def test_postgres_out_of_reach_is_answered_temporary_within_two_seconds(
    database_url: str, database: asyncpg.Pool
) -> None:
    """No false ack, no endless wait; and once it is back, the same client id goes through."""
    async with (
        linked(database_url) as (link, through),
        writing(through, within_s=SUBMIT_WITHIN_S) as writer,
    ):
        ada = await person(database)
        room = await room_of(writer, ada)
        link.refuse()
        loop = asyncio.get_running_loop()
        started = loop.time()
        assert await _refusal(writer, post(ada, room, "away")) is Code.unavailable
        assert loop.time() - started < 2.0
        link.mend()
        assert (await say(writer, ada, room, "away")).seq == 2


async def test_a_senders_posts_commit_in_the_order_sent(
    writer: Writer, database: asyncpg.Pool
) -> None:
    """300 posts, none waited for, in a room that others post to as well."""
    ada, bob = await person(database), await person(database)
    room = await room_of(writer, ada, bob)
    ops = [post((ada, bob)[n % 2], room, f"{n:04}") for n in range(600)]
    await asyncio.gather(*(writer.submit(op) for op in ops))
    log = (await log_of(database, room))[2:]
    for author in (ada, bob):
        sent = [row["client_id"] for row in log if row["author"] == author]
        assert sent == sorted(sent)
        assert len(sent) == 300


async def test_changes_and_messages_of_a_room_keep_their_order(
    writer: Writer, database: asyncpg.Pool
) -> None:
    """Messages are committed as a set, changes one by one; their order is still the order sent."""
    ada = await person(database)
    room = await room_of(writer, ada)
    ops: list[Op] = []
    for n in range(20):
        ops += [post(ada, room, f"m{n}"), post(ada, room, f"n{n}")]
        ops.append(submit.settings(ada, room, f"s{n}", Body(title=f"title {n}")))
    await asyncio.gather(*(writer.submit(op) for op in ops))
    assert [row["client_id"] for row in (await log_of(database, room))[1:]] == [
        op.client_id for op in ops
    ]


async def test_a_room_whose_head_is_held_does_not_keep_others_waiting(
    database_url: str, database: asyncpg.Pool
) -> None:
    """The held room moves to a connection of its own; posts to 20 other rooms go through meanwhile."""
    async with writing(database_url, connections=1) as writer:
        ada = await person(database)
        held = await room_of(writer, ada)
        free = [await room_of(writer, ada) for _ in range(20)]
        async with database.acquire() as other:
            transaction = other.transaction()
            await transaction.start()
            await other.execute("SELECT 1 FROM rooms WHERE room_id = $1 FOR UPDATE", held)
            async with asyncio.TaskGroup() as tasks:
                stuck = tasks.create_task(say(writer, ada, held, "stuck"))
                await until_waiting(database, 1)
                answers = [await say(writer, ada, room, "free") for room in free for _ in range(3)]
                assert all(answer.seq == 2 for answer in answers)
                assert not stuck.done()
                await transaction.commit()
            assert stuck.result().seq == 2
            assert (await say(writer, ada, held, "next")).seq == 3


async def test_batches_over_the_same_rooms_never_deadlock(
    database_url: str, database: asyncpg.Pool
) -> None:
    """Four processes kick, invite and post crosswise: every op is answered, every log is dense."""
    ada, bob = await person(database), await person(database)
    async with writing(database_url) as one, writing(database_url) as other:
        rooms = [await room_of(one, ada, bob, kind="public") for _ in range(6)]

        def crossing(n: int, room: RoomId) -> list[Op]:
            return [
                submit.leave(bob, room, f"l{n}"),
                post(ada, room, f"p{n}"),
                submit.join(bob, room, f"j{n}"),
                submit.block(ada, bob, f"b{n}{room}"),
                submit.unblock(ada, bob, f"u{n}{room}"),
            ]

        for n in range(10):
            ops = [op for room in rooms for op in crossing(n, room)]
            halves = [one.submit(op) for op in ops] + [other.submit(op) for op in reversed(ops)]
            await asyncio.gather(*halves)
        for room in (*rooms, RoomId(ada), RoomId(bob)):
            assert is_dense([row["seq"] for row in await log_of(database, room)])


STOPPED = """
import asyncio, sys
from muster.ids import PersonId, RoomId
from uuid import UUID
from muster.telemetry import configure_logging
from tests.vocabulary import say, writing

async def main(url: str, author: PersonId, room: RoomId) -> None:
    async with writing(url) as writer:
        async def forever(n: int) -> None:
            i = 0
            while True:
                await say(writer, author, room, f"{n}:{i}")
                if n == 0 and i == 0:
                    print("posting", flush=True)
                i += 1
        await asyncio.gather(*(forever(n) for n in range(20)))

configure_logging("stopped", "warning")
asyncio.run(main(sys.argv[1], PersonId(UUID(sys.argv[2])), RoomId(UUID(sys.argv[3]))))
"""


async def test_a_stopped_process_holds_no_lock(
    database_url: str, writer: Writer, database: asyncpg.Pool
) -> None:
    """SIGSTOP at 15 moments in a process that posts without pause: others post to that room all the same."""
    ada = await person(database)
    room = await room_of(writer, ada)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", STOPPED, database_url, str(ada), str(room)),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"posting\n"
        for n in range(15):
            process.send_signal(signal.SIGSTOP)
            said = await say(writer, ada, room, f"mine{n}")
            assert said.fresh
            process.send_signal(signal.SIGCONT)
            await say(writer, ada, room, f"between{n}")
    finally:
        process.kill()
        await process.wait()
    assert is_dense([row["seq"] for row in await log_of(database, room)])


async def test_entries_are_published_in_commit_order_and_the_lease_is_cleared_when_idle(
    database_url: str, database: asyncpg.Pool
) -> None:
    """Per room the lanes get 1, 2, 3 ...; afterwards no lease is left to be published again."""
    bus = Recorder()
    async with writing(database_url, publisher=bus) as writer:
        ada = await person(database)
        rooms = [await room_of(writer, ada) for _ in range(5)]
        await asyncio.gather(*(say(writer, ada, rooms[n % 5], f"m{n}") for n in range(500)))
        async with asyncio.timeout(5):
            while await database.fetchval("SELECT count(*) FROM publish_leases"):
                pass
    for room in rooms:
        assert bus.seqs(room) == list(range(1, 102))


async def test_what_the_bus_refuses_stays_on_a_lease(
    database_url: str, database: asyncpg.Pool
) -> None:
    """Acked all the same; whoever finds the lease run out publishes it."""
    bus = Recorder()
    async with writing(database_url, publisher=bus) as writer:
        ada = await person(database)
        room = await room_of(writer, ada)
        await bus.until(room, 1)
        bus.broken = True
        assert (await say(writer, ada, room, "unheard")).seq == 2
        await bus.refused.wait()
        bus.broken = False
        assert (await say(writer, ada, room, "heard")).seq == 3
        await bus.until(room, 3)
    owed: set[tuple[UUID, int]] = set()
    for row in await database.fetch("SELECT rooms, from_seqs, to_seqs FROM publish_leases"):
        for owed_room, start, end in zip(*row, strict=True):
            owed |= {(owed_room, seq) for seq in range(start, end + 1)}
    assert (room, 2) in owed


@pytest.mark.parametrize("kind", ["edit", "react", "join", "settings", "block"])
async def test_a_change_that_changes_nothing_makes_no_entry(
    kind: str, writer: Writer, database: asyncpg.Pool
) -> None:
    """It answers the seq in force instead."""
    ada, bob = await person(database), await person(database)
    room = await room_of(writer, ada, bob)
    await say(writer, ada, room, "m")
    again: dict[str, Callable[[str], Op]] = {
        "edit": lambda n: submit.of_frame(ada, Edit(1, room, n, "m", "new words")),
        "react": lambda n: submit.of_frame(bob, React(1, room, n, 3, "+1")),
        "join": lambda n: submit.join(bob, room, n),
        "settings": lambda n: submit.settings(ada, room, n, Body(title="another")),
        "block": lambda n: submit.block(ada, bob, n),
    }
    first = await writer.submit(again[kind]("1"))
    logs = [len(await log_of(database, RoomId(PersonId(log)))) for log in (room, ada, bob)]
    second = await writer.submit(again[kind]("2"))
    assert second.fresh is False
    assert second.seq == first.seq
    assert [len(await log_of(database, RoomId(PersonId(log)))) for log in (room, ada, bob)] == logs


async def test_what_is_published_is_what_stands_in_postgres(
    database_url: str, database: asyncpg.Pool
) -> None:
    """Field by field, for entries that carry a text or a target besides other fields."""
    recorder = Recorder()
    ada = await person(database)
    async with writing(database_url, publisher=recorder) as writer:
        room = await room_of(writer, ada)
        said = await say(writer, ada, room, "said")
        own = RoomId(ada)
        told = Body(room=room, at_seq=said.seq, job=new_id())
        refused = Body(room=room, code=int(Code.archived), job=new_id())
        last = {}
        for op in (
            submit.pin(ada, room, said.seq, "pin"),
            submit.unpin(ada, room, said.seq, "unpin"),
            submit.remind(ada, "reminder", "a note", told),
            submit.unsent(ada, "unsent", "words", refused),
            submit.draft(ada, room, "draft", "words to be", said.seq),
            submit.of_frame(ada, Post(1, room, "here", "for all @here and @nobody")),
        ):
            outcome = await writer.submit(op)
            last[outcome.room] = outcome.seq
            assert not (await writer.submit(op)).fresh
        for where, seq in last.items():
            await recorder.until(where, seq)
    for where in (room, own):
        stored = await read_entries(database, where, 0, 100, 100)
        published = [
            MSGPACK.decode_server(entry.data)
            for entry in recorder.published
            if entry.room == where.bytes
        ]
        assert published == stored
