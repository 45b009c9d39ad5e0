"""Builders of ops about events: what hosts do, what guests answer, what timers do.

Owns the kinds of these ops, and the logs each may move besides the event's own: the control log with all that changes
what fixes are judged by, and self logs that are told. Must never judge: Postgres does, under the room's head lock.
"""

from __future__ import annotations

from muster.events import Attending, EventChange
from muster.ids import CONTROL_ROOM, NOBODY, PersonId, RoomId, self_room
from muster.op import Op
from muster.permission import ALLOW, NOTICE_MASK, SERVICE_MASK, Action, Relation
from proto.entry import Body


def create(author: PersonId, room: RoomId, client_id: str, new: EventChange) -> Op:
    """A new event, and its room, whose owner is its first host; `same` if it exists."""
    locks = (self_room(author), CONTROL_ROOM)
    return Op("create_event", room, author, client_id, 0, body=new, locks=locks)


def change(author: PersonId, room: RoomId, client_id: str, wanted: EventChange) -> Op:
    """Change what is set. The guests are told of new times and a new place."""
    return _hosted("change_event", author, room, client_id, wanted)


def cancel(author: PersonId, room: RoomId, client_id: str) -> Op:
    """Call it off, at any time before its end."""
    return _hosted("cancel_event", author, room, client_id)


def end(author: PersonId, room: RoomId, client_id: str) -> Op:
    """End it before its time."""
    return _hosted("end_event", author, room, client_id)


def turn(room: RoomId) -> Op:
    """Bring it to the state that is due by the clock of Postgres, as nobody: two tries are one by what then stands."""
    return Op("turn_event", room, NOBODY, "turn", SERVICE_MASK, locks=(CONTROL_ROOM,))


def answer(author: PersonId, room: RoomId, client_id: str, said: Attending) -> Op:
    """Say whether I come, and what my place may be used for."""
    own = (self_room(author),)
    return Op("answer_event", room, author, client_id, ALLOW[Action.answer], body=said, locks=own)


def invite(author: PersonId, room: RoomId, subject: PersonId, client_id: str) -> Op:
    """Put somebody on the roster."""
    return _about("invite_event", author, room, subject, client_id, Action.host)


def drop(author: PersonId, room: RoomId, subject: PersonId, client_id: str) -> Op:
    """Put somebody off the roster and out of the room; they come back only by invitation."""
    return _about("drop_event", author, room, subject, client_id, Action.host)


def host(author: PersonId, room: RoomId, subject: PersonId, client_id: str, *, on: bool) -> Op:
    """Make somebody a host, or a guest again."""
    body = Body(role=(Relation.moderator if on else Relation.member).value)
    return _about("host_event", author, room, subject, client_id, Action.cohost, body)


def seat(room: RoomId, subject: PersonId) -> Op:
    """Tell somebody who moved up from the waitlist, and let them in where answers do that; as nobody, once."""
    own = (self_room(subject),)
    return Op("seat_event", room, NOBODY, "seat", SERVICE_MASK, subject=subject, locks=own)


def notice(person: PersonId, client_id: str, says: Body) -> Op:
    """What an event tells somebody in their own log, as nobody."""
    return Op("notice", self_room(person), NOBODY, client_id, NOTICE_MASK, body=says)


def share(author: PersonId, client_id: str, said: Attending) -> Op:
    """What I let public events judge that I am not on the roster of."""
    return Op("place", self_room(author), author, client_id, ALLOW[Action.own], body=said)


def _hosted(
    kind: str, author: PersonId, room: RoomId, client_id: str, body: EventChange | None = None
) -> Op:
    allow = ALLOW[Action.host]
    return Op(kind, room, author, client_id, allow, body=body, locks=(CONTROL_ROOM,))


def _about(
    kind: str,
    author: PersonId,
    room: RoomId,
    subject: PersonId,
    client_id: str,
    action: Action,
    body: Body | None = None,
) -> Op:
    own = (self_room(subject),)
    return Op(kind, room, author, client_id, ALLOW[action], body=body, subject=subject, locks=own)
