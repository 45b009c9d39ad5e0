"""Every cell of the permission table, tried against the running door.

Nothing here repeats the table: what is expected is computed from it, and what is asked comes from the routes.
"""

import time
from collections.abc import Callable
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import pytest

from api.app import Unruled, check_rules
from api.route import Route
from muster.ids import CONTROL_ROOM, PersonId, RoomId
from muster.permission import (
    PRESENT,
    Action,
    Relation,
    RoomKind,
    Scope,
    ServiceRole,
    may,
)
from muster.route_rules import ROUTE_RULES
from muster.tokens import EXTENSION_PREFIX
from tests.api.door import Door, Someone
from tests.visiting import there

KINDS = (
    RoomKind.direct,
    RoomKind.group,
    RoomKind.public,
    RoomKind.announcement,
    RoomKind.event,
)
# In a bare room message 1 and poll 3 are the asker's, 2 and 4 the owner's; the member is one to act on.
MINE, THEIRS, MY_POLL, THEIR_POLL = 1, 2, 3, 4
SOON_MS = time.time_ns() // 1_000_000 + 3_600_000


class Ask(NamedTuple):
    """One request of a room route: places filled in, and its body."""

    places: Callable[[PersonId], dict[str, Any]]
    body: Any = None
    action: Action | None = None  # where a body asks for more than the row says


def _none(_member: PersonId) -> dict[str, Any]:
    return {}


def _member(member: PersonId) -> dict[str, Any]:
    return {"person": member}


def _link(_member: PersonId) -> dict[str, Any]:
    return {"code": "unknown"}


def _message(seq: int) -> Callable[[PersonId], dict[str, Any]]:
    return lambda _member: {"seq": seq, "emoji": "ok"}


