"""The frames both ways: one frozen struct each; on the wire the array `[kind, id, ...]`.

Owns the vocabulary. `id` is the client's number for a request, echoed by its one answer; 0 is a
push or asks for no answer. Fields may be added at the end of a frame, with a default: readers skip
what they do not know. Must never hold rules of when a frame is legal (realtime/session.py) or who
may send it (muster/permission.py).
"""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta

from proto import limits
from proto.bases import Client as Client  # noqa: PLC0414  # frames.X is how all speak of them
from proto.bases import RequestId as RequestId  # noqa: PLC0414  # the same
from proto.bases import Server as Server  # noqa: PLC0414  # the same
from proto.entry import (
    Attachments,
    Body,
    Choices,
    ClientId,
    Emoji,
    EntryKind,
    Mentions,
    MetaMap,
    Poll,
    Seq,
    Target,
    Text,
)
from proto.place import Crossings as Crossings  # noqa: PLC0414  # the same
from proto.place import EventPlace as EventPlace  # noqa: PLC0414  # the same
from proto.place import Fixes as Fixes  # noqa: PLC0414  # the same
from proto.place import PhoneCrossing as PhoneCrossing  # noqa: PLC0414  # the same
from proto.place import PhoneFix as PhoneFix  # noqa: PLC0414  # the same
from proto.place import Placed as Placed  # noqa: PLC0414  # the same
from proto.presence import Presences as Presences  # noqa: PLC0414  # the same
from proto.presence import RoomPresence as RoomPresence  # noqa: PLC0414  # the same
from proto.presence import Watch as Watch  # noqa: PLC0414  # the same
from proto.shapes import Limits as Limits  # noqa: PLC0414  # the same
from proto.shapes import PersonPresence as PersonPresence  # noqa: PLC0414  # the same
from proto.shapes import PresenceForm as PresenceForm  # noqa: PLC0414  # the same
from proto.shapes import Preview as Preview  # noqa: PLC0414  # the same
from proto.shapes import RoomState as RoomState  # noqa: PLC0414  # the same
from proto.shapes import RoomStatus as RoomStatus  # noqa: PLC0414  # the same

ShortText = Annotated[str, Meta(max_length=64)]
Attention_ = Literal["active", "idle", "background"]
Rooms = Annotated[list[UUID], Meta(max_length=limits.ROOMS_PER_FRAME)]
Positions = Annotated[list[tuple[UUID, Seq]], Meta(max_length=limits.ROOMS_PER_FRAME)]
LivePositions = Annotated[list[tuple[UUID, Seq | None]], Meta(max_length=limits.ROOMS_PER_FRAME)]


class Auth(Client, frozen=True, tag=1):
    """The first frame: who is this, on what. Answered by `Ready`, or by `Error` and a close."""

    token: Annotated[str, Meta(max_length=limits.FRAME_BYTES_BEFORE_AUTH)]
    app: ShortText = ""
    version: ShortText = ""
    platform: ShortText = ""
    install: ShortText = ""


class Resume(Client, frozen=True, tag=2):
    """Every room's position in one frame; answered once by `RoomStates`.

    `positions` are the highest seq the device holds without holes, made under `generation`. `live`
    names the rooms wanted live; null means all that are named in `positions`.
    """

    generation: UUID | None
    positions: Positions
    live: Rooms | None = None


class Attend(Client, frozen=True, tag=3):
    """Replace the set of live rooms; the others send `Head`.

    Entries after each seq follow. A null seq: what is live already stays as it is, else from now on.
    """

    rooms: LivePositions


class Attention(Client, frozen=True, tag=4):
    """Whether somebody looks at the app, and at which room. Background keeps the session; no answer when id is 0.

    Repeat `active` at least every four minutes: who has not said so for five is idle.
    """

    state: Attention_
    room: UUID | None = None


class Post(Client, frozen=True, tag=5):
    """A message. Retry with the same `client_id` until there is an answer that is not temporary.

    With a `poll` the text is its question.
    """

    room: UUID
    client_id: ClientId
    text: Text
    mentions: Mentions | None = None
    here: bool = False
    reply_to: Seq | None = None
    attachments: Attachments | None = None
    meta: MetaMap | None = None
    poll: Poll | None = None


class Edit(Client, frozen=True, tag=6):
    """New text for a message of mine."""

    room: UUID
    client_id: ClientId
    target: Target
    text: Text
    mentions: Mentions | None = None
    here: bool = False
    meta: MetaMap | None = None


class Delete(Client, frozen=True, tag=7):
    """Delete a message: mine, or anyone's for a moderator."""

    room: UUID
    client_id: ClientId
    target: Target


class React(Client, frozen=True, tag=8):
    """Put an emoji on a message."""

    room: UUID
    client_id: ClientId
    target: Target
    emoji: Emoji


