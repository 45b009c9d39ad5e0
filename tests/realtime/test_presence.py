"""Presence over hubs on real Postgres and Redis: what watchers are told, and what they are not."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio
from redis.asyncio import Redis

from muster import submit
from muster.acquaintance import Acquaintance
from muster.ids import PersonId, RoomId
from muster.op import PrivacyChange
from muster.privacy import PrivacyCircle
from muster.stores.postgres.presence import PostgresPresence
from muster.stores.redis.roll import roll_at
from muster.stores.redis.roll_commands import RollKeys
from muster.stores.redis.roll_lookup import devices_of
from proto.codec import CODECS, BadFrame
from proto.codes import Close
from proto.frames import Attention, PersonPresence, Presences, RoomPresence, Watch
from realtime.presence import RolledPresence
from tests.fakes.socket import RecordingSocket
from tests.fixtures.hubs import Node, hub_on
from tests.vocabulary import new_id, person, room_of

pytestmark = pytest.mark.timeout(60)

WITHIN_S = 20.0


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


class Sight:
    """What one socket has been told of others, folded as docs/protocol.md says."""

    def __init__(self, socket: RecordingSocket) -> None:
        self.socket = socket
        self._from = 0

    @property
    def frames(self) -> list[Presences]:
        return [f for f in self.socket.frames if isinstance(f, Presences)]

    def fold(self) -> dict[UUID, PersonPresence]:
        seen: dict[UUID, PersonPresence] = {}
        for frame in self.frames:
            if frame.whole:
                seen.clear()
            for one in frame.people:
                seen[one.person] = one
                if one.state == "offline":
                    del seen[one.person]
        return seen

    def state(self, who: PersonId) -> str:
        found = self.fold().get(who)
        return "offline" if found is None else found.state

    async def until(self, who: PersonId, state: str) -> None:
        await self.comes(lambda: self.state(who) == state)

    async def comes(self, condition: Callable[[], bool]) -> None:
        """Return once something told has made `condition` true."""
        await self.socket.until(lambda _: condition())

    def edges(self, who: PersonId) -> int:
        """How often a push said something of this person, whole answers apart."""
        pushes = [f for f in self.frames if not f.whole]
        return sum(one.person == who for frame in pushes for one in frame.people)


async def contacts(node: Node, one: PersonId, other: PersonId) -> None:
    """The two know each other."""
    await node.writer.submit(submit.contact(one, other, str(new_id())))
    await node.writer.submit(submit.contact(other, one, str(new_id())))


async def seen_by(node: Node, who: PersonId, circle: PrivacyCircle) -> None:
    """Who may see whether they are there."""
    change = PrivacyChange(message=None, find=None, find_by_handle=None, online=circle, events=None)
    await node.writer.submit(submit.privacy(who, str(new_id()), change))


async def watching(
    node: Node, who: PersonId, *others: PersonId, rooms: tuple[RoomId, ...] = ()
) -> Sight:
    """A socket of `who` that hears of their contacts, of these people and in these rooms."""
    socket = await node.connect(who)
    sight = Sight(socket)
    await node.watch(socket, *others, contacts=True, rooms=rooms)
    await sight.comes(lambda: sight.frames[-1].known)  # a hub that has just begun knows nothing yet
    return sight


async def test_contacts_hear_of_each_other_over_hubs(
    hubs: tuple[Node, Node], database: asyncpg.Pool
) -> None:
    """First device in, last one out: one push for each change of the person, and a goodbye counts at once."""
    one, other = hubs
    ada, bob = await person(database), await person(database)
    await contacts(one, ada, bob)
    sight = await watching(one, ada)
    assert sight.state(bob) == "offline"
    laptop = await one.connect(bob)
    await sight.until(bob, "active")
    one.hub.attendance.look(laptop, Attention(0, "background"))
    await sight.until(bob, "background")
    phone = await other.connect(bob)
    await sight.until(bob, "active")
    other.leave(phone, clean=True)
    await sight.until(bob, "background")
    one.leave(laptop, clean=True)
    await sight.until(bob, "offline")
    assert sight.edges(bob) == 5


async def test_who_is_back_within_the_grace_time_was_never_away(
    hubs: tuple[Node, Node], database: asyncpg.Pool
) -> None:
    """On another hub, with the same device: no push at all, and the old hub's notion of it does no harm."""
    one, other = hubs
    ada, bob, eve = [await person(database) for _ in range(3)]
    await contacts(one, ada, bob)
    await contacts(one, ada, eve)
    device = new_id()
    socket = await one.connect(bob, device=device)
    sight = await watching(other, ada)
    await sight.until(bob, "active")
    before = sight.edges(bob)
    one.leave(socket)
    again = await other.connect(bob, device=device)
    await asyncio.gather(*(other.connect(eve) for _ in range(3)))
    await sight.until(eve, "active")
    assert sight.edges(bob) == before
    other.leave(again, clean=True)
    await sight.until(bob, "offline")


