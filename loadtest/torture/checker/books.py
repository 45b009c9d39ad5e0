"""The history of a run, sorted into what the rules ask for.

Owns the index. Must never judge, and never drop a record: what fits nowhere raises `Unreadable`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

from loadtest.torture import history as h
from loadtest.torture.push_history import Away, Pushed, PushRecord, Unsure

ENTRIES = frozenset(
    {"post", "edit", "delete", "react", "unreact", "pin", "unpin"}
    | {"join", "leave", "kick", "role", "settings"}
)
"""Operations whose Ok names the seq of an entry in their room, of the kind they are called by."""

Frame = h.Resumed | h.Deliver | h.Skip | h.Gap | h.Fetched | h.Changed


class Unreadable(ValueError):
    """The history contradicts itself: there is no verdict."""


@dataclass(slots=True)
class Op:
    """One operation and everything that its client was told of it."""

    invoke: h.Invoke
    infos: list[h.Info] = field(default_factory=list)
    ok: h.Ok | None = None
    fail: h.Fail | None = None

    @property
    def room(self) -> UUID | None:
        return self.invoke.room or (self.ok.room if self.ok else None)

    @property
    def name(self) -> str:
        return f"{self.invoke.op} {self.invoke.n} of {self.invoke.process}"


@dataclass(slots=True)
class Link:
    """One connection, from `Ready` to its end (None: still open when the history ends)."""

    began: h.Connected
    ended: h.Disconnected | None = None


@dataclass(slots=True)
class Injury:
    """One fault, from its start to its end (None: never ended)."""

    start: h.FaultStart
    stop: h.FaultStop | None = None


@dataclass(slots=True)
class DeviceBooks:
    """What one device lived through."""

    device: UUID
    person: UUID
    links: list[Link] = field(default_factory=list)
    frames: dict[UUID, list[Frame]] = field(default_factory=lambda: defaultdict(list))


class Books:
    """See the module. Everything stays in the order of time, and of its own writer."""

    def __init__(self, records: Iterable[h.AnyRecord]) -> None:
        self.run: h.Run | None = None
        self.ops: dict[tuple[str, int], Op] = {}
        self.devices: dict[UUID, DeviceBooks] = {}
        self.links: dict[str, Link] = {}
        self.faults: dict[str, Injury] = {}
        self.rooms: dict[UUID, h.SqlRoom] = {}
        self.rows: dict[UUID, list[h.SqlEntry]] = defaultdict(list)
        self.spans: dict[tuple[UUID, UUID], list[h.SqlSpan]] = defaultdict(list)
        self.members: list[h.SqlMember] = []
        self.blocks: set[tuple[UUID, UUID]] = set()
        self.fresh_rooms: list[h.FreshRoom] = []
        self.fresh_members: list[h.FreshMembers] = []
        self.fresh_pages: dict[tuple[UUID, UUID], list[h.FreshPage]] = defaultdict(list)
        self.fresh_selves: list[h.FreshSelf] = []
        self.away: list[Away] = []
        self.pushed: dict[str, list[Pushed]] = defaultdict(list)
        self.unsure: dict[str, Unsure] = {}
        for record in records:
            self._take(record)
        for rows in self.rows.values():
            rows.sort(key=lambda row: row.seq)
        for spans in self.spans.values():
            spans.sort(key=lambda span: span.joined)

    @property
    def terms(self) -> h.Run:
        """What the run was to show. Raises `Unreadable` if nobody said."""
        if self.run is None:
            raise Unreadable("no record says which run this is")
        return self.run

    def _take(self, record: h.AnyRecord) -> None:
        match record:
            case h.Run():
                if self.run is not None:
                    raise Unreadable("two runs in one history")
                self.run = record
            case h.Invoke() | h.Ok() | h.Fail() | h.Info():
                self._operation(record)
            case h.FaultStart():
                self.faults[record.fault] = Injury(record)
            case h.FaultStop():
                if record.fault not in self.faults:
                    raise Unreadable(f"fault {record.fault} ended and never began")
                self.faults[record.fault].stop = record
            case h.Device():
                self.devices[record.device] = DeviceBooks(record.device, record.person)
            case h.Connected() | h.Disconnected():
                self._link(record)
            case h.Resumed() | h.Deliver() | h.Skip() | h.Gap() | h.Fetched() | h.Changed():
                self._device(record.device).frames[record.room].append(record)
            case Away() | Pushed() | Unsure():
                self._push(record)
            case _:
                self._final(record)

    def _push(self, record: PushRecord) -> None:
        match record:
            case Away():
                self.away.append(record)
            case Pushed():
                self.pushed[record.token].append(record)
            case Unsure():
                self.unsure[record.process] = record

    def _operation(self, record: h.Operation) -> None:
        key = (record.process, record.n)
        if isinstance(record, h.Invoke):
            if key in self.ops:
                raise Unreadable(f"operation {record.n} of {record.process} was begun twice")
            self.ops[key] = Op(record)
            return
        op = self.ops.get(key)
        if op is None:
            raise Unreadable(f"operation {record.n} of {record.process} was answered, never begun")
        match record:
            case h.Info():
                op.infos.append(record)
            case h.Ok():
                op.ok = record
            case h.Fail():
                op.fail = record
        if op.ok and op.fail:
            raise Unreadable(f"{op.name} was both done and refused")

    def _link(self, record: h.Connected | h.Disconnected) -> None:
        if isinstance(record, h.Connected):
            if record.connection in self.links:
                raise Unreadable(f"two connections are called {record.connection}")
            link = self.links[record.connection] = Link(record)
            self._device(record.device).links.append(link)
        elif record.connection not in self.links:
            raise Unreadable(f"connection {record.connection} ended and never began")
        else:
            self.links[record.connection].ended = record

    def _device(self, device: UUID) -> DeviceBooks:
        if device not in self.devices:
            raise Unreadable(f"nobody said whose device {device} is")
        return self.devices[device]

    def _final(self, record: h.FinalRead) -> None:
        match record:
            case h.SqlRoom():
                self.rooms[record.room] = record
            case h.SqlEntry():
                self.rows[record.room].append(record)
            case h.SqlSpan():
                self.spans[record.room, record.person].append(record)
            case h.SqlMember():
                self.members.append(record)
            case h.SqlBlock():
                self.blocks.add((record.blocker, record.blocked))
            case h.FreshRoom():
                self.fresh_rooms.append(record)
            case h.FreshMembers():
                self.fresh_members.append(record)
            case h.FreshPage():
                self.fresh_pages[record.room, record.person].append(record)
            case h.FreshSelf():
                self.fresh_selves.append(record)
