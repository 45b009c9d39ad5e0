"""The permission table is complete, and is what Postgres judges by."""

import typing

import asyncpg

from muster.permission import (
    ALLOW,
    CONTROL_MASK,
    FRAME_RULES,
    ROOM_RULES,
    SERVICE_ALLOW,
    SERVICE_RULES,
    Action,
    Relation,
    RoomKind,
    may,
)
from muster.route_rules import ROUTE_RULES
from proto.frames import ClientFrame


def test_every_frame_kind_has_a_row() -> None:
    """A new frame without a rule fails here."""
    assert set(FRAME_RULES) == set(typing.get_args(ClientFrame))


def test_every_action_has_a_row_and_a_use() -> None:
    """Nothing is allowed that nothing asks for."""
    assert set(ROOM_RULES) == set(Action)
    asked = {rule.action for rule in ROUTE_RULES.values()}
    asked |= {rule.action for rule in FRAME_RULES.values()}
    by_ops = {
        Action.delete_other,
        Action.close_poll_other,
        Action.archive,
        Action.own,
        Action.link_join,
        Action.here,
    }
    assert asked - {None} | by_ops == set(Action)


async def test_postgres_reads_the_table_alike(database_url: str) -> None:
    """Every cell, by the function that judges under the room's lock."""
    connection = await asyncpg.connect(database_url)
    cells = [
        (ALLOW[action], kind.value, None if relation is Relation.none else relation.value, expected)
        for action in Action
        for kind in RoomKind
        for relation in Relation
        if (expected := may(action, kind, relation)) in (True, False)
    ]
    masks, kinds, relations, expected_all = zip(*cells, strict=True)
    rows = await connection.fetch(
        "SELECT may_v1(m, k, r) FROM unnest($1::bigint[], $2::text[], $3::text[])"
        " WITH ORDINALITY AS t (m, k, r, n) ORDER BY n",
        masks,
        kinds,
        relations,
    )
    assert [row[0] for row in rows] == list(expected_all)
    assert len(rows) == len(Action) * len(RoomKind) * len(Relation) == 25 * 7 * 7
    others = [kind for kind in RoomKind if kind is not RoomKind.control]
    for kind in others:
        assert not await connection.fetchval(
            "SELECT may_v1($1, $2, NULL)", CONTROL_MASK, kind.value
        )
    for action, kinds in SERVICE_RULES.items():
        for each in RoomKind:
            for relation in (None, *(one.value for one in Relation if one is not Relation.none)):
                judged = await connection.fetchval(
                    "SELECT may_v1($1, $2, $3)", SERVICE_ALLOW[action], each.value, relation
                )
                assert judged is (each in kinds), (action, each, relation)
    await connection.close()