_POST = {"client_id": "c", "text": "words"}
ASKS: dict[tuple[str, str], list[Ask]] = {
    ("GET", "/v1/rooms/{room}/history"): [Ask(_none)],
    ("GET", "/v1/rooms/{room}/changes"): [Ask(_none)],
    ("GET", "/v1/rooms/{room}/threads/{seq}"): [Ask(_message(THEIRS))],
    ("GET", "/v1/rooms/{room}/draft"): [Ask(_none)],
    ("PUT", "/v1/rooms/{room}/draft"): [Ask(_none, {"text": "I was"})],
    ("DELETE", "/v1/rooms/{room}/draft"): [Ask(_none)],
    ("POST", "/v1/rooms/{room}/messages"): [Ask(_none, _POST)],
    ("GET", "/v1/rooms/{room}/messages/{seq}"): [Ask(_message(THEIRS))],
    ("PATCH", "/v1/rooms/{room}/messages/{seq}"): [Ask(_message(MINE), {"text": "new"})],
    ("DELETE", "/v1/rooms/{room}/messages/{seq}"): [
        Ask(_message(MINE)),
        Ask(_message(THEIRS), action=Action.delete_other),
    ],
    ("PUT", "/v1/rooms/{room}/messages/{seq}/reactions/{emoji}"): [Ask(_message(THEIRS))],
    ("DELETE", "/v1/rooms/{room}/messages/{seq}/reactions/{emoji}"): [Ask(_message(THEIRS))],
    ("PUT", "/v1/rooms/{room}/messages/{seq}/vote"): [Ask(_message(THEIR_POLL), {"choices": [1]})],
    ("GET", "/v1/rooms/{room}/messages/{seq}/votes"): [Ask(_message(THEIR_POLL))],
    ("POST", "/v1/rooms/{room}/messages/{seq}/close"): [
        Ask(_message(MY_POLL)),
        Ask(_message(THEIR_POLL), action=Action.close_poll_other),
    ],
    ("PUT", "/v1/rooms/{room}/read"): [Ask(_none, {"seq": 1})],
    ("PUT", "/v1/rooms/{room}/received"): [Ask(_none, {"seq": 1})],
    ("GET", "/v1/rooms/{room}"): [Ask(_none)],
    ("PATCH", "/v1/rooms/{room}"): [
        Ask(_none, {"title": "new"}),
        Ask(_none, {"archived": True}, Action.archive),
    ],
    ("GET", "/v1/rooms/{room}/members"): [Ask(_none)],
    ("PUT", "/v1/rooms/{room}/members/{person}"): [Ask(_member)],
    ("DELETE", "/v1/rooms/{room}/members/{person}"): [Ask(_member)],
    ("PUT", "/v1/rooms/{room}/members/{person}/role"): [Ask(_member, {"role": "moderator"})],
    ("POST", "/v1/rooms/{room}/join"): [Ask(_none)],
    ("POST", "/v1/rooms/{room}/leave"): [Ask(_none)],
    ("PUT", "/v1/rooms/{room}/mute"): [Ask(_none, {"level": "none"})],
    ("POST", "/v1/rooms/{room}/accept"): [Ask(_none)],
    ("POST", "/v1/rooms/{room}/links"): [Ask(_none, {})],
    ("GET", "/v1/rooms/{room}/links"): [Ask(_none)],
    ("DELETE", "/v1/rooms/{room}/links/{code}"): [Ask(_link)],
    ("GET", "/v1/rooms/{room}/pins"): [Ask(_none)],
    ("PUT", "/v1/rooms/{room}/pins/{seq}"): [Ask(_message(THEIRS))],
    ("DELETE", "/v1/rooms/{room}/pins/{seq}"): [Ask(_message(THEIRS))],
    ("POST", "/v1/rooms/{room}/scheduled"): [Ask(_none, {**_POST, "at_ms": SOON_MS})],
    ("PATCH", "/v1/events/{room}"): [Ask(_none, {"about": "new"})],
    ("POST", "/v1/events/{room}/cancel"): [Ask(_none)],
    ("POST", "/v1/events/{room}/end"): [Ask(_none)],
    ("PUT", "/v1/events/{room}/rsvp"): [Ask(_none, {"answer": "maybe"})],
    ("PUT", "/v1/events/{room}/roster/{person}"): [Ask(_member)],
    ("DELETE", "/v1/events/{room}/roster/{person}"): [Ask(_member)],
    ("PUT", "/v1/events/{room}/hosts/{person}"): [Ask(_member)],
    ("DELETE", "/v1/events/{room}/hosts/{person}"): [Ask(_member)],
    ("GET", "/v1/events/{room}/code"): [Ask(_none)],
    ("POST", "/v1/events/{room}/roster/{person}/check-in"): [Ask(_member)],
    ("POST", "/v1/events/{room}/roster/{person}/check-out"): [Ask(_member)],
    ("GET", "/v1/events/{room}/attendance"): [Ask(_none)],
    ("GET", "/v1/events/{room}/attendance.csv"): [Ask(_none)],
    ("GET", "/v1/events/{room}/stats"): [Ask(_none)],
    ("GET", "/v1/rooms/{room}/reports"): [Ask(_none)],
    ("POST", "/v1/rooms/{room}/reports/{report}/take"): [Ask(_none, {})],
    ("POST", "/v1/rooms/{room}/reports/{report}/resolve"): [Ask(_none, {"action": "dismiss"})],
    ("GET", "/v1/rooms/{room}/silences"): [Ask(_none)],
    ("PUT", "/v1/rooms/{room}/members/{person}/silence"): [Ask(_member, {"until_ms": SOON_MS})],
    ("DELETE", "/v1/rooms/{room}/members/{person}/silence"): [Ask(_member)],
    ("GET", "/v1/rooms/{room}/bans"): [Ask(_none)],
    ("PUT", "/v1/rooms/{room}/bans/{person}"): [Ask(_member, {})],
    ("DELETE", "/v1/rooms/{room}/bans/{person}"): [Ask(_member)],
}
ROOM_ROUTES = {key: rule.action for key, rule in ROUTE_RULES.items() if rule.action is not None}


