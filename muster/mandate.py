"""What the app itself does in rooms, by its service keys: ops in nobody's name, with the app's mandate.

Owns who then stands as author. A person cannot be taken for the app nor the app for a person: `author_kind` is set
here alone, and the author of such a message is nobody's id. Must never judge: the door has checked the key's scope,
and Postgres judges the kind of room under its lock, as for everybody.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID, uuid5

import msgspec

from muster import submit
from muster.ids import NOBODY, PersonId, RoomId
from muster.op import Op
from muster.permission import SERVICE_ALLOW, Action, Relation
from muster.words import line
from proto import frames
from proto.entry import Body

SENDER_CHARS: Final = 64
_SENDERS: Final = UUID("6a8f1d1b-53c9-5a3e-9a54-0f6d2b7c9e10")
_ROOMS: Final = UUID("c1b7a0de-8a1f-5d5e-8f30-3e0f5a6b7d22")


def sender_id(name: str) -> PersonId:
    """Who stands as author of what the app says as `name`: always the same, and nobody's."""
    return PersonId(uuid5(_SENDERS, name.casefold()))


def app_room(external: str) -> RoomId:
    """The room that the app calls so."""
    return RoomId(uuid5(_ROOMS, external))


def post(frame: frames.Post, sender: str) -> Op:
    """A message of the app's: as `sender`, or of the system. Raises `Refused`."""
    name = line("a sender", sender, SENDER_CHARS)
    op = submit.of_frame(sender_id(name) if name else NOBODY, frame)
    said = op.body if isinstance(op.body, Body) else Body()
    body = msgspec.structs.replace(
        said, author_kind="app" if name else "system", sender=name or None
    )
    return msgspec.structs.replace(op, allow=SERVICE_ALLOW[Action.post], body=body)


def bring_in(room: RoomId, person: PersonId, client_id: str) -> Op:
    """Make somebody a member, as if they had come by themselves; `same` if they are one."""
    op = submit.join(person, room, client_id)
    return msgspec.structs.replace(op, allow=SERVICE_ALLOW[Action.join])


def put_out(room: RoomId, person: PersonId, client_id: str) -> Op:
    """Kick somebody. Owners are refused: first make somebody else the owner."""
    op = submit.kick(NOBODY, room, person, client_id)
    return msgspec.structs.replace(op, allow=SERVICE_ALLOW[Action.kick])


def rank(room: RoomId, person: PersonId, to: Relation, client_id: str) -> Op:
    """Make a member a moderator or an owner, or a plain member again."""
    op = submit.role(NOBODY, room, person, to, client_id)
    return msgspec.structs.replace(op, allow=SERVICE_ALLOW[Action.role])


def change(room: RoomId, client_id: str, changes: Body) -> Op:
    """Change title, topic or archived."""
    op = submit.settings(NOBODY, room, client_id, changes)
    return msgspec.structs.replace(op, allow=SERVICE_ALLOW[Action.settings])
