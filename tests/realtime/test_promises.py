"""The promises of DESIGN section 2, on hubs over real Postgres and Redis. Processes that die are in tests/walk."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from io import StringIO

import asyncpg
import pytest
import pytest_asyncio
from redis.asyncio import Redis

from loadtest.torture.link import linked
from muster import submit
from muster.errors import Refused
from muster.ids import CONTROL_ROOM, RoomId, SessionId
from muster.trail import trail
from proto.codes import Close
from proto.entry import Body
from proto.frames import Attend, Count, Delete, Head, Pointer, TypingNow
from tests.fixtures.hubs import Node, hub_on
from tests.fixtures.logs import logged
from tests.vocabulary import new_id, person, post, room_of, say

pytestmark = pytest.mark.timeout(40)


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[asyncpg.Pool]:
    async with asyncpg.create_pool(database_url, min_size=1, max_size=2) as pool:
        yield pool


@pytest_asyncio.fixture
async def hubs(database_url: str, fresh_redis_url: str) -> AsyncIterator[tuple[Node, Node]]:
    async with (
        hub_on(database_url, fresh_redis_url) as one,
        hub_on(database_url, fresh_redis_url) as other,
    ):
        yield one, other


async def test_each_device_on_each_hub_sees_each_entry_once_in_order(
    hubs: tuple[Node, Node], database: asyncpg.Pool
) -> None:
    """Promise 3: 400 posts by two people on two hubs, four devices, no hole, nothing twice."""
    one, other = hubs
    ada, bob = await person(database), await person(database)
    room = await room_of(one.writer, ada, bob)
    sockets = [await node.connect(who) for node in hubs for who in (ada, bob)]
    for node, socket in zip((one, one, other, other), sockets, strict=True):
        await node.follow(socket, (room, 0))
    posts = [say((one, other)[n % 2].writer, (ada, bob)[n % 2], room, f"m{n}") for n in range(400)]
    await asyncio.gather(*posts)
    for socket in sockets:
        await socket.until_told(room, 402)
        assert socket.is_unbroken(room)
        assert len(socket.entries(room)) == 402


async def test_a_device_that_resumes_gets_what_it_missed_and_then_what_comes(
    hubs: tuple[Node, Node], database: asyncpg.Pool
) -> None:
    """Promise 3: it left one hub and comes to another, while others go on posting."""
    one, other = hubs
    ada, bob = await person(database), await person(database)
    room = await room_of(one.writer, ada, bob)
    socket = await one.connect(bob)
    await one.follow(socket, (room, 0))
    for n in range(50):
        await say(one.writer, ada, room, f"before{n}")
    await socket.until_told(room, 30)
    one.leave(socket)
    position = socket.told(room)[-1][1]
    async with asyncio.TaskGroup() as tasks:
        for n in range(200):
            tasks.create_task(say(one.writer, ada, room, f"after{n}"))
        again = await other.connect(bob)
        states = await other.follow(again, (room, position))
    assert [state.status for state in states.rooms] == ["live", "live"]
    await again.until_told(room, 252)
    assert again.is_unbroken(room, position + 1)


async def test_what_is_too_much_to_replay_is_told_as_a_gap(
    hubs: tuple[Node, Node], database: asyncpg.Pool
) -> None:
    """Promise 3: plainly, with where to go on from; and so is a position of another log."""
    one, _ = hubs
    ada = await person(database)
    room = await room_of(one.writer, ada)
    await asyncio.gather(*(say(one.writer, ada, room, f"m{n}") for n in range(1_100)))
    socket = await one.connect(ada)
    gap = (await one.follow(socket, (room, 10))).rooms[1]
    assert (gap.status, gap.from_seq) == ("gap", 1_102)
    beyond = (await one.follow(socket, (room, 5_000))).rooms[1]
    assert (beyond.status, beyond.from_seq) == ("gap", 1_102)
    await say(one.writer, ada, room, "next")
    await socket.until_told(room, 1_102)
    assert socket.is_unbroken(room, 1_102)


async def test_deleted_words_and_a_blocked_author_are_skipped_not_missing(
    hubs: tuple[Node, Node], database: asyncpg.Pool
) -> None:
    """Promise 3 and 5: `skip` for the blocker alone; the others, and the blocked, see everything."""
    one, other = hubs
    ada, bob, eve = [await person(database) for _ in range(3)]
    room = await room_of(one.writer, ada, bob, eve)
    of_ada, of_eve = await one.connect(ada), await other.connect(eve)
    await one.follow(of_ada, (room, 0))
    await other.follow(of_eve, (room, 0))
    await one.writer.submit(submit.block(ada, bob, "b"))
    await of_ada.until_told(ada, 2)
    await say(other.writer, bob, room, "hidden")
    await say(other.writer, eve, room, "seen")
    await one.writer.submit(submit.of_frame(eve, Delete(1, room, "d", "seen")))
    for socket in (of_ada, of_eve):
        await socket.until_told(room, 6)
        assert socket.is_unbroken(room)
    assert (4, 4, "skip") in of_ada.told(room)
    assert [entry.client_id for entry in of_eve.entries(room)[3:]] == ["hidden", "seen", "d"]
    later = await one.connect(ada)
    await one.follow(later, (room, 0))
    await later.until_told(room, 6)
    assert later.is_unbroken(room)
    assert [how for _, _, how in later.told(room)] == ["entry"] * 3 + ["skip", "entry"]


async def test_a_hub_that_dies_between_commit_and_publication_loses_nothing(
    hubs: tuple[Node, Node], database: asyncpg.Pool
) -> None:
    """Promise 4: the last entry of a room that then falls silent arrives within 5 s."""
    one, other = hubs
    ada = await person(database)
    room = await room_of(one.writer, ada)
    socket = await other.connect(ada)
    await other.follow(socket, (room, 0))
    await socket.until_told(room, 1)
    one.publisher.silent = True
    await say(one.writer, ada, room, "last words")
    async with asyncio.timeout(5):
        await socket.until_told(room, 2)
    assert socket.is_unbroken(room)


@pytest.mark.parametrize("fault", ["flushall", "del"])
async def test_redis_may_lose_everything_at_any_moment(
    fault: str, hubs: tuple[Node, Node], database: asyncpg.Pool, fresh_redis_url: str
) -> None:
    """Promise 1 and 4: entries that were on the lanes only, and the last of a room, arrive all the same."""
    one, other = hubs
    ada = await person(database)
    rooms = [await room_of(one.writer, ada) for _ in range(8)]
    socket = await other.connect(ada)
    await other.follow(socket, *((room, 0) for room in rooms))
    redis = Redis.from_url(fresh_redis_url)
    for n in range(30):
        await asyncio.gather(*(say(one.writer, ada, room, f"m{n}") for room in rooms))
        if n % 10 == 5:
            await (
                redis.flushall() if fault == "flushall" else redis.delete(*await redis.keys("*"))
            )
    for room in rooms:
        await socket.until_told(room, 31)
        assert socket.is_unbroken(room)
    await redis.aclose()


async def test_nothing_after_a_kick_reaches_the_kicked(
    hubs: tuple[Node, Node], database: asyncpg.Pool
) -> None:
    """Promise 5: the kick itself is the last, live and resumed, while others post as fast as they can."""
    one, other = hubs
    ada, bob = await person(database), await person(database)
    for round_ in range(10):
        room = await room_of(one.writer, ada, bob)
        of_bob, of_ada = await other.connect(bob), await other.connect(ada)
        await other.follow(of_bob, (room, 0))
        await other.follow(of_ada, (room, 0))
        kicks = submit.kick(ada, room, bob, f"k{round_}")
        posts = [say(one.writer, ada, room, f"m{n}") for n in range(60)]
        await asyncio.gather(*posts[:30], other.writer.submit(kicks), *posts[30:])
        kicked_at = await database.fetchval(
            "SELECT seq FROM entries WHERE room_id = $1 AND kind = 'kick'", room
        )
        await of_ada.until_told(room, 63)
        assert of_ada.is_unbroken(room)
        assert of_bob.is_unbroken(room)
        assert of_bob.told(room)[-1][1] == kicked_at
        states = await other.follow(of_bob, (room, 1))
        assert [s.status for s in states.rooms if s.room == room] == ["removed"]
        for socket in (of_ada, of_bob):
            other.leave(socket)


async def test_who_comes_into_a_room_of_its_own_history_sees_nothing_from_before(
    hubs: tuple[Node, Node], database: asyncpg.Pool
) -> None:
    """Promise 5: membership is spans; what is numbered before the join is skipped."""
    one, other = hubs
    ada, bob = await person(database), await person(database)
    room = await room_of(one.writer, ada, history="from_join")
    of_bob = await other.connect(bob)
    await say(one.writer, ada, room, "before")
    await one.writer.submit(submit.invite(ada, room, bob, "i"))
    joined = await one.writer.submit(submit.join(bob, room, "j"))
    await say(one.writer, ada, room, "after")
    states = await other.follow(of_bob, (room, 0))
    assert states.rooms[1].status == "live"
    await of_bob.until_told(room, joined.seq + 1)
    assert of_bob.is_unbroken(room)
    assert [entry.client_id for entry in of_bob.entries(room)] == ["j", "after"]


async def test_a_revoked_session_and_a_ban_end_sockets_on_every_hub_within_two_seconds(
    hubs: tuple[Node, Node], database: asyncpg.Pool
) -> None:
    """Promise 5: personal, not room-exact; and other sessions of the same person stay."""
    one, other = hubs
    ada = await person(database)
    sessions = [SessionId(new_id()) for _ in range(2)]
    for session in sessions:
        await database.execute(
            "INSERT INTO sessions (session_id, person_id, device_id, expires_at)"
            " VALUES ($1, $2, $3, now() + interval '7 days')",
            *(session, ada, new_id()),
        )
    ended = [await node.connect(ada, session=sessions[0]) for node in hubs]
    kept = [await node.connect(ada, session=sessions[1]) for node in hubs]
    await one.writer.submit(submit.revoke(ada, ada, sessions[0], "r"))
    async with asyncio.timeout(2):
        for socket in ended:
            await socket.until(lambda s: s.closed is Close.revoked)
    assert [socket.closed for socket in kept] == [None, None]
    assert other.hub.attendance.revoked(sessions[0])
    await one.writer.submit(submit.ban(ada, ada, "b"))
    async with asyncio.timeout(2):
        for socket in kept:
            await socket.until(lambda s: s.closed is Close.banned)
    assert other.hub.attendance.banned(ada)


async def test_the_control_log_acts_within_two_seconds_with_redis_gone(
    database_url: str, fresh_redis_url: str, database: asyncpg.Pool
) -> None:
    """Promise 5: the poll alone is enough; and so is it for the log of a room (promise 4)."""
    async with (
        linked(fresh_redis_url) as (link, through),
        hub_on(database_url, through) as one,
        hub_on(database_url, through) as other,
    ):
        ada, bob = await person(database), await person(database)
        room = await room_of(one.writer, ada, bob)
        of_ada, of_bob = await other.connect(ada), await other.connect(bob)
        await other.follow(of_ada, (room, 0))
        await of_ada.until_told(room, 2)
        link.refuse()
        await one.writer.submit(submit.ban(bob, bob, "b"))
        async with asyncio.timeout(2):
            await of_bob.until(lambda s: s.closed is Close.banned)
        await say(one.writer, ada, room, "without a bus")
        async with asyncio.timeout(5):
            await of_ada.until_told(room, 3)
        assert of_ada.is_unbroken(room)
    assert await database.fetchval("SELECT head FROM rooms WHERE room_id = $1", CONTROL_ROOM) == 1


async def test_a_stalled_socket_costs_the_room_nothing_and_catches_up(
    hubs: tuple[Node, Node], database: asyncpg.Pool
) -> None:
    """Promise 6: no bytes are kept for it; drained, it gets all it missed, once and in order."""
    one, other = hubs
    ada, bob = await person(database), await person(database)
    room = await room_of(one.writer, ada, bob)
    slow, quick = await other.connect(ada), await other.connect(bob)
    await other.follow(slow, (room, 0))
    await other.follow(quick, (room, 0))
    await slow.until_told(room, 2)
    slow.thinned = slow.congested = True
    await asyncio.gather(*(say(one.writer, ada, room, f"m{n}") for n in range(300)))
    await quick.until_told(room, 302)
    assert slow.told(room)[-1][1] == 2
    slow.drain()
    await slow.until_told(room, 302)
    assert slow.is_unbroken(room)
    await say(one.writer, ada, room, "live again")
    await slow.until_told(room, 303)
    assert slow.is_unbroken(room)


async def test_a_room_that_is_not_attended_tells_its_head_and_no_entries(
    hubs: tuple[Node, Node], database: asyncpg.Pool
) -> None:
    """... with a preview; attended from the last position it goes on without a hole."""
    one, other = hubs
    ada, bob = await person(database), await person(database)
    room = await room_of(one.writer, ada, bob)
    socket = await other.connect(bob)
    for n in range(5):
        await say(one.writer, ada, room, f"m{n}", f"text {n}")

    def told_head(head: int) -> bool:
        return any(isinstance(f, Head) and f.room == room and f.head == head for f in socket.frames)

    await socket.until(lambda _: told_head(7))
    head = next(f for f in socket.frames if isinstance(f, Head) and f.head == 7)
    assert head.preview is not None
    assert (head.preview.text, head.msg_no) == ("text 4", 5)
    assert not socket.entries(room)
    await other.hub.attendance.attend(socket, Attend(2, [(room, 3)]))
    await socket.until_told(room, 7)
    assert socket.is_unbroken(room, 4)


async def test_the_self_log_tells_every_device_of_rooms_and_pointers(
    hubs: tuple[Node, Node], database: asyncpg.Pool
) -> None:
    """Read on one device, known on the other; and the room hears of it too, being small."""
    one, other = hubs
    ada, bob = await person(database), await person(database)
    phone, tablet, of_bob = (
        await one.connect(ada),
        await other.connect(ada),
        await other.connect(bob),
    )
    await other.follow(tablet)
    room = await room_of(one.writer, bob, ada)
    await other.follow(of_bob, (room, 0))
    await tablet.until_told(ada, 1)
    assert [entry.kind for entry in tablet.entries(ada)] == ["room_added"]
    said = await say(one.writer, bob, room, "m")
    await one.follow(phone, (room, 0))
    await phone.until_told(room, said.seq)
    one.hub.attendance.read(phone, [(room, said.seq)])
    one.hub.attendance.received(phone, [(room, said.seq)])
    await tablet.until_told(ada, 2)
    assert tablet.entries(ada)[1].body == Body(room=room, at_seq=said.seq)
    await of_bob.until(
        lambda s: (
            {(f.read, f.received) for f in s.frames if isinstance(f, Pointer)}
            >= {(said.seq, None), (None, said.seq)}
        )
    )


async def test_the_self_log_is_silent_until_it_is_resumed(
    hubs: tuple[Node, Node], database: asyncpg.Pool
) -> None:
    """A device that was away gets what it missed before what is new: neither twice, nor the new one first."""
    one, other = hubs
    ada, bob = await person(database), await person(database)
    missed = await room_of(one.writer, bob, ada)
    witness, phone = await other.connect(ada), await other.connect(ada)
    await other.follow(witness)
    fresh = await room_of(one.writer, bob, ada)
    await witness.until_told(ada, 2)
    assert phone.entries(ada) == []
    await other.follow(phone, (ada, 0))
    await phone.until_told(ada, 2)
    assert [entry.body.room for entry in phone.entries(ada)] == [missed, fresh]


async def test_pins_and_reminders_reach_devices_as_entries(
    hubs: tuple[Node, Node], database: asyncpg.Pool
) -> None:
    """Committed beside one hub, told on another: a pin to the room, a reminder to its person alone."""
    one, other = hubs
    ada, bob = await person(database), await person(database)
    room = await room_of(one.writer, ada, bob)
    said = await say(one.writer, bob, room, "m")
    phone, of_bob = await other.connect(ada), await other.connect(bob)
    await other.follow(phone)
    await other.follow(of_bob, (room, said.seq))
    pinned = await one.writer.submit(submit.pin(ada, room, said.seq, "pin"))
    about = Body(room=room, at_seq=said.seq, job=new_id())
    told = await one.writer.submit(submit.remind(ada, "reminder", "a note", about))
    await of_bob.until_told(room, pinned.seq)
    await phone.until_told(ada, told.seq)
    assert of_bob.entries(room)[-1].body == Body(target=said.seq)
    reminder = phone.entries(ada)[-1]
    assert (reminder.kind, reminder.body.text, reminder.body.room, reminder.body.at_seq) == (
        "reminder",
        "a note",
        room,
        said.seq,
    )
    assert not of_bob.entries(ada)


async def test_typing_reaches_the_others_and_only_from_members(
    hubs: tuple[Node, Node], database: asyncpg.Pool
) -> None:
    """Not the one who types, not from outside, not after having been blocked by the reader."""
    one, other = hubs
    ada, bob, eve = [await person(database) for _ in range(3)]
    room = await room_of(one.writer, ada, bob)
    of_ada, of_bob, of_eve = (
        await one.connect(ada),
        await other.connect(bob),
        await other.connect(eve),
    )
    await one.follow(of_ada, (room, 0))
    await other.follow(of_bob, (room, 0))
    await of_bob.until_told(room, 2)
    other.hub.attendance.typing(of_eve, room)
    one.hub.attendance.typing(of_ada, room)
    await of_bob.until(lambda s: any(isinstance(f, TypingNow) for f in s.frames))
    typing = [f for f in of_bob.frames if isinstance(f, TypingNow)]
    assert [(f.room, f.person) for f in typing] == [(room, ada)]
    assert not [f for f in of_ada.frames if isinstance(f, TypingNow)]


async def test_joins_of_a_large_room_are_counted_not_told(
    hubs: tuple[Node, Node], database: asyncpg.Pool
) -> None:
    """Above 200 members: `skip` for the others, the entry for oneself, and one count frame per 2 s."""
    one, other = hubs
    ada, bob = await person(database), await person(database)
    room = await room_of(one.writer, ada, kind="public")
    of_ada = await other.connect(ada)
    await other.follow(of_ada, (room, 0))
    await of_ada.until_told(room, 1)
    await database.execute("UPDATE rooms SET members = 500 WHERE room_id = $1", room)
    joined = await one.writer.submit(submit.join(bob, room, "j"))
    await of_ada.until(lambda s: any(isinstance(f, Count) and f.members == 501 for f in s.frames))
    assert of_ada.told(room)[-1] == (joined.seq, joined.seq, "skip")
    of_bob = await other.connect(bob)
    await other.follow(of_bob, (room, 0))
    await of_bob.until_told(room, joined.seq)
    assert [entry.client_id for entry in of_bob.entries(room)][-1] == "j"


async def test_a_blocked_person_posts_into_a_direct_room_and_the_blocker_gets_skip(
    hubs: tuple[Node, Node], database: asyncpg.Pool
) -> None:
    """Promise 5: it commits and is acked, so that nobody learns of a block by an error."""
    one, other = hubs
    ada, bob = await person(database), await person(database)
    room = await room_of(one.writer, ada, bob, kind="direct")
    of_ada = await other.connect(ada)
    await other.follow(of_ada, (room, 0))
    await of_ada.until_told(room, 2)
    await one.writer.submit(submit.block(ada, bob, "b"))
    await of_ada.until_told(ada, 2)
    assert (await say(one.writer, bob, room, "m")).fresh
    await of_ada.until_told(room, 3)
    assert of_ada.told(room)[-1] == (3, 3, "skip")


async def test_the_same_device_again_replaces_its_older_socket(
    hubs: tuple[Node, Node], database: asyncpg.Pool
) -> None:
    """A phone that changed networks is one phone."""
    one, _ = hubs
    ada, device = await person(database), new_id()
    older = await one.connect(ada, device=device)
    newer = await one.connect(ada, device=device)
    assert (older.closed, newer.closed) == (Close.replaced, None)


async def test_a_room_one_is_not_in_is_removed_as_an_unknown_one_is(
    hubs: tuple[Node, Node], database: asyncpg.Pool
) -> None:
    """... and posting into either is refused with the same words."""
    one, _ = hubs
    ada, eve = await person(database), await person(database)
    rooms = [await room_of(one.writer, ada), RoomId(new_id())]
    socket = await one.connect(eve)
    states = await one.follow(socket, *((room, 0) for room in rooms))
    assert [state.status for state in states.rooms[1:]] == ["removed", "removed"]
    words = set()
    for room in rooms:
        with pytest.raises(Refused) as refused:
            await one.writer.submit(post(eve, room, "m"))
        words.add((refused.value.code, str(refused.value)))
    assert len(words) == 1


@pytest.fixture
def lines() -> Iterator[StringIO]:
    """What is logged, down to debug; the configuration of others comes back after."""
    with logged("debug") as stream:
        yield stream


async def test_one_id_follows_an_entry_from_commit_to_delivery_on_every_hub(
    lines: StringIO, database_url: str, fresh_redis_url: str, database: asyncpg.Pool
) -> None:
    """In the logs at debug; it is made of author and client id, and says neither."""
    async with (
        hub_on(database_url, fresh_redis_url) as one,
        hub_on(database_url, fresh_redis_url) as other,
    ):
        ada = await person(database)
        room = await room_of(one.writer, ada)
        sockets = [await node.connect(ada) for node in (one, other)]
        for node, socket in zip((one, other), sockets, strict=True):
            await node.follow(socket, (room, 1))
            await socket.until(lambda s: len(s.frames) > 0)
        await say(one.writer, ada, room, "ada@example.org", "secret words")
        for socket in sockets:
            await socket.until_told(room, 2)
    followed = [
        line["event"]
        for line in map(json.loads, lines.getvalue().splitlines())
        if line.get("entry") == trail(ada, "ada@example.org")
    ]
    assert followed.count("committed") == 1
    assert followed.count("delivered") == 2
    assert "example.org" not in lines.getvalue()
    assert "secret" not in lines.getvalue()
