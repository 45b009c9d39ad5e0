"""Polls and previews over hubs: live on every socket, in order, and told to nobody they are not for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from muster import submit
from muster.ids import PersonId, RoomId
from muster.op import Outcome
from proto.entry import Body, EntryKind, LinkPreview, Poll
from proto.frames import ClosePoll, Delete, Post, Vote
from tests.fakes.socket import RecordingSocket
from tests.fixtures.hubs import Node, hub_on
from tests.vocabulary import new_id, person, room_of, say

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


async def ask(node: Node, author: PersonId, room: RoomId, *, anonymous: bool) -> int:
    poll = Poll(["yes", "no"], anonymous=anonymous)
    frame = Post(1, room, str(new_id()), "Really?", poll=poll)
    return (await node.writer.submit(submit.of_frame(author, frame))).seq


async def vote(
    node: Node, author: PersonId, room: RoomId, target: int | str, *choices: int, key: str = ""
) -> Outcome:
    frame = Vote(1, room, key or str(new_id()), target, list(choices))
    return await node.writer.submit(submit.of_frame(author, frame))


def heard(socket: RecordingSocket, room: UUID, *kinds: EntryKind) -> list[tuple[UUID, str, Body]]:
    entries = [entry for entry in socket.entries(room) if entry.kind in kinds]
    return [(entry.author, entry.client_id, entry.body) for entry in entries]


async def test_votes_are_heard_on_every_hub(
    hubs: tuple[Node, Node], database: asyncpg.Pool
) -> None:
    """With who chose what, and chose before; the blocker of a voter gets `skip`, and everybody the closing."""
    one, other = hubs
    ada, bob, eve = [await person(database) for _ in range(3)]
    room = await room_of(one.writer, ada, bob, eve)
    of_bob, of_eve = await one.connect(bob), await other.connect(eve)
    await one.follow(of_bob, (room, 0))
    await other.follow(of_eve, (room, 0))
    await one.writer.submit(submit.block(eve, bob, "b"))
    await of_eve.until_told(eve, 2)
    seq = await ask(one, ada, room, anonymous=False)
    await vote(other, bob, room, seq, 1, key="v1")
    await vote(one, bob, room, seq, 0, key="v2")
    closed = submit.of_frame(ada, ClosePoll(1, room, "c", seq))
    last = (await one.writer.submit(closed)).seq
    for socket in (of_bob, of_eve):
        await socket.until_told(room, last)
        assert socket.is_unbroken(room)
        assert len(heard(socket, room, EntryKind.poll_closed)) == 1
    assert heard(of_bob, room, EntryKind.vote) == [
        (bob, "v1", Body(target=seq, choices=[1], was=[])),
        (bob, "v2", Body(target=seq, choices=[0], was=[1])),
    ]
    assert heard(of_eve, room, EntryKind.vote) == []


async def test_an_anonymous_vote_is_heard_as_nobodys(
    hubs: tuple[Node, Node], database: asyncpg.Pool
) -> None:
    """Live and when it is replayed, alike; the voter's other device learns of it from the self log."""
    one, other = hubs
    ada, bob = await person(database), await person(database)
    room = await room_of(one.writer, ada, bob)
    of_ada, of_bob = await one.connect(ada), await other.connect(bob)
    await one.follow(of_ada, (room, 0))
    await other.follow(of_bob, (room, 0), (bob, 0))
    seq = await ask(one, ada, room, anonymous=True)
    acked = await vote(one, bob, room, seq, 1, key="my-name-is-bob")
    nobody = (UUID(int=0), "", Body(target=seq, counts=[0, 1], voters=1))
    again = await other.connect(ada)
    await other.follow(again, (room, 0))
    for socket in (of_ada, of_bob, again):
        await socket.until_told(room, acked.seq)
        assert heard(socket, room, EntryKind.vote) == [nobody]
    await of_bob.until_told(bob, 2)
    assert [body for *_, body in heard(of_bob, bob, EntryKind.vote)] == [
        Body(room=room, at_seq=seq, choices=[1])
    ]
    retried = await vote(other, bob, room, seq, 1, key="my-name-is-bob")
    assert (retried.seq, retried.fresh) == (acked.seq, False)


async def test_a_poll_may_be_voted_on_before_it_is_acked(
    hubs: tuple[Node, Node], database: asyncpg.Pool
) -> None:
    """By the client id its author gave it, in the order sent, with messages around it."""
    one, _ = hubs
    ada = await person(database)
    room = await room_of(one.writer, ada)
    frame = Post(1, room, "poll", "Really?", poll=Poll(["yes", "no"]))
    await say(one.writer, ada, room, "before")
    asked = await one.writer.submit(submit.of_frame(ada, frame))
    voted = await vote(one, ada, room, "poll", 0)
    assert (voted.seq, voted.msg_no) == (asked.seq + 1, asked.msg_no)
    assert (await say(one.writer, ada, room, "after")).msg_no == asked.msg_no + 1
    assert (await one.writer.submit(submit.of_frame(ada, frame))).seq == asked.seq


async def test_what_a_deleted_poll_was_is_skipped(
    hubs: tuple[Node, Node], database: asyncpg.Pool
) -> None:
    """A device that comes later gets its place in the log, not its words, votes or preview."""
    one, _ = hubs
    ada, bob = await person(database), await person(database)
    room = await room_of(one.writer, ada, bob)
    seq = await ask(one, ada, room, anonymous=False)
    await vote(one, bob, room, seq, 1)
    told = await say(one.writer, ada, room, "link", "http://a.example/")
    card = LinkPreview("http://a.example/", "http://a.example/", "a.example", "A page")
    await one.writer.submit(submit.preview(ada, room, told.seq, "p", card))
    live = await one.connect(bob)
    await one.follow(live, (room, 0))
    await live.until_told(room, told.seq + 1)
    assert heard(live, room, EntryKind.preview) == [(ada, "p", Body(target=told.seq, preview=card))]
    last = 0
    for target in (seq, told.seq):
        frame = Delete(1, room, f"d{target}", target)
        last = (await one.writer.submit(submit.of_frame(ada, frame))).seq
    for node in hubs:
        late = await node.connect(bob)
        await node.follow(late, (room, 0))
        await late.until_told(room, last)
        assert late.is_unbroken(room)
        kinds = {entry.kind for entry in late.entries(room)}
        assert kinds == {EntryKind.join, EntryKind.delete}