def expected(action: Action, kind: RoomKind, relation: Relation) -> int:
    """200 stands for done; else the status of the refusal.

    Whoever has no business in a room gets what an unknown room gets. An invited person knows the room: what they
    may not do there is forbidden, what they may not see is not there.
    """
    if may(action, kind, relation):
        return 200
    if relation in PRESENT or (relation is Relation.invited and action is not Action.see):
        return 403
    return 404


async def _ask(
    someone: Someone, key: tuple[str, str], ask: Ask, room: UUID, member: PersonId
) -> int:
    method, template = key
    path = template.format(room=room, report=room, **ask.places(member))  # see _reported
    query = {"after": 0} if template.endswith("changes") else None
    answer = await someone.ask(method, path, json=ask.body, params=query)
    return 200 if answer.status_code < 300 else answer.status_code


async def _reported(door: Door, room: UUID, owner: PersonId, member: PersonId) -> None:
    """A report of the owner's message, called as the room is."""
    await door.database.execute(
        "INSERT INTO reports (report_id, reporter, subject, room_id, seq, reason)"
        " VALUES ($1, $2, $3, $1, $4, 'spam')",
        room,
        member,
        owner,
        THEIRS,
    )


def test_every_room_route_is_tried() -> None:
    """A new room route needs a request here."""
    assert set(ASKS) == set(ROOM_ROUTES)


@pytest.mark.parametrize("kind", KINDS)
async def test_every_relation_on_every_room_route(door: Door, kind: RoomKind) -> None:
    """Row by row and relation by relation, what the door answers is what the table says."""
    asker, owner, member = [await door.someone() for _ in range(3)]
    wrong = []
    cells = 0
    for key, action in ROOM_ROUTES.items():
        for ask in ASKS[key]:
            for relation in Relation:
                authors = (asker.id, owner.id, asker.id, owner.id)
                room = await door.bare_room(kind, *authors, polls=(MY_POLL, THEIR_POLL))
                await door.relate(room, owner.id, Relation.owner, 4)
                await door.relate(room, member.id, Relation.member, 4)
                await door.relate(room, asker.id, relation, 4)
                if kind is RoomKind.event:
                    # By a host: of others that share nothing a host is told nothing, so that they check nobody out.
                    await there(door.database, RoomId(room), member.id, source="host")
                if "{report}" in key[1]:
                    await _reported(door, room, owner.id, member.id)
                assert action is not None
                want = expected(ask.action or action, kind, relation)
                got = await _ask(asker, key, ask, room, member.id)
                cells += 1
                if got != want:
                    wrong.append((*key, ask.body, relation.value, f"want {want}, got {got}"))
    assert wrong == []
    assert cells == sum(len(asks) for asks in ASKS.values()) * len(Relation)


async def test_logs_that_are_no_rooms_are_not_there(door: Door) -> None:
    """Somebody else's own log and the control log answer like a room that does not exist."""
    asker, other = await door.someone(), await door.someone()
    for room in (other.id, CONTROL_ROOM, uuid4()):
        for key in ROOM_ROUTES:
            for ask in ASKS[key]:
                assert await _ask(asker, key, ask, room, other.id) == 404, (key, room)


async def test_every_service_role_on_every_route(door: Door) -> None:
    """Without a token 401, with the wrong role 403, with the right one anything else."""
    cells = 0
    for (method, template), rule in ROUTE_RULES.items():
        path = template.format(
            room=uuid4(),
            person=uuid4(),
            session=uuid4(),
            device=uuid4(),
            report=uuid4(),
            job=uuid4(),
            media=uuid4(),
            object="unknown",
            seq=1,
            emoji="ok",
            who="@nobody",
            code="unknown",
            webhook=uuid4(),
            external="nobody",
            purpose="nothing",
            provider="nobody",
            version="any",
            file="main.js",
        )
        for role in (None, *ServiceRole):
            if role is None:
                status = (await door.client.request(method, path)).status_code
                fits = (status == 401) is not rule.anyone
            else:
                someone = await door.someone(role=role)
                status = (await someone.ask(method, path)).status_code
                refused = not rule.anyone and role not in rule.roles
                fits = status != 401 and (status == 403) is refused
            assert fits, (method, template, role, status)
            cells += 1
    assert cells == (1 + len(ServiceRole)) * len(ROUTE_RULES)