async def test_what_a_new_watch_answers_is_what_was_told_before(
    hubs: tuple[Node, Node], database: asyncpg.Pool
) -> None:
    """Snapshot and diffs are a fresh snapshot, over everything that people do."""
    one, other = hubs
    ada = await person(database)
    friends = [await person(database) for _ in range(12)]
    await asyncio.gather(*(contacts(one, ada, friend) for friend in friends))
    sight = await watching(one, ada)
    for n in range(60):
        node, friend = hubs[n % 2], friends[n * 7 % 12]
        socket = await node.connect(friend)
        if n % 3 == 0:
            node.hub.attendance.look(socket, Attention(0, "idle"))
        if n % 2:
            node.leave(socket, clean=n % 4 == 1)
    last = await other.connect(friends[0])
    other.hub.attendance.look(last, Attention(0, "active"))
    fresh = await watching(other, ada)
    await fresh.until(friends[0], "active")
    await sight.comes(lambda: sight.fold() == fresh.fold())
    assert len(fresh.fold()) > 5


@pytest.mark.parametrize("circle", list(PrivacyCircle))
async def test_a_stranger_sees_only_who_lets_everyone(
    circle: PrivacyCircle, hubs: tuple[Node, Node], database: asyncpg.Pool
) -> None:
    """Everybody else looks like somebody who is not there, and like somebody who does not exist."""
    one, other = hubs
    ada, bob, nobody = await person(database), await person(database), PersonId(new_id())
    if circle is not PrivacyCircle.contacts:  # which it is
        await seen_by(one, bob, circle)
    await other.connect(bob)
    mine = await watching(other, bob)
    sight = await watching(one, ada, bob, nobody)
    expected = "active" if circle is PrivacyCircle.everyone else "offline"
    await mine.until(bob, "active")
    await sight.until(bob, expected)
    assert set(sight.fold()) <= {ada, bob}


async def test_a_change_of_circle_is_in_force_on_every_hub(
    hubs: tuple[Node, Node], database: asyncpg.Pool
) -> None:
    """Who closes themselves goes from every sight, and comes back with the next change."""
    one, other = hubs
    ada, bob = await person(database), await person(database)
    await contacts(one, ada, bob)
    await one.connect(bob)
    sight = await watching(other, ada)
    await sight.until(bob, "active")
    await seen_by(one, bob, PrivacyCircle.nobody)
    await sight.until(bob, "offline")
    await seen_by(one, bob, PrivacyCircle.everyone)
    await sight.until(bob, "active")


@pytest.mark.parametrize("ada_blocks", [True, False])
async def test_a_block_ends_presence_both_ways(
    ada_blocks: bool, hubs: tuple[Node, Node], database: asyncpg.Pool
) -> None:
    """Whoever blocks: neither hears of the other, though all may see them."""
    one, other = hubs
    ada, bob = await person(database), await person(database)
    for who in (ada, bob):
        await seen_by(one, who, PrivacyCircle.everyone)
    of_ada = await watching(one, ada, bob)
    of_bob = await watching(other, bob, ada)
    await of_ada.until(bob, "active")
    await of_bob.until(ada, "active")
    blocker, blocked = (ada, bob) if ada_blocks else (bob, ada)
    await one.writer.submit(submit.block(blocker, blocked, "b"))
    await of_ada.until(bob, "offline")
    await of_bob.until(ada, "offline")
    again = await watching(one, ada, bob)
    assert again.state(bob) == "offline"


