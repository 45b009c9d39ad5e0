"""Who may do what: one table, deny by default.

Owns every answer to "may this relation, in a room of this kind, do this"; which routes ask for what is the second
half of the table (muster/route_rules.py). A route or frame kind without a row fails `make test`
(tests/muster/test_permission.py), which also tries every cell against the running doors. Must never look anything up:
callers bring the relation, and for ops Postgres brings it, under the room's lock, from the mask that `allow_mask`
packs.
"""

from __future__ import annotations

from enum import Enum, StrEnum
from typing import Final, NamedTuple

from proto import frames


class RoomKind(StrEnum):
    """Kinds of rooms. The order is that of the bits in `allow_mask` and of may_v1 in 03_change.sql."""

    direct = "direct"
    group = "group"
    public = "public"
    announcement = "announcement"
    event = "event"
    self_ = "self"
    control = "control"


class Relation(StrEnum):
    """What somebody is to a room. The order is that of the bits in `allow_mask`; roles are the middle three."""

    none = "none"
    invited = "invited"
    member = "member"
    moderator = "moderator"
    owner = "owner"
    kicked = "kicked"
    left = "left"


class ServiceRole(StrEnum):
    """What somebody is to the whole service."""

    user = "user"
    support = "support"
    admin = "admin"


PEOPLE: Final = frozenset(ServiceRole)
STAFF: Final = frozenset({ServiceRole.support, ServiceRole.admin})
ADMIN: Final = frozenset({ServiceRole.admin})


class Scope(StrEnum):
    """What a service key may be for: the app's own servers, which are nobody."""

    people = "people:write"
    rooms = "rooms:write"
    post = "post"
    webhooks = "webhooks"


class Action(Enum):
    """What can be done in a room."""

    see = "see"
    post = "post"
    edit = "edit"
    delete = "delete"
    delete_other = "delete_other"
    react = "react"
    typing = "typing"
    join = "join"
    invite = "invite"
    leave = "leave"
    kick = "kick"
    role = "role"
    settings = "settings"
    archive = "archive"
    pin = "pin"
    vote = "vote"
    close_poll = "close_poll"
    close_poll_other = "close_poll_other"
    own = "own"
    link_join = "link_join"
    here = "here"
    answer = "answer"
    host = "host"
    cohost = "cohost"
    moderate = "moderate"


PRESENT: Final = frozenset({Relation.member, Relation.moderator, Relation.owner})
"""The relations of people who are in a room."""

_RANKS: Final = frozenset({Relation.moderator, Relation.owner})
_OWNER: Final = frozenset({Relation.owner})
_OUTSIDE: Final = frozenset({Relation.none, Relation.left, Relation.invited})
_INVITED: Final = frozenset({Relation.invited})
_SHARED: Final = (RoomKind.group, RoomKind.public, RoomKind.announcement, RoomKind.event)
_TALK: Final = (RoomKind.direct, *_SHARED)

ROOM_RULES: Final[dict[Action, dict[RoomKind, frozenset[Relation]]]] = {
    Action.see: {**dict.fromkeys(_TALK, PRESENT), RoomKind.self_: _OWNER},
    Action.post: {**dict.fromkeys(_TALK, PRESENT), RoomKind.announcement: _RANKS},
    Action.edit: {**dict.fromkeys(_TALK, PRESENT), RoomKind.announcement: _RANKS},
    Action.delete: dict.fromkeys(_TALK, PRESENT),
    Action.delete_other: dict.fromkeys(_SHARED, _RANKS),
    Action.react: dict.fromkeys(_TALK, PRESENT),
    Action.typing: {**dict.fromkeys(_TALK, PRESENT), RoomKind.announcement: _RANKS},
    # Joining again what one is in changes nothing and is answered as done.
    Action.join: {
        RoomKind.group: _INVITED | PRESENT,
        RoomKind.public: _OUTSIDE | PRESENT,
        RoomKind.announcement: _OUTSIDE | PRESENT,
        RoomKind.event: _OUTSIDE | PRESENT,
    },
    Action.invite: {
        RoomKind.group: PRESENT,
        RoomKind.public: PRESENT,
        RoomKind.announcement: _RANKS,
        # Who may come to an event is its hosts' to say.
        RoomKind.event: _RANKS,
    },
    Action.leave: dict.fromkeys(_SHARED, PRESENT | _INVITED),
    Action.kick: dict.fromkeys(_SHARED, _RANKS),
    Action.role: dict.fromkeys(_SHARED, _OWNER),
    Action.settings: dict.fromkeys(_SHARED, _RANKS),
    Action.archive: dict.fromkeys(_SHARED, _OWNER),
    Action.pin: {RoomKind.direct: PRESENT, **dict.fromkeys(_SHARED, _RANKS)},
    Action.vote: dict.fromkeys(_TALK, PRESENT),
    Action.close_poll: dict.fromkeys(_TALK, PRESENT),
    Action.close_poll_other: dict.fromkeys(_SHARED, _RANKS),
    # One's own log: pointers, mutes, profile, contacts, privacy, and what one's timers tell.
    Action.own: {RoomKind.self_: _OWNER},
    # By invite link; who was kicked comes back only by invitation.
    Action.link_join: dict.fromkeys(_SHARED, _OUTSIDE | PRESENT),
    # To mention everybody who looks; in a room that anyone may join that is a way to shout at strangers.
    Action.here: {
        RoomKind.direct: PRESENT,
        RoomKind.group: PRESENT,
        **dict.fromkeys((RoomKind.public, RoomKind.announcement, RoomKind.event), _RANKS),
    },
    # Whether they come: who may know of the event at all is judged besides (event_visible_v1).
    Action.answer: {RoomKind.event: _OUTSIDE | PRESENT},
    # To change it, to ask people, to check them in, and to know who came.
    Action.host: {RoomKind.event: _RANKS},
    Action.cohost: {RoomKind.event: _OWNER},
    # Silence, bans, and the reports of what is said there; who outranks whom is judged besides (outranks_v1).
    Action.moderate: dict.fromkeys(_SHARED, _RANKS),
}


