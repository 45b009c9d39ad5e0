"""One entry of a room's log, as it travels.

Owns the kinds of entries and the shape of their bodies. Must never know who may write one (muster
does).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from proto import limits

Seq = Annotated[int, Meta(ge=0, le=2**53 - 1)]
"""A position in a room's log; 2^53 - 1 is the largest integer JSON clients keep exactly."""

Text = Annotated[str, Meta(max_length=limits.TEXT_CHARS)]
ClientId = Annotated[str, Meta(min_length=1, max_length=limits.CLIENT_ID_CHARS)]
Emoji = Annotated[str, Meta(min_length=1, max_length=limits.EMOJI_CHARS)]
MetaKey = Annotated[str, Meta(min_length=1, max_length=limits.META_KEY_CHARS)]
MetaValue = str | Annotated[int, Meta(ge=-(2**53) + 1, le=2**53 - 1)] | float | bool | None
MetaMap = Annotated[dict[MetaKey, MetaValue], Meta(max_length=limits.META_KEYS)]
Mentions = Annotated[list[UUID], Meta(max_length=limits.MENTIONS)]
Attachments = Annotated[list[UUID], Meta(max_length=limits.ATTACHMENTS)]
Target = Seq | ClientId
"""What an edit, deletion, reaction or vote is about: its seq, or the client id its author gave it."""

Option = Annotated[str, Meta(min_length=1, max_length=limits.POLL_OPTION_CHARS)]
Options = Annotated[list[Option], Meta(min_length=2, max_length=limits.POLL_OPTIONS)]
Choice = Annotated[int, Meta(ge=0, le=limits.POLL_OPTIONS - 1)]
"""An option of a poll by its place, from 0."""

Choices = Annotated[list[Choice], Meta(max_length=limits.POLL_OPTIONS)]
Milliseconds = Annotated[int, Meta(ge=0, le=2**53 - 1)]


class Poll(Struct, frozen=True, omit_defaults=True, gc=False):
    """What makes a message a poll; its question is the message's text.

    `multiple`: any number of options may be chosen. `anonymous`: nobody is told who chose what.
    """

    options: Options
    multiple: bool = False
    anonymous: bool = False
    closes_at_ms: Milliseconds | None = None


class LinkPreview(Struct, frozen=True, omit_defaults=True, gc=False):
    """What the page behind `link` says of itself. `link` stands so in the message's text.

    `url` is where it led to; `image` is an https address as the page names it, never fetched by the server.
    """

    link: str
    url: str
    site: str
    title: str = ""
    description: str = ""
    image: str = ""


class EntryKind(StrEnum):
    """What happened.

    The first block lives in rooms, the second in self logs, the third in the control log, the fourth in self logs
    again, the fifth in rooms (and a `vote` of an anonymous poll in its voter's self log), the sixth of events: `event`
    in rooms, self logs and the control log, the others in self logs; the last in all three. The order never changes,
    and what is new comes last: a kind's place is its number on the lanes.
    """

    post = "post"
    edit = "edit"
    delete = "delete"
    react = "react"
    unreact = "unreact"
    join = "join"  # type: ignore[assignment]  # shadows str.join, which no kind needs
    leave = "leave"
    kick = "kick"
    role = "role"
    settings = "settings"

    room_added = "room_added"
    room_removed = "room_removed"
    invited = "invited"
    read = "read"
    mute = "mute"
    block = "block"
    unblock = "unblock"
    profile = "profile"

    revoke = "revoke"
    ban = "ban"
    unban = "unban"

    contact = "contact"
    privacy = "privacy"
    request = "request"
    pin = "pin"
    unpin = "unpin"

    reminder = "reminder"
    unsent = "unsent"

    vote = "vote"
    poll_closed = "poll_closed"
    preview = "preview"
    draft = "draft"
    push = "push"

    event = "event"
    visit = "visit"
    notice = "notice"

    silence = "silence"
    unsilence = "unsilence"

    # Never written: what a hub reads that was written by a release it does not know yet.
    unknown = "unknown"

    @classmethod
    def _missing_(cls, value: object) -> EntryKind | None:
        return cls.unknown if isinstance(value, str) else None


class Body(Struct, omit_defaults=True, gc=False):
    """What an entry says, by kind; a field that does not apply is absent.

    Rooms - post: text, mentions, here, reply_to, attachments, meta; author_kind (system, app) and sender
    where no person speaks. edit: target, text, mentions,
    here, meta. delete: target. react, unreact: target, emoji. join: role, members. leave, kick:
    members. role: role. settings: title, topic, history, archived, picture (zeros: none any
    more), slow_s. pin, unpin: target. silence: until_ms (subject may write nothing until then). unsilence: none.
    A post may be a poll. vote: target, choices, was; of an anonymous poll target, counts, voters.
    poll_closed: target. preview: target, preview.
    event: state (scheduled, doors_open, live, ended, cancelled), changed (names of what changed).
    Self log - room_added, room_removed, invited: room (and at_seq). read: room, at_seq. mute: room,
    muted_until_ms, level. block, unblock: none (subject is the other person). profile: none (fetch
    it). contact: state (requested, incoming, accepted, removed; subject is the other person).
    privacy: none (fetch it). request: room, state (requested, accepted).
    reminder: room, at_seq, text, job. unsent: room, text, code, job. vote: room, at_seq, choices.
    draft: room, text (absent: none any more), reply_to. push: none (fetch /v1/me/push/wishes).
    event: room, state (my answer, or removed; neither: fetch /v1/me/place).
    visit: room, state (entered, left), source, confidence, moment_ms (when, by the evidence). notice: what an
    event tells me: room, state (invited, changed, starts_soon, cancelled, waitlist_up), title, at_seq, changed;
    without a room, state export_ready: the copy I asked for is there.
    silence, unsilence (of me): room (absent: everywhere), at_seq, until_ms, text (why).
    Control log - revoke: session (absent: all sessions of subject). event: room. silence, unsilence: as in rooms.
    """

    text: str | None = None
    mentions: list[UUID] | None = None
    here: bool = False
    reply_to: int | None = None
    attachments: list[UUID] | None = None
    meta: dict[str, MetaValue] | None = None
    target: int | None = None
    emoji: str | None = None
    role: str | None = None
    members: int | None = None
    title: str | None = None
    topic: str | None = None
    history: str | None = None
    archived: bool | None = None
    room: UUID | None = None
    at_seq: int | None = None
    muted_until_ms: int | None = None
    level: str | None = None
    session: UUID | None = None
    state: str | None = None
    job: UUID | None = None
    code: int | None = None
    poll: Poll | None = None
    choices: list[int] | None = None
    was: list[int] | None = None
    counts: list[int] | None = None
    voters: int | None = None
    preview: LinkPreview | None = None
    author_kind: str | None = None
    sender: str | None = None
    picture: UUID | None = None
    changed: list[str] | None = None
    source: str | None = None
    confidence: str | None = None
    moment_ms: int | None = None
    until_ms: int | None = None
    slow_s: int | None = None
