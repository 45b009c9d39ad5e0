"""What happened in a run, as records of one JSON line each: the only thing the checker looks at.

    Run                              what is tried; the first line of the first file
    Invoke, Ok, Fail, Info           a client asks for something, and what it is told
    Device, Connected, Resumed, ...  what a device is, and every frame it got that tells of a log
    FaultStart, FaultStop            what was done to the system, and the proof that it bit
    Away, Pushed, Unsure             phones of people without a socket, and what they received (push_history.py)
    Sql*, Fresh*                     final reads: the truth dumped, and what clients without a past are shown

Times are monotonic nanoseconds of one host. Each process writes one file of its own and only appends (journal.py); the
order of lines in a file is the order in which its writer saw things.

Owns the shape of the record. Must never judge (checker/ does), and no writer may leave out what looks wrong.
"""

from __future__ import annotations

from typing import Literal
from uuid import UUID

import msgspec
from msgspec import Struct

from loadtest.torture.push_history import PushRecord
from loadtest.torture.record import Record
from proto.entry import Body, EntryKind

OpKind = Literal[
    "post", "edit", "delete", "react", "unreact", "pin", "unpin",
    "create", "join", "leave", "kick", "invite", "role", "settings",
    "block", "unblock", "contact", "read", "mute",
]  # fmt: skip
Status = Literal["live", "gap", "head", "joined", "removed"]
"""As `proto.frames.RoomState.status`."""


class Run(Record, tag="run"):
    """What is tried. `minimum_acked`: fewer acks and the system is as good as dead. `recover_within_s`: after a fault's
    end, everything said meanwhile or since has reached every device that is there; `push_within_s`: every away phone.
    """

    commit: str
    scenario: str
    seed: int
    machine: str
    minimum_acked: int = 1
    recover_within_s: float = 30.0
    block_within_s: float = 2.0
    push_within_s: float = 0.0


# What clients ask for. One Invoke, then any number of Info, then at most one Ok or Fail; all by (process, n).


class Invoke(Record, tag="invoke"):
    """Written before the first byte is sent. A retry with the same client id is the same operation, not a new one.

    `process` is the writer's name, `n` its own count. `device` and `connection` only for what goes over a socket.
    `subject` is the other person (kick, role, block, contact ...); `target` as on the wire. `room` is absent for block,
    unblock and contact, and for `create` of a room whose id is not known yet (then Ok names it).
    """

    process: str
    n: int
    op: OpKind
    author: UUID
    room: UUID | None = None
    device: UUID | None = None
    connection: str | None = None
    client_id: str | None = None
    subject: UUID | None = None
    target: int | str | None = None
    text: str | None = None
    seq: int | None = None
    """`read`: up to where."""


class Ok(Record, tag="ok"):
    """Definitely done: an Ack or a 2xx. `seq` where the answer has one; `fresh` as in Ack."""

    process: str
    n: int
    seq: int | None = None
    fresh: bool = True
    room: UUID | None = None


class Fail(Record, tag="fail"):
    """Definitely not done: an Error or problem that is not `temporary`. Nothing else is a Fail."""

    process: str
    n: int
    code: int


class Info(Record, tag="info"):
    """Outcome unknown: `temporary`, a timeout, a broken connection, a crash. Ok or Fail may follow a retry."""

    process: str
    n: int
    why: str


# What devices get.


class Device(Record, tag="device"):
    """A device that will come in. Written before anything else about it."""

    device: UUID
    person: UUID


class Connected(Record, tag="connected"):
    """`Ready` came. `connection` is unique in the run."""

    device: UUID
    connection: str
    hub: str
    generation: UUID


class Disconnected(Record, tag="disconnected"):
    """The socket is gone. `code` as seen (None: none came). `clean`: the client itself means to be offline now."""

    device: UUID
    connection: str
    code: int | None = None
    goaway: int | None = None
    clean: bool = False


class Resumed(Record, tag="resumed"):
    """One room of a RoomStates. `asked`: the position this device named for it in what is answered here, if any."""

    device: UUID
    connection: str
    room: UUID
    status: Status
    from_seq: int
    head: int
    msg_no: int
    asked: int | None = None


class Deliver(Record, tag="deliver"):
    """An Entry frame, as it came, also one that the client drops; resumed up to the `head` of its last `Resumed`."""

    device: UUID
    connection: str
    room: UUID
    seq: int
    msg_no: int
    kind: EntryKind
    author: UUID
    subject: UUID | None = None
    client_id: str = ""
    body: Body = msgspec.field(default_factory=Body)


class Skip(Record, tag="skip"):
    """A Skip frame, as it came."""

    device: UUID
    connection: str
    room: UUID
    from_seq: int
    to_seq: int