class Unreact(Client, frozen=True, tag=9):
    """Take my emoji off a message."""

    room: UUID
    client_id: ClientId
    target: Target
    emoji: Emoji


class Typing(Client, frozen=True, tag=10):
    """I am typing; holds for 6 s, repeated at most every 3 s. Answered only if refused, id > 0."""

    room: UUID


class Received(Client, frozen=True, tag=11):
    """This device holds everything up to these positions."""

    positions: Positions


class Read(Client, frozen=True, tag=12):
    """The person has read up to these positions."""

    positions: Positions


class Refresh(Client, frozen=True, tag=13):
    """A new access token of the same session, before the old one ends."""

    token: Annotated[str, Meta(max_length=limits.FRAME_BYTES_BEFORE_AUTH)]


class Ping(Client, frozen=True, tag=14):
    """Is anybody there? For clients that cannot send WebSocket pings."""


class Vote(Client, frozen=True, tag=15):
    """All that I choose in a poll from now on; nothing takes my vote back."""

    room: UUID
    client_id: ClientId
    target: Target
    choices: Choices


class ClosePoll(Client, frozen=True, tag=16):
    """Close a poll: mine, or anyone's for a moderator."""

    room: UUID
    client_id: ClientId
    target: Target


_Asking = Auth | Resume | Attend | Attention | Refresh | Ping | Watch
Placing = Fixes | Crossings
"""The client frames that say where a phone is."""
Submission = Post | Edit | Delete | React | Unreact | Vote | ClosePoll
"""The client frames that become an entry of a room's log."""
ClientFrame = _Asking | Submission | Typing | Received | Read | Placing


class Ready(Server, frozen=True, tag=64):
    """The answer to `Auth`: who you are here, and the terms.

    `spread_ms`: if this socket breaks without a `Goaway`, come back at a random moment within so long, at the earliest.
    """

    person: UUID
    session: UUID
    device: UUID
    self_room: UUID
    generation: UUID
    server_time_ms: int
    heartbeat_ms: int
    token_expires_ms: int
    min_version: str
    limits: Limits
    spread_ms: int = 500


class Ack(Server, frozen=True, tag=65):
    """The entry is committed. `fresh` is false for a retry, or a change of nothing."""

    room: UUID
    seq: int
    msg_no: int
    at_ms: int
    fresh: bool = True


class Error(Server, frozen=True, tag=66):
    """The request was not done. `temporary`: repeat the same request later, outcome unknown."""

    code: int
    message: str
    temporary: bool
    retry_after_ms: int | None = None


class Ok(Server, frozen=True, tag=67):
    """Done, nothing to add."""


class RoomStates(Server, frozen=True, tag=68):
    """Answers `Resume` and `Attend`: my self log, then all rooms named, then those not named."""

    generation: UUID
    rooms: list[RoomState]


class Entry(Server, frozen=True, tag=69):
    """One entry of a room's log; live, resumed and fetched entries are alike."""

    room: UUID
    seq: int
    msg_no: int
    kind: EntryKind
    author: UUID
    subject: UUID | None
    client_id: str
    at_ms: int
    body: Body


class Skip(Server, frozen=True, tag=70):
    """These seqs exist, not for you: hidden, erased, or joins and leaves of a large room."""

    room: UUID
    from_seq: int
    to_seq: int


class Gap(Server, frozen=True, tag=71):
    """You missed these seqs and they are too many to replay here: fetch them by REST."""

    room: UUID
    from_seq: int
    to_seq: int


class Head(Server, frozen=True, tag=72):
    """A room that is not live has moved; at most once a second per room."""

    room: UUID
    head: int
    msg_no: int
    preview: Preview | None


class Count(Server, frozen=True, tag=73):
    """How many people are in a large room now."""

    room: UUID
    members: int


class TypingNow(Server, frozen=True, tag=74):
    """Somebody types; forget it after 6 s."""

    room: UUID
    person: UUID


class Pointer(Server, frozen=True, tag=75):
    """Somebody's pointers moved. A null pointer did not move."""

    room: UUID
    person: UUID
    read: int | None
    received: int | None


class Goaway(Server, frozen=True, tag=76):
    """A close follows: its code, when to come back, and whether the session resumes."""

    code: int
    reason: str
    retry_after_ms: int | None
    resumable: bool


class Pong(Server, frozen=True, tag=77):
    """The answer to `Ping`."""

    server_time_ms: int


ServerFrame = (
    Ready
    | Ack
    | Error
    | Ok
    | RoomStates
    | Entry
    | Skip
    | Gap
    | Head
    | Count
    | TypingNow
    | Pointer
    | Goaway
    | Pong
    | Presences
    | RoomPresence
    | Placed
)
