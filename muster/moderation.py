"""What moderators and staff do about people and messages, as ops.

Owns these builders: which row of the permission table each stands under, and which logs it touches. Must never judge:
who outranks whom is judged by Postgres under the room's lock (outranks_v1), on whom staff may act by
muster.people.may_act_on. Each is written down in the audit by the statement that does it.
"""

from __future__ import annotations

from typing import Final

from muster.ids import CONTROL_ROOM, PersonId, RoomId, self_room
from muster.op import Measure, Op
from muster.permission import ALLOW, CONTROL_MASK, STAFF_MASK, Action
from muster.words import line

REASON_CHARS: Final = 500


def measure(reason: str, until_ms: int | None = None) -> Measure:
    """Until when, and why. Raises `Refused`."""
    return Measure(until_ms, line("a reason", reason, REASON_CHARS, breaks=True) or None)


def silence(author: PersonId, room: RoomId, subject: PersonId, client_id: str, what: Measure) -> Op:
    """Somebody may write nothing into a room until a time; again: until another."""
    return _in_room("silence", author, room, subject, client_id, what)


def unsilence(
    author: PersonId, room: RoomId, subject: PersonId, client_id: str, what: Measure
) -> Op:
    """The reverse of `silence`."""
    return _in_room("unsilence", author, room, subject, client_id, what)


def room_ban(
    author: PersonId, room: RoomId, subject: PersonId, client_id: str, what: Measure
) -> Op:
    """Put somebody out of a room, and let them come back by no way: until a time, or until it is lifted."""
    return _in_room("room_ban", author, room, subject, client_id, what)


def room_unban(
    author: PersonId, room: RoomId, subject: PersonId, client_id: str, what: Measure
) -> Op:
    """Somebody who was banned, or kicked, is as if they had left."""
    return _in_room("room_unban", author, room, subject, client_id, what)


def kick(author: PersonId, room: RoomId, subject: PersonId, client_id: str, what: Measure) -> Op:
    """muster.submit.kick, with a reason for the audit."""
    return _in_room("kick", author, room, subject, client_id, what)


def _in_room(
    kind: str, author: PersonId, room: RoomId, subject: PersonId, client_id: str, what: Measure
) -> Op:
    return Op(
        kind,
        room,
        author,
        client_id,
        ALLOW[Action.moderate],
        body=what,
        subject=subject,
        locks=(self_room(subject),),
    )


def silence_everywhere(author: PersonId, subject: PersonId, client_id: str, what: Measure) -> Op:
    """Staff: somebody may write nothing into any room until a time. They are not told by whom."""
    return _everywhere("silence", author, subject, client_id, what)


def unsilence_everywhere(author: PersonId, subject: PersonId, client_id: str, what: Measure) -> Op:
    """The reverse of `silence_everywhere`; what moderators said stands."""
    return _everywhere("unsilence", author, subject, client_id, what)


def ban(author: PersonId, subject: PersonId, client_id: str, what: Measure) -> Op:
    """muster.submit.ban, with a reason for the audit."""
    return _everywhere("ban", author, subject, client_id, what)


def _everywhere(
    kind: str, author: PersonId, subject: PersonId, client_id: str, what: Measure
) -> Op:
    return Op(
        kind,
        CONTROL_ROOM,
        author,
        client_id,
        CONTROL_MASK,
        body=what,
        subject=subject,
        locks=(self_room(subject),),
    )


def delete(author: PersonId, room: RoomId, seq: int, client_id: str, what: Measure) -> Op:
    """A moderator takes somebody's message away, as a `delete` frame does, with a reason for the audit."""
    allow, other = ALLOW[Action.delete], ALLOW[Action.delete_other]
    return Op("delete", room, author, client_id, allow, None, what, target=seq, allow_other=other)


def remove(
    author: PersonId, room: RoomId, subject: PersonId, seq: int, client_id: str, what: Measure
) -> Op:
    """Staff take a message of somebody's away, in whichever room; in its log it is nobody's doing."""
    return Op("remove", room, author, client_id, STAFF_MASK, None, what, subject, target=seq)