class Gap(Record, tag="gap"):
    """A Gap frame, as it came."""

    device: UUID
    connection: str
    room: UUID
    from_seq: int
    to_seq: int


class Item(Struct, omit_defaults=True, gc=False):
    """One entry of a history or changes page, as it reads now. `reactions`: how many by emoji."""

    seq: int
    msg_no: int
    kind: EntryKind
    author: UUID
    subject: UUID | None = None
    client_id: str = ""
    body: Body = msgspec.field(default_factory=Body)
    edited_seq: int | None = None
    deleted_seq: int | None = None
    reactions: dict[str, int] = msgspec.field(default_factory=dict)


class Fetched(Record, tag="fetched"):
    """A page of `history?after=` that a device read to fill a gap, or because its socket left a hole.
    `from_seq` .. `to_seq` is what the device takes of it, cut to what it was to fetch; `head` is the page's own.
    """

    device: UUID
    room: UUID
    from_seq: int
    to_seq: int
    head: int
    items: list[Item]


class Changed(Record, tag="changed"):
    """A page of `changes?after=`: how what the device held before a gap reads now."""

    device: UUID
    room: UUID
    from_seq: int
    to_seq: int
    head: int
    items: list[Item]


# What is done to the system.


class FaultStart(Record, tag="fault_start"):
    """`fault` is unique in the run; `kind` is a key of `checker.bite.PROOFS`; `target` says whom, for people."""

    fault: str
    kind: str
    target: str


class FaultStop(Record, tag="fault_stop"):
    """Written once the system is whole again as far as we can make it so (a killed process: once it is gone, or has
    been started anew, whichever the scenario means). `proof`: what shows that it bit, see `checker.bite.PROOFS`.
    `kept` for `restore` only: the head of each room in the backup. What was acked above it may be gone.
    """

    fault: str
    proof: dict[str, int | float | str | bool]
    kept: dict[UUID, int] | None = None


# Final reads, after everybody is quiet. Rows of all rooms of the run, self logs among them.


class SqlRoom(Record, tag="sql_room"):
    """A row of `rooms`, and the generation of the log."""

    room: UUID
    kind: str
    history: str
    head: int
    msg_no: int
    floor: int
    generation: UUID


class SqlEntry(Record, tag="sql_entry"):
    """A row of `entries`. `body` is the column `body` with text and target put in, as for the wire."""

    room: UUID
    seq: int
    msg_no: int
    kind: EntryKind
    author: UUID
    subject: UUID | None = None
    client_id: str | None = None
    body: Body = msgspec.field(default_factory=Body)
    edited_seq: int | None = None
    deleted_seq: int | None = None


class SqlSpan(Record, tag="sql_span"):
    """A row of `spans`."""

    room: UUID
    person: UUID
    joined: int
    from_seq: int
    to_seq: int | None = None


class SqlMember(Record, tag="sql_member"):
    """A row of `members`."""

    room: UUID
    person: UUID
    relation: str
    read_seq: int = 0


class SqlBlock(Record, tag="sql_block"):
    """A row of `blocks`."""

    blocker: UUID
    blocked: UUID


class FreshRoom(Record, tag="fresh_room"):
    """One room of `GET /v1/me/rooms`, as a new session of `person` is shown it."""

    person: UUID
    room: UUID
    head: int
    msg_no: int
    unread: int
    mentions: int = 0
    read: int = 0
    role: str = ""
    muted_until_ms: int | None = None


class FreshMembers(Record, tag="fresh_members"):
    """`GET /v1/rooms/{room}/members`, all pages: role by person."""

    person: UUID
    room: UUID
    members: dict[UUID, str]


class FreshPage(Record, tag="fresh_page"):
    """One page of `history?after=`, from 0 until there is no more. Also of the self log."""

    person: UUID
    room: UUID
    from_seq: int
    to_seq: int
    items: list[Item]


class FreshSelf(Record, tag="fresh_self"):
    """What a device without a past learns over REST of its own person; `invited`: rooms it is not in yet."""

    person: UUID
    rooms: list[UUID]
    contacts: dict[UUID, str] = msgspec.field(default_factory=dict)
    blocks: list[UUID] = msgspec.field(default_factory=list)
    invited: list[UUID] = msgspec.field(default_factory=list)


Operation = Invoke | Ok | Fail | Info
Seen = Device | Connected | Disconnected | Resumed | Deliver | Skip | Gap | Fetched | Changed
Fault = FaultStart | FaultStop
FinalRead = (
    SqlRoom | SqlEntry | SqlSpan | SqlMember | SqlBlock
    | FreshRoom | FreshMembers | FreshPage | FreshSelf
)  # fmt: skip
AnyRecord = Run | Operation | Seen | Fault | FinalRead | PushRecord
