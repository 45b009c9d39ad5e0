"""An op: one thing somebody wants done to a log, and what came of it.

Owns the shape that both doors submit to the writer (muster/writer.py) and the writer submits to Postgres
(commit_batch_v4). Must never decide whether an op is allowed: `allow` is filled from muster/permission.py and
judged by Postgres under the room's lock.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

from msgspec import Struct

from muster.ids import PersonId, RoomId
from proto.codes import Code
from proto.entry import Body, EntryKind

DONE: Final = frozenset({"ok", "known", "same"})
"""Statuses of an op that is in force: newly, by an earlier try, or because it changed nothing."""


class Op(Struct, frozen=True, gc=False):
    """One request to change a log.

    `kind` is an EntryKind, or one of `create`, `invite`, `uncontact`, `link`, `unlink`, `link_join`, `poll`, `place`,
    and those about events (muster/hosting.py) and of moderators (muster/moderation.py). `body` is everything of
    proto.entry.Body but text and target (or NewRoom, ProfileChange, PrivacyChange, PushChange, LinkTerms, EventChange,
    Attending, VisitChange, Measure).
    `target` / `target_client` name the message an edit, deletion or reaction is about. `locks` are rooms besides
    `room` whose head may move (self logs that get a side entry).
    """

    kind: str
    room: RoomId
    author: PersonId
    client_id: str
    allow: int
    text: str | None = None
    body: Struct | None = None
    subject: PersonId | None = None
    target: int | None = None
    target_client: str | None = None
    allow_other: int = 0
    locks: tuple[RoomId, ...] = ()


class NewRoom(Struct, frozen=True, omit_defaults=False, gc=False):
    """The body of a `create` op; `people` are the first members besides its author."""

    kind: str
    history: str
    title: str
    topic: str
    people: list[UUID]


class ProfileChange(Struct, frozen=True, omit_defaults=True, gc=False):
    """The body of a `profile` op; what is absent stays. `handle` is case-folded, `handle_shown` as typed.

    `picture`: NOTHING takes it away (muster/media.py).
    """

    handle: str | None = None
    handle_shown: str | None = None
    name: str | None = None
    bio: str | None = None
    picture: UUID | None = None


class PrivacyChange(Struct, frozen=True, omit_defaults=True, gc=False):
    """The body of a `privacy` op: circles by name (muster/privacy.py); what is absent stays."""

    message: str | None = None
    find: str | None = None
    find_by_handle: str | None = None
    online: str | None = None
    events: str | None = None


class PushChange(Struct, frozen=True, omit_defaults=True, gc=False):
    """The body of a `push` op (muster/push_wishes.py); what is absent stays."""

    level: str | None = None
    quiet_from_min: int | None = None
    quiet_to_min: int | None = None
    urgent_through: bool | None = None


class LinkTerms(Struct, frozen=True, omit_defaults=True, gc=False):
    """The body of the ops about invite links; all but `code` only where one is made."""

    code: str
    expires_at_ms: int | None = None
    uses: int | None = None


class VisitChange(Struct, frozen=True, omit_defaults=True, gc=False):
    """The body of a `visit` op: the author entered or left an event's place (`state`: entered, left).

    `host`: who checks them in; only with the source of that name.
    """

    room: UUID
    state: str
    source: str
    confidence: str
    moment_ms: int
    host: UUID | None = None


class Measure(Struct, frozen=True, omit_defaults=True, gc=False):
    """The body of what moderators and staff do about somebody: until when, and why (for the audit and them alone)."""

    until_ms: int | None = None
    reason: str | None = None


class Committed(Struct, frozen=True, gc=False):
    """One entry or verdict that commit_batch_v4 answered.

    `status` is ok, known, same, side, barred or a Code's name; a refusal for a time has `until_ms` in its body.
    """

    idx: int
    status: str
    room: RoomId
    seq: int
    msg_no: int
    at_ms: int
    kind: EntryKind | None
    author: PersonId | None
    subject: PersonId | None
    target: int | None
    body: Body | None


class Outcome(Struct, frozen=True, gc=False):
    """What an op came to: in force at `seq`. `fresh` is false for a retry or a change of nothing."""

    room: RoomId
    seq: int
    msg_no: int
    at_ms: int
    fresh: bool


_OVER: Final = "the event is over"
_TIMES: Final = "doors open before an event starts, it ends after that and in the future, and a fence has a point"

SENTENCES: Final[dict[tuple[str, Code], str]] = {
    ("poll", Code.bad_request): "a poll closes in the future, and within 366 days",
    ("vote", Code.bad_request): "the poll has no such option, or takes one choice only",
    ("vote", Code.conflict): "the poll is closed",
    ("visit", Code.conflict): "people come in from when doors open until the event is over",
    ("visit", Code.limit_exceeded): "nobody comes and goes that often",
    ("silence", Code.bad_request): "somebody is silenced until a time within 366 days",
    ("room_ban", Code.bad_request): "a ban ends in the future",
    ("edit", Code.conflict): "a poll is not edited: people have been asked this",
    ("create_event", Code.bad_request): _TIMES,
    ("change_event", Code.bad_request): _TIMES,
    ("change_event", Code.conflict): _OVER,
    ("cancel_event", Code.conflict): _OVER,
    ("end_event", Code.conflict): "the event is over, or its doors are not open: cancel it instead",
    ("answer_event", Code.conflict): _OVER,
    ("answer_event", Code.bad_request): "answer first: going, maybe or no",
    ("invite_event", Code.conflict): _OVER,
    ("invite_event", Code.limit_exceeded): "10,000 people are asked and have not answered yet",
}
"""Why an op of this kind is refused with this code, where the code alone says too little."""

STATUS_CODES: Final[dict[str, Code]] = {code.name: code for code in Code}
"""Names that commit_batch_v4 answers for an op that is refused -> the code clients see."""
