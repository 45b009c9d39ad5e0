"""One account of a replay: plays its steps at their time, and says what its device is given.

Owns one phone and its entries in the books. Must never take another's part.
"""

from __future__ import annotations

import asyncio
import zlib
from dataclasses import dataclass, field
from random import Random
from uuid import UUID

import httpx

from loadtest.away.rules import Said
from loadtest.cast import Act, Step, handle
from loadtest.client.app import App
from loadtest.client.hubs import Hubs
from loadtest.client.login import Account, Login
from loadtest.client.phone import Habits, Phone
from loadtest.client.positions import Fault
from loadtest.client.rest import Rest
from loadtest.ledger import Ledger
from muster.clock import SystemClock
from proto.entry import EntryKind
from proto.frames import Entry, Post

PASSWORD = "correct horse battery staple"  # noqa: S105  # of accounts that live for one run


@dataclass(slots=True)
class Stage:
    """What all actors share. `room` is set when it is there; `groups` are rooms beside it, for a play that has some.

    `said`: every message that was acked, wherever. The ledger is of `room` alone.
    """

    http: httpx.AsyncClient
    hubs: list[str]
    ledger: Ledger
    run: str
    speed: float
    room: UUID = field(default_factory=lambda: UUID(int=0))
    groups: list[UUID] = field(default_factory=list)
    said: list[Said] = field(default_factory=list)
    clock: SystemClock = field(default_factory=SystemClock)

    def place(self, number: int) -> UUID:
        """The room that a step names: 0, or a group from 1."""
        return self.groups[number - 1] if number else self.room


class Actor(App):
    """One account, one phone."""

    def __init__(self, number: int, nick: str, steps: list[Step], stage: Stage) -> None:
        self.number = number
        self._steps = steps
        self._stage = stage
        self._present = False
        self._said = 0
        self._saying: set[asyncio.Task[None]] = set()
        account = Account(handle(nick, number, stage.run), PASSWORD, nick[:64])
        random = Random(zlib.crc32(account.handle.encode()))
        login = Login(account, Rest(stage.http, random))
        self.phone = Phone(login, Hubs(stage.hubs, number), self, random, Habits())

    async def register(self) -> None:
        """Make the account and log in."""
        await self.phone.login.register()
        await self.phone.login.token()

    async def open_room(self) -> None:
        """Make the room, and leave it again: everybody comes in by their own step."""
        room = await self.phone.login.rest.create_room("public", f"replay {self._stage.run}")
        self._stage.room = room.id
        await self.phone.login.rest.leave(room.id)

    async def play(self, started: float) -> None:
        """Every step at its time, or as soon after it as the one before is done."""
        loop = asyncio.get_running_loop()
        async with asyncio.TaskGroup() as group:
            for step in self._steps:
                await asyncio.sleep(started + step.at_s / self._stage.speed - loop.time())
                if step.act in (Act.say, Act.act):
                    saying = group.create_task(self._say(step))
                    self._saying.add(saying)
                    saying.add_done_callback(self._saying.discard)
                else:
                    await self._move(step)

    async def last_words(self, room: int, text: str) -> None:
        """Say something when the play is over; wait for the ack."""
        await self._say(Step(0.0, self.number, Act.say, text, room))

    async def _say(self, step: Step) -> None:
        self._said += 1
        client_id = f"{self.number}-{self._said}"
        meta: dict[str, str | int | float | bool | None] | None = None
        if step.act is Act.act:
            meta = {"action": True}
        stage = self._stage
        if not step.room:
            stage.ledger.sent(client_id, asyncio.get_running_loop().time())
        post = Post(0, stage.place(step.room), client_id, step.text, meta=meta)
        sent_ms = stage.clock.now_ms()
        ack = await self.phone.submit(post)
        if not step.room:
            stage.ledger.acked(client_id, ack.seq)
        named = step.text[1:].partition(":")[0] if step.text.startswith("@") else ""
        stage.said.append(
            Said(step.room, ack.seq, self.number, named, sent_ms, stage.clock.now_ms())
        )

    async def _move(self, step: Step) -> None:
        rest, room = self.phone.login.rest, self._stage.room
        match step.act:
            case Act.join:
                placed = await rest.join(room)
                self._stage.ledger.joined(self.number, placed.seq)
                self._present = True
            case Act.leave:
                # What they said went through the socket: going, by REST, must not overtake it.
                if self._saying:
                    await asyncio.wait(self._saying)
                self._present = False
                placed = await rest.leave(room)
                self._stage.ledger.left(self.number, placed.seq)
            case Act.rename:
                await rest.rename(step.text[:64])
            case _:
                self.phone.drop()

    def entry(self, entry: Entry) -> None:
        """The phone gave its app an entry."""
        if entry.room == self._stage.room and entry.kind is EntryKind.post:
            now = asyncio.get_running_loop().time()
            self._stage.ledger.given(self.number, entry.seq, entry.client_id, now)

    def room_closed(self, room: UUID, at: int) -> None:
        """Who goes while their socket is down is told, plainly, that the room is not theirs."""
        if room == self._stage.room and not self._present:
            self._stage.ledger.told_gone(self.number, at)

    def is_at(self, head: int) -> bool:
        """Whether the device holds everything of the room up to `head`, or is not in it."""
        return not self._present or (self.phone.rooms.positions.at(self._stage.room) or 0) >= head

    def close_books(self) -> None:
        """What the phone put right by itself still counts."""
        faults = self.phone.rooms.positions.faults
        self._stage.ledger.faults(
            self.number, faults[Fault.duplicate], faults[Fault.hole] + faults[Fault.stranger]
        )