async def test_every_scope_on_every_route(door: Door) -> None:
    """A service key is let in by its scope alone: never where people are meant, and never for another scope."""
    servers = {scope: await door.service(scope) for scope in Scope}
    cells = 0
    for (method, template), rule in ROUTE_RULES.items():
        path = template.format(
            room=uuid4(), person=uuid4(), session=uuid4(), device=uuid4(), report=uuid4(), job=uuid4(), seq=1,
            emoji="ok", who="@nobody", code="unknown", webhook=uuid4(), external="nobody", provider="x",
            version="any", file="main.js", media=uuid4(), object="unknown", purpose="nothing",
        )  # fmt: skip
        for scope, server in servers.items():
            status = (await server.ask(method, path)).status_code
            refused = not rule.anyone and rule.scope is not scope
            assert status != 401 or rule.anyone, (method, template, scope, status)
            assert (status == 403) is refused, (method, template, scope, status)
            cells += 1
    assert cells == len(Scope) * len(ROUTE_RULES)
    assert sum(rule.scope is not None for rule in ROUTE_RULES.values()) == 14


async def test_an_extension_opens_one_route(door: Door) -> None:
    """The token of a notification extension: anything but 401 on its own route, 401 on every other that asks who."""
    ada = await door.registered("ada")
    narrow = (await ada.done("POST", "/v1/me/push/extension"))["token"]
    opened = []
    for (method, template), rule in ROUTE_RULES.items():
        path = template.format(
            room=uuid4(), person=uuid4(), session=uuid4(), device=uuid4(), report=uuid4(), job=uuid4(), seq=1,
            emoji="ok", who="@nobody", code="unknown", webhook=uuid4(), external="nobody", provider="x",
            version="any", file="main.js", media=uuid4(), object="unknown", purpose="nothing",
        )  # fmt: skip
        for token in (narrow, narrow.removeprefix(EXTENSION_PREFIX)):
            headers = {"Authorization": f"Bearer {token}"}
            status = (await door.client.request(method, path, headers=headers)).status_code
            if not rule.anyone and status != 401:
                opened.append((method, template, token == narrow))
    assert opened == [("GET", "/v1/rooms/{room}/messages/{seq}", True)]
    assert [key[:2] for key in opened] == [k for k, rule in ROUTE_RULES.items() if rule.extension]


async def test_staff_act_on_whom_they_may(door: Door) -> None:
    """Support acts on users, admins on all but admins; nobody else on anybody."""
    people = {role: await door.someone(role=role) for role in ServiceRole}
    allowed = set()
    for role, actor in people.items():
        for other in ServiceRole:
            subject = await door.someone(role=other)
            ban = f"/v1/people/{subject.id}/ban"
            statuses = {
                (await actor.ask(*request)).status_code
                for request in (
                    ("PUT", ban),
                    ("DELETE", ban),
                    ("POST", f"/v1/people/{subject.id}/revoke"),
                )
            }
            assert statuses in ({204}, {403})
            if statuses == {204}:
                allowed.add((role.value, other.value))
    assert allowed == {("support", "user"), ("admin", "user"), ("admin", "support")}


async def _nothing(_call: object) -> None:
    return None


def test_a_route_without_a_row_does_not_start() -> None:
    """Deny by default begins before the first request."""
    route = Route("GET", "/v1/new", _nothing, "New")
    with pytest.raises(Unruled, match="GET /v1/new has no row"):
        check_rules([route], {})
    with pytest.raises(Unruled, match="a row but no route"):
        check_rules([], dict(list(ROUTE_RULES.items())[:1]))
