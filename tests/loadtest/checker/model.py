"""Histories that are right by construction: rooms, people with two devices each, faults, and outcomes nobody learns.

Owns what happens, by a seed. Must never import the checker: it is the checker's second opinion.
"""

from __future__ import annotations

import random
from typing import Final
from uuid import UUID

from loadtest.torture import history as h
from proto.entry import Body, EntryKind
from tests.loadtest.checker.phone import GENERATION, Phone
from tests.loadtest.checker.rooms import ModelRoom

MS: Final = 1_000_000
SENT: Final = frozenset({"post", "edit", "delete", "react", "unreact"})
PROOFS: Final[tuple[tuple[str, dict[str, int | float | str | bool]], ...]] = (
    ("kill", {"exit_code": -9}),
    ("cut", {"bytes_held": 512, "connections_cut": 3}),
    ("flush", {"keys_before": 16, "epoch_before": "a", "epoch_after": "b"}),
    ("stop", {"stopped_s": 2.5}),
)


class Model:
    """Call `live`, then read `records`."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.records: list[h.AnyRecord] = []
        self._t = 0
        self._n = 0
        self._hidden: dict[UUID, set[UUID]] = {}
        self._fault: tuple[str, dict[str, int | float | str | bool]] | None = None
        self._faults = 0
        self.people = [UUID(int=n) for n in range(1, 6)]
        self.rooms: dict[UUID, ModelRoom] = {}
        self._write(
            h.Run(
                t=self._tick(),
                commit="c0ffee",
                scenario="model",
                seed=seed,
                machine="none",
                minimum_acked=5,
                recover_within_s=3_600.0,
            )
        )
        for person in self.people:
            self._hidden[person] = set()
            own = self.rooms[person] = ModelRoom(person, "self", "all")
            own.spans[person] = [h.SqlSpan(t=0, room=person, person=person, joined=0, from_seq=1)]
        kinds = (
            ("public", "all", 0),
            ("group", "from_join", 0),
            ("direct", "all", 0),
            ("event", "all", 210),
        )
        for n, (kind, history, crowd) in enumerate(kinds, 100):
            self.rooms[UUID(int=n)] = ModelRoom(UUID(int=n), kind, history, crowd)
        self.phones = [
            Phone(UUID(int=person.int * 1_000 + n), person, self.rooms, self._write, self._tick)
            for person in self.people
            for n in range(2)
        ]
        for phone in self.phones:
            phone.hidden = self._hidden[phone.person]

    @property
    def shared(self) -> list[ModelRoom]:
        """The rooms that are not self logs."""
        return [room for room in self.rooms.values() if room.kind != "self"]

    def live(self, steps: int) -> list[h.AnyRecord]:
        """So many things happen; then all is quiet, and everything is read."""
        for room in self.shared:
            for person in self.people[: 2 if room.kind == "direct" else 4]:
                self._join(person, room)
        for phone in self.phones:
            phone.connect("hub-1")
        self._fault_on()
        for _ in range(steps):
            self._step()
        self._fault_on()
        self._talk()
        self._fault_off()
        self._settle()
        for room in self.shared:
            self._post(self._somebody(room), room, told=True)
        self._settle()
        self._read_all()
        return self.records

    def _write(self, record: h.AnyRecord) -> None:
        self.records.append(record)

    def _tick(self) -> int:
        self._t += self.rng.randrange(1, 5 * MS)
        return self._t

    def _step(self) -> None:
        what = (
            self._talk,
            self._move,
            self._block,
            self._socket,
            self._carry,
            self._read,
            self._trouble,
        )
        self.rng.choices(what, (30, 6, 2, 8, 40, 3, 2))[0]()

    # What happens

    def _somebody(self, room: ModelRoom) -> UUID:
        if not room.roles:
            self._join(self.rng.choice(self.people), room)
        return self.rng.choice(sorted(room.roles))

    def _ask(
        self,
        op: h.OpKind,
        author: UUID,
        room: UUID | None,
        *,
        client_id: str | None = None,
        subject: UUID | None = None,
        about: int | None = None,
        text: str | None = None,
    ) -> h.Invoke:
        """Begin an operation (about a message, or up to a seq), over a socket of the author's or by REST."""
        self._n += 1
        sockets = [phone for phone in self.phones if phone.person == author and phone.connection]
        phone = self.rng.choice([*sockets, None]) if op in SENT else None
        target, seq = (None, about) if op == "read" else (about, None)
        device, connection = (phone.device, phone.connection) if phone else (None, None)
        invoke = h.Invoke(
            t=self._tick(), process=f"p{author.int}", n=self._n, op=op, author=author, room=room, device=device,
            connection=connection, client_id=client_id, subject=subject, target=target, text=text, seq=seq,
        )  # fmt: skip
        self._write(invoke)
        return invoke

    def _answer(self, invoke: h.Invoke, seq: int | None, *, told: bool = False) -> None:
        """It was committed: most are told, some after a retry, some never."""
        how = 1.0 if told else self.rng.random()
        if how < 0.2:
            self._write(h.Info(t=self._tick(), process=invoke.process, n=invoke.n, why="no answer"))
        if how < 0.1:
            return
        self._write(
            h.Ok(t=self._tick(), process=invoke.process, n=invoke.n, seq=seq, fresh=how >= 0.2)
        )

    def _post(self, author: UUID, room: ModelRoom, *, told: bool = False) -> None:
        text, client_id = f"words {self._n}", f"c{self._n}"
        invoke = self._ask("post", author, room.id, client_id=client_id, text=text)
        if author not in room.roles:
            self._write(h.Fail(t=self._tick(), process=invoke.process, n=invoke.n, code=103))
        elif not told and self.rng.random() < 0.05:
            self._write(h.Info(t=self._tick(), process=invoke.process, n=invoke.n, why="lost"))
        else:
            seq = room.append(EntryKind.post, author, Body(text=text), client_id=client_id)
            self._answer(invoke, seq, told=told)

    def _talk(self) -> None:
        room = self.rng.choice(self.shared)
        author = self._somebody(room) if self.rng.random() < 0.95 else self.rng.choice(self.people)
        mine = [
            row.seq
            for row in room.rows
            if row.kind is EntryKind.post and row.deleted_seq is None and row.author == author
        ]
        if author not in room.roles or not mine or self.rng.random() < 0.6:
            self._post(author, room)
        else:
            self._change(author, room, self.rng.choice(mine))

    def _change(self, author: UUID, room: ModelRoom, target: int) -> None:
        ops: tuple[h.OpKind, ...] = ("edit", "edit", "delete", "react", "react", "react")
        op = self.rng.choice(ops)
        emoji = self.rng.choice("ab")
        reactor = self._somebody(room) if op == "react" else author
        if op == "react" and room.reactions.get((target, reactor, emoji)):
            op = "unreact"
        client_id = f"c{self._n}"
        text = f"other words {self._n}" if op == "edit" else None
        invoke = self._ask(op, reactor, room.id, client_id=client_id, about=target, text=text)
        body = Body(target=target, text=text, emoji=emoji if op in ("react", "unreact") else None)
        self._answer(invoke, room.append(EntryKind(op), reactor, body, client_id=client_id))

    def _join(self, person: UUID, room: ModelRoom) -> None:
        client_id, role = f"c{self._n}", "member"
        invoke = self._ask("join", person, room.id, client_id=client_id)
        room.roles[person] = role
        body = Body(role=role, members=room.members)
        seq = room.append(EntryKind.join, person, body, person, client_id)
        own = Body(room=room.id, at_seq=seq, role=role)
        self.rooms[person].append(EntryKind.room_added, person, own, person)
        self._answer(invoke, seq)

    def _move(self) -> None:
        room, person = self.rng.choice(self.shared), self.rng.choice(self.people)
        if room.kind == "direct":
            return
        if person not in room.roles:
            self._join(person, room)
            return
        author = self._somebody(room)
        kind = EntryKind.leave if author == person else EntryKind.kick
        client_id = f"c{self._n}"
        invoke = self._ask(
            "leave" if author == person else "kick",
            author,
            room.id,
            client_id=client_id,
            subject=person,
        )
        del room.roles[person]
        seq = room.append(kind, author, Body(members=room.members), person, client_id)
        own = Body(room=room.id, at_seq=seq)
        self.rooms[person].append(EntryKind.room_removed, author, own, person)
        self._answer(invoke, seq)

    def _block(self) -> None:
        one, other = self.rng.sample(self.people, 2)
        hidden = self._hidden[one]
        if hidden and self.rng.random() < 0.5:
            other = self.rng.choice(sorted(hidden))
        lift = other in hidden
        invoke = self._ask("unblock" if lift else "block", one, None, subject=other)
        (hidden.discard if lift else hidden.add)(other)
        kind = EntryKind.unblock if lift else EntryKind.block
        self._answer(invoke, self.rooms[one].append(kind, one, Body(), other))
        if self.rng.random() < 0.5:
            self._t += 3_000 * MS

    def _read(self) -> None:
        room = self.rng.choice(self.shared)
        person = self._somebody(room)
        upto = self.rng.randrange(room.head + 1)
        invoke = self._ask("read", person, room.id, about=upto)
        room.read[person] = max(upto, room.read[person])
        self._answer(invoke, None)

    # What devices and processes go through

    def _carry(self) -> None:
        phone = self.rng.choice(self.phones)
        for room in list(self.rooms.values()):
            phone.pump(room, self.rng.choice((0, 1, 3, 30)))
        if self.rng.random() < 0.3:
            phone.fetch()

    def _socket(self) -> None:
        phone = self.rng.choice(self.phones)
        if phone.connection is None:
            if self.rng.random() < 0.5:
                phone.back_before_gaps()
            phone.connect(self.rng.choice(("hub-1", "hub-2")))
        else:
            phone.disconnect(clean=self.rng.random() < 0.3)

    def _trouble(self) -> None:
        if self._fault is None:
            self._fault_on()
        else:
            self._fault_off()

    def _fault_on(self) -> None:
        if self._fault is None:
            self._faults += 1
            self._fault = self.rng.choice(PROOFS)
            self._write(
                h.FaultStart(
                    t=self._tick(), fault=f"f{self._faults}", kind=self._fault[0], target="somebody"
                )
            )
            for phone in self.phones:
                if self.rng.random() < 0.3:
                    phone.disconnect(clean=False, code=1006)
            self._talk()

    def _fault_off(self) -> None:
        if self._fault is not None:
            proof, self._fault = self._fault[1], None
            self._write(h.FaultStop(t=self._tick(), fault=f"f{self._faults}", proof=proof))

    def _settle(self) -> None:
        """Everybody is there, and gets everything."""
        for phone in self.phones:
            if phone.connection is None:
                phone.connect("hub-2")
        for _ in range(3):
            for phone in self.phones:
                for room in list(self.rooms.values()):
                    phone.pump(room, 1 << 30)
                phone.fetch()

    # Final reads

    def _read_all(self) -> None:
        for room in self.rooms.values():
            self._write(
                h.SqlRoom(
                    t=self._tick(), room=room.id, kind=room.kind, history=room.history, head=room.head,
                    msg_no=room.msg_no, floor=0, generation=GENERATION,
                )
            )  # fmt: skip
            self.records += room.rows
            for spans in room.spans.values():
                self.records += spans
            self.records += [
                h.SqlMember(
                    t=self._t,
                    room=room.id,
                    person=person,
                    relation=role,
                    read_seq=room.read[person],
                )
                for person, role in room.roles.items()
            ]
        for person, hidden in self._hidden.items():
            self.records += [
                h.SqlBlock(t=self._t, blocker=person, blocked=other) for other in sorted(hidden)
            ]
            self._read_afresh(person, hidden)

    def _read_afresh(self, person: UUID, hidden: set[UUID]) -> None:
        mine = [room for room in self.shared if person in room.roles]
        for room in mine:
            self._write(
                h.FreshRoom(
                    t=self._tick(), person=person, room=room.id, head=room.head, msg_no=room.msg_no,
                    unread=room.unread(person, hidden), read=room.read[person], role=room.roles[person],
                )
            )  # fmt: skip
            self._write(
                h.FreshMembers(
                    t=self._tick(), person=person, room=room.id, members=dict(room.roles)
                )
            )
        for room in [*mine, self.rooms[person]]:
            items = room.items(person, 1, room.head, hidden)
            self._write(
                h.FreshPage(
                    t=self._tick(),
                    person=person,
                    room=room.id,
                    from_seq=1,
                    to_seq=room.head,
                    items=items,
                )
            )
        self._write(
            h.FreshSelf(
                t=self._tick(),
                person=person,
                rooms=[room.id for room in mine],
                blocks=sorted(hidden),
            )
        )
