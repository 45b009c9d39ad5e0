"""Every cell of the permission table that a frame can reach: kind of room x relation x frame, against the hub.

The expectation is computed from muster/permission.py, the answer comes from the running hub and from Postgres
under the room's lock; a frame kind without a row fails.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import get_args

import asyncpg
import pytest
import pytest_asyncio

from muster import submit
from muster.errors import Refused
from muster.ids import PersonId, RoomId
from muster.permission import FRAME_RULES, PRESENT, Action, Relation, RoomKind, may
from proto import frames
from proto.codes import Code
from proto.frames import (
    ClosePoll,
    Delete,
    Edit,
    Post,
    React,
    Submission,
    TypingNow,
    Unreact,
    Vote,
)
from tests.fakes.socket import RecordingSocket
from tests.fixtures.hubs import Node, hub_on
from tests.vocabulary import new_id, person

CELLS = [(kind, relation) for kind in RoomKind for relation in Relation]
pytestmark = pytest.mark.timeout(60)


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


@pytest_asyncio.fixture
async def node(database_url: str, fresh_redis_url: str) -> AsyncIterator[Node]:
    async with hub_on(database_url, fresh_redis_url) as running:
        yield running


async def bare_room(
    database: asyncpg.Connection, kind: RoomKind, author: PersonId, relation: Relation
) -> RoomId:
    """A room of any kind with a message and a poll of `author`, who is `relation` to it, and of somebody else's."""
    room, other = RoomId(new_id()), await person(database)
    await database.execute(
        "INSERT INTO rooms (room_id, kind, head, msg_no, last_post, members) VALUES ($1, $2, 4, 4, 4, 2)",
        *(room, kind.value),
    )
    await database.executemany(
        "INSERT INTO entries (room_id, seq, msg_no, kind, author, client_id, at, text)"
        " VALUES ($1, $2, $2, 'post', $3, $4, now(), 'words')",
        [
            (room, 1, author, "mine"),
            (room, 2, other, "theirs"),
            (room, 3, author, "asked"),
            (room, 4, other, "asked"),
        ],
    )
    await database.executemany(
        "INSERT INTO polls (room_id, target, options, multiple, anonymous) VALUES ($1, $2, 2, false, false)",
        [(room, 3), (room, 4)],
    )
    for who, what in ((author, relation), (other, Relation.owner)):
        if what is not Relation.none:
            await database.execute(
                "INSERT INTO members (room_id, person_id, relation, from_seq) VALUES ($1, $2, $3, 1)",
                *(room, who, what.value),
            )
        if what in PRESENT:
            await database.execute(
                "INSERT INTO spans (room_id, person_id, joined, from_seq) VALUES ($1, $2, 1, 1)",
                *(room, who),
            )
    return room


def submissions(room: RoomId) -> list[tuple[frames.Submission, Action]]:
    """Every frame that asks for an entry, and the row of the table it answers to."""
    return [
        (Post(1, room, "c1", "hello"), Action.post),
        (Edit(2, room, "c2", "mine", "better"), Action.edit),
        (React(3, room, "c3", 2, "+1"), Action.react),
        (Unreact(4, room, "c4", 2, "+1"), Action.react),
        (Vote(7, room, "c7", 4, [1]), Action.vote),
        (ClosePoll(8, room, "c8", "asked"), Action.close_poll),
        (ClosePoll(9, room, "c9", 4), Action.close_poll_other),
        (Delete(5, room, "c5", "mine"), Action.delete),
        (Delete(6, room, "c6", 2), Action.delete_other),
    ]


async def answer(node: Node, author: PersonId, frame: frames.Submission) -> Code | None:
    try:
        await node.writer.submit(submit.of_frame(author, frame))
    except Refused as refused:
        return refused.code
    return None


def expected(action: Action, kind: RoomKind, relation: Relation) -> set[Code | None]:
    if may(action, kind, relation):
        return {None}
    if relation in PRESENT or relation is Relation.invited:
        return {Code.permission_denied, Code.not_found}
    return {Code.not_found}


async def test_every_submission_in_every_kind_of_room_by_every_relation(
    node: Node, database: asyncpg.Connection
) -> None:
    """7 kinds x 7 relations x 9 submissions: allowed where the table says so, and nowhere else."""
    cells = 0
    for kind, relation in CELLS:
        author = await person(database)
        room = await bare_room(database, kind, author, relation)
        for frame, action in submissions(room):
            told = await answer(node, author, frame)
            assert told in expected(action, kind, relation), (kind, relation, frame)
            cells += 1
    assert cells == 7 * 7 * 9


async def follows(node: Node, socket: RecordingSocket, room: RoomId) -> bool:
    states = await node.follow(socket, (room, 0))
    return any(state.room == room and state.status == "live" for state in states.rooms)


async def test_following_typing_and_pointing_in_every_kind_of_room_by_every_relation(
    node: Node, database: asyncpg.Connection
) -> None:
    """Who may not see gets `removed` and moves nothing; who may not type is not heard."""
    for kind, relation in CELLS:
        author = await person(database)
        room = await bare_room(database, kind, author, relation)
        owners = [await person(database) for _ in range(2)]
        await database.executemany(
            "INSERT INTO members (room_id, person_id, relation, from_seq) VALUES ($1, $2, 'owner', 1)",
            [(room, owner) for owner in owners],
        )
        # A relation to somebody's own log or to the control log exists only in this test.
        if kind in (RoomKind.self_, RoomKind.control):
            continue
        hearing, witness = [await node.connect(owner) for owner in owners]
        socket = await node.connect(author)
        for present in (hearing, witness):
            assert await follows(node, present, room)
            await present.until_told(room, 4)
        assert await follows(node, socket, room) is may(Action.see, kind, relation), (
            kind,
            relation,
        )
        node.hub.attendance.typing(socket, room)
        # The witness types behind it: by the time that is heard, the other would have been.
        node.hub.attendance.typing(witness, room)
        await hearing.until(lambda s, who=witness.person: who in typing(s))  # type: ignore[misc]  # bound early
        assert (author in typing(hearing)) is may(Action.typing, kind, relation)
        for gone in (hearing, witness, socket):
            node.leave(gone)


def typing(socket: RecordingSocket) -> set[PersonId]:
    return {PersonId(frame.person) for frame in socket.frames if isinstance(frame, TypingNow)}


def test_every_frame_a_client_can_send_has_a_row() -> None:
    """Deny by default: a new frame kind without a row fails here."""
    assert set(get_args(frames.ClientFrame)) == set(FRAME_RULES)
    assert [frame for frame, rule in FRAME_RULES.items() if rule.before_auth] == [frames.Auth]


def test_every_submission_is_in_the_matrix() -> None:
    """... and a new submission without a cell fails here."""
    assert {type(frame) for frame, _ in submissions(RoomId(new_id()))} == set(get_args(Submission))