async def test_a_contact_that_is_no_more_is_seen_no_more(
    hubs: tuple[Node, Node], database: asyncpg.Pool
) -> None:
    """And a new one is seen without asking again."""
    one, other = hubs
    ada, bob = await person(database), await person(database)
    sight = await watching(one, ada)
    await other.connect(bob)
    await contacts(one, ada, bob)
    await sight.until(bob, "active")
    await one.writer.submit(submit.uncontact(bob, ada, "no more"))
    await sight.until(bob, "offline")


async def test_what_changes_while_acquaintances_are_read_has_them_read_again(
    hubs: tuple[Node, Node], database: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer to a question asked before the two knew each other is not the last word."""
    one, other = hubs
    ada, bob = await person(database), await person(database)
    sight = await watching(one, ada)
    await other.connect(bob)
    read, asked, answered = PostgresPresence.acquaintance, asyncio.Event(), asyncio.Event()

    async def slow(self: PostgresPresence, who: PersonId) -> Acquaintance:
        found = await read(self, who)
        asked.set()
        await answered.wait()
        return found

    monkeypatch.setattr(PostgresPresence, "acquaintance", slow)
    await one.writer.submit(submit.contact(ada, bob, str(new_id())))
    await asked.wait()
    await one.writer.submit(submit.contact(bob, ada, str(new_id())))
    answered.set()
    await sight.until(bob, "active")


async def test_people_in_a_small_room_are_told_by_name_and_what_they_look_at(
    hubs: tuple[Node, Node], database: asyncpg.Pool
) -> None:
    """Room-mates who let room-mates see them; who comes in is told of, who is put out is not."""
    one, other = hubs
    ada, bob, eve, zoe = [await person(database) for _ in range(4)]
    for who in (bob, eve, zoe):
        await seen_by(one, who, PrivacyCircle.room_mates)
    room = await room_of(one.writer, ada, bob)
    sight = await watching(one, ada, rooms=(room,))
    socket = await other.connect(bob)
    await other.connect(eve)
    await sight.until(bob, "active")
    other.hub.attendance.look(socket, Attention(0, "active", room))
    await sight.comes(lambda: sight.fold()[bob].room == room)
    other.hub.attendance.look(socket, Attention(0, "active", new_id()))
    await sight.comes(lambda: sight.fold()[bob].room is None)
    assert sight.state(eve) == "offline"
    await one.writer.submit(submit.invite(ada, room, eve, str(new_id())))
    await one.writer.submit(submit.join(eve, room, str(new_id())))
    await sight.until(eve, "active")
    await one.writer.submit(submit.kick(ada, room, eve, str(new_id())))
    await sight.until(eve, "offline")
    outside = await watching(other, zoe, bob, rooms=(room,))
    assert outside.state(bob) == "offline", "a room one is not in gives nobody away"
    forms = [f for f in sight.socket.frames if isinstance(f, RoomPresence)]
    assert [(f.room, f.form, f.online) for f in forms] == [(room, "names", None)]


async def crowd(database: asyncpg.Pool, room: RoomId, size: int, circle: str) -> list[PersonId]:
    """So many more members, by the back door."""
    people = [PersonId(new_id()) for _ in range(size)]
    await database.executemany(
        "INSERT INTO people (person_id, handle, handle_shown, name, may_see_online)"
        " VALUES ($1, $2, $2, $2, $3)",
        [(p, f"c{p.hex}"[:32], circle) for p in people],
    )
    await database.executemany("SELECT add_self_log_v1($1)", [(p,) for p in people])
    await database.executemany(
        "INSERT INTO members (room_id, person_id, relation, from_seq) VALUES ($1, $2, 'member', 1)",
        [(room, p) for p in people],
    )
    return people


@pytest.mark.parametrize(("size", "form"), [(250, "sample"), (5_100, "count")])
async def test_a_large_rooms_presence_is_a_number_and_one_s_contacts(
    size: int, form: str, hubs: tuple[Node, Node], database: asyncpg.Pool
) -> None:
    """Nobody is told of strangers one by one; who hides is not even counted."""
    one, other = hubs
    ada, bob = await person(database), await person(database)
    await contacts(one, ada, bob)
    room = await room_of(one.writer, ada, bob)
    strangers = await crowd(database, room, size, "room-mates")
    await seen_by(one, strangers[0], PrivacyCircle.nobody)
    socket = await one.connect(ada)
    sight = Sight(socket)
    await asyncio.gather(*(other.connect(p) for p in (*strangers[:6], bob)))
    answer = await one.watch(socket, rooms=[room])
    assert all(p.person in (ada, bob) for p in answer.people)

    def counted() -> list[RoomPresence]:
        return [f for f in socket.frames if isinstance(f, RoomPresence)]

    await socket.until(lambda _: bool(counted()) and counted()[-1].online == 7)
    last = counted()[-1]
    assert last.form == form
    sampled = {p.person for p in last.people}
    assert sampled == (set(strangers[1:6]) if form == "sample" else set())
    await sight.until(bob, "active" if form == "sample" else "offline")


async def test_a_banned_person_and_a_revoked_session_are_gone_at_once(
    hubs: tuple[Node, Node], database: asyncpg.Pool
) -> None:
    """They are not coming back within the grace time."""
    one, other = hubs
    ada, bob = await person(database), await person(database)
    await contacts(one, ada, bob)
    socket = await other.connect(bob)
    sight = await watching(one, ada)
    await sight.until(bob, "active")
    await one.writer.submit(submit.ban(ada, bob, "b"))
    await sight.until(bob, "offline")
    assert socket.closed is Close.banned


async def test_a_slow_socket_is_told_everything_anew_when_it_takes_it(
    hubs: tuple[Node, Node], database: asyncpg.Pool
) -> None:
    """What it was spared meanwhile does not leave it wrong."""
    one, other = hubs
    ada, bob = await person(database), await person(database)
    await contacts(one, ada, bob)
    sight, witness = await watching(one, ada), await watching(one, ada)
    sight.socket.congested = True
    await other.connect(bob)
    await witness.until(bob, "active")
    assert sight.state(bob) == "offline"
    sight.socket.congested = False
    await sight.until(bob, "active")


async def test_a_hub_that_dies_takes_those_along_who_do_not_come_back(
    database_url: str, fresh_redis_url: str, database: asyncpg.Pool
) -> None:
    """Its lease runs out and another hub sweeps it; who came back elsewhere makes no push."""
    async with hub_on(database_url, fresh_redis_url) as one, AsyncExitStack() as dying:
        going = hub_on(database_url, fresh_redis_url, grace_s=1.0)
        other = await dying.enter_async_context(going)
        ada, bob, eve = [await person(database) for _ in range(3)]
        await contacts(one, ada, bob)
        await contacts(one, ada, eve)
        device = new_id()
        await other.connect(bob, device=device)
        await other.connect(eve)
        sight = await watching(one, ada)
        await sight.until(bob, "active")
        await sight.until(eve, "active")
        told = sight.edges(bob), sight.edges(eve)
        await dying.aclose()  # an orderly end: its lease runs out after the grace time
        await one.connect(bob, device=device)
        await sight.until(eve, "offline")
        assert sight.state(bob) == "active"
        assert (sight.edges(bob), sight.edges(eve)) == (told[0], told[1] + 1)


async def test_a_redis_that_lost_everything_makes_no_edges(
    hubs: tuple[Node, Node], database: asyncpg.Pool, fresh_redis_url: str
) -> None:
    """Hubs say again who is there; who went meanwhile is gone, and nobody else was ever away."""
    one, other = hubs
    ada = await person(database)
    friends = [await person(database) for _ in range(10)]
    await asyncio.gather(*(contacts(one, ada, friend) for friend in friends))
    sockets = [await hubs[n % 2].connect(friend) for n, friend in enumerate(friends)]
    sight = await watching(one, ada)
    for friend in friends:
        await sight.until(friend, "active")
    before = {friend: sight.edges(friend) for friend in friends}
    async with Redis.from_url(fresh_redis_url) as redis:
        await redis.flushall()
    other.leave(sockets[1], clean=True)
    await sight.until(friends[1], "offline")
    bob = await person(database)
    await contacts(one, ada, bob)
    await other.connect(bob)
    await sight.until(bob, "active")
    after = {friend: sight.edges(friend) for friend in friends}
    assert after == before | {friends[1]: before[friends[1]] + 1}
    assert sum(not frame.known for frame in sight.frames) == 0, (
        "so short a time is nobody's business"
    )


async def test_a_hub_that_wakes_late_takes_nobody_out_and_brings_nobody_back(
    hubs: tuple[Node, Node], database: asyncpg.Pool, fresh_redis_url: str
) -> None:
    """It was swept meanwhile: who moved stays there, who went stays gone, who is still there comes in again."""
    one, other = hubs
    ada, moved, gone, still = [await person(database) for _ in range(4)]
    for friend in (moved, gone, still):
        await contacts(one, ada, friend)
    device = new_id()
    left = [await other.connect(moved, device=device), await other.connect(gone)]
    await other.connect(still)
    sight = await watching(one, ada)
    for friend in (moved, gone, still):
        await sight.until(friend, "active")
    roll = roll_at(fresh_redis_url, False, random.Random(1))
    claims = await devices_of(roll._says._nodes, RollKeys(), still.bytes)
    generation = bytes.fromhex(claims[0].generation)
    await one.connect(moved, device=device)
    async with asyncio.timeout(WITHIN_S):
        while any(
            claim.generation == generation.hex()
            for claim in await devices_of(roll._says._nodes, RollKeys(), moved.bytes)
        ):
            pass  # not said yet
    for socket in left:
        other.leave(socket)  # it sleeps: these linger
    await roll.retire(generation, -1)
    await roll.sweep(generation, b"z" * 16)  # unless a hub was quicker
    await sight.until(gone, "offline")
    await other.connect(ada)  # something to say: it finds itself fenced, if it has not yet
    async with asyncio.timeout(WITHIN_S):
        while not any(
            claim.generation != generation.hex()
            for claim in await devices_of(roll._says._nodes, RollKeys(), still.bytes)
        ):
            pass  # not said again yet
    await sight.until(still, "active")
    assert sight.state(gone) == "offline"
    assert sight.edges(moved) <= 1
    assert sight.edges(gone) <= 2
    await roll.close()


def test_ten_thousand_in_one_watch_are_refused_with_a_sentence() -> None:
    """500 people and 50 rooms are what a frame may name."""
    for people, rooms in ((501, 0), (10_000, 0), (0, 51), (0, 10_000)):
        many = Watch(7, False, [new_id() for _ in range(people)], [new_id() for _ in range(rooms)])
        for codec in CODECS.values():
            with pytest.raises(BadFrame) as refused:
                codec.decode(codec.encode(many), limit=10_000_000)
            assert str(refused.value), "it says what is wrong"
    most = Watch(7, False, [new_id() for _ in range(500)], [new_id() for _ in range(50)])
    for codec in CODECS.values():
        assert codec.decode(codec.encode(most)) == most


async def test_thousands_of_subscriptions_one_after_another_are_the_last(
    hubs: tuple[Node, Node], database: asyncpg.Pool
) -> None:
    """Each takes the place of the one before: a hub holds nobody for a socket that watches others by now."""
    ada, bob = await person(database), await person(database)
    one, _ = hubs
    socket = await one.connect(ada)
    presence = one.hub.attendance._parts.presence
    assert isinstance(presence, RolledPresence)
    view = presence._watching._view
    for _ in range(5):
        await one.watch(socket, *(PersonId(new_id()) for _ in range(500)))
        assert len(view) == 501, "with oneself"
    await one.watch(socket, bob)
    assert len(view) == 2
    one.leave(socket)
    assert len(view) == 0


async def test_a_device_id_that_two_people_share_is_two_devices(
    hubs: tuple[Node, Node], database: asyncpg.Pool
) -> None:
    """A phone that was handed on: neither comes or goes with the other, on one hub or on two."""
    one, other = hubs
    ada, bob, eve = [await person(database) for _ in range(3)]
    await contacts(one, ada, bob)
    await contacts(one, ada, eve)
    sight, device = await watching(one, ada), new_id()
    await one.connect(bob, device=device)
    handed_on = await one.connect(eve, device=device)
    await sight.until(bob, "active")
    await sight.until(eve, "active")
    one.leave(handed_on, clean=True)
    await sight.until(eve, "offline")
    again = await other.connect(eve, device=device)
    await sight.until(eve, "active")
    other.leave(again, clean=True)
    await sight.until(eve, "offline")
    assert sight.state(bob) == "active"
    assert sight.edges(bob) == 1