def may(action: Action, kind: RoomKind, relation: Relation) -> bool:
    """Whether somebody with this relation may do this in a room of this kind."""
    return relation in ROOM_RULES[action].get(kind, frozenset())


def allow_mask(action: Action) -> int:
    """The table's row for `action` as may_v1 reads it: bit 8 x kind + relation."""
    return sum(
        1 << (8 * k + r)
        for k, kind in enumerate(RoomKind)
        for r, relation in enumerate(Relation)
        if may(action, kind, relation)
    )


ALLOW: Final[dict[Action, int]] = {action: allow_mask(action) for action in Action}

CONTROL_MASK: Final = 1 << (8 * list(RoomKind).index(RoomKind.control))
"""For block, revoke, ban: the door has checked the service role; the control log has no members."""


SERVICE_MASK: Final = sum(1 << (8 * k) for k, kind in enumerate(RoomKind) if kind in _TALK)
"""For what the service does in a room by itself, as nobody: relation `none`, wherever people talk."""

NOTICE_MASK: Final = 1 << (8 * list(RoomKind).index(RoomKind.self_))
"""For what an event tells somebody in their own log, as nobody: relation `none`."""

STAFF_MASK: Final = sum(0xFF << (8 * k) for k, kind in enumerate(RoomKind) if kind in _TALK)
"""For what staff do wherever people talk, whatever they are there: the door has checked the service role."""

SERVICE_RULES: Final[dict[Action, tuple[RoomKind, ...]]] = {
    Action.post: _TALK,
    Action.join: _SHARED,
    Action.kick: _SHARED,
    Action.role: _SHARED,
    Action.settings: _SHARED,
}
"""What the app may do by its service keys, in rooms of which kinds, whoever is in them. Never in anybody's own log."""

SERVICE_ALLOW: Final[dict[Action, int]] = {
    action: sum(0xFF << (8 * k) for k, kind in enumerate(RoomKind) if kind in kinds)
    for action, kinds in SERVICE_RULES.items()
}
"""The same as masks: the door has checked the key's scope."""


class FrameRule(NamedTuple):
    """Who may send a frame kind: anyone who has not authenticated yet, or members by `action`, or any session."""

    before_auth: bool
    action: Action | None


FRAME_RULES: Final[dict[type[frames.Client], FrameRule]] = {
    frames.Auth: FrameRule(True, None),
    frames.Ping: FrameRule(False, None),
    frames.Resume: FrameRule(False, Action.see),
    frames.Attend: FrameRule(False, Action.see),
    frames.Attention: FrameRule(False, None),
    frames.Post: FrameRule(False, Action.post),
    frames.Edit: FrameRule(False, Action.edit),
    frames.Delete: FrameRule(False, Action.delete),
    frames.React: FrameRule(False, Action.react),
    frames.Unreact: FrameRule(False, Action.react),
    frames.Typing: FrameRule(False, Action.typing),
    frames.Received: FrameRule(False, Action.see),
    frames.Read: FrameRule(False, Action.see),
    frames.Refresh: FrameRule(False, None),
    frames.Watch: FrameRule(False, None),
    frames.Vote: FrameRule(False, Action.vote),
    frames.ClosePoll: FrameRule(False, Action.close_poll),
    # For which events they are judged: muster/placing.py, by what the person lets be judged.
    frames.Fixes: FrameRule(False, None),
    frames.Crossings: FrameRule(False, None),
}
