"""A hub and a writer in memory: every person is in every room, and gets every entry.

Stands in where a test is about sockets. It never leaves out an entry, so neither may the sockets.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import NamedTuple
from uuid import UUID

from muster.errors import Refused
from muster.ids import DeviceId, PersonId, RoomId, SessionId
from muster.op import Op, Outcome
from muster.permission import ServiceRole
from muster.tokens import Claims
from proto import frames
from proto.codes import Code
from proto.entry import Body, EntryKind
from realtime.prepared import Prepared
from realtime.socket import Socket

GENERATION = UUID(int=1)
ROOM = RoomId(UUID(int=77))


class Admitted(NamedTuple):
    """See `realtime.socket.Admission`."""

    generation: UUID


class FakeHub:
    """See `realtime.socket.Rooms`. `gate` holds up admissions and resumes while it is not set."""

    def __init__(self) -> None:
        self.sockets: list[Socket] = []
        self.dropped: list[tuple[Socket, bool]] = []
        self.calls: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.refuses: Refused | None = None
        self.fault: Exception | None = None
        self.over: set[SessionId] = set()
        self.out: set[PersonId] = set()
        self.gone = asyncio.Event()
        self.told: list[tuple[object, ...]] = []

    def _note(self, call: str, *told: object) -> None:
        self.calls.append(call)
        self.told.append(told)

    async def admit(self, socket: Socket) -> Admitted:
        self._note("admit", socket)
        self.sockets.append(socket)
        await self.gate.wait()
        if self.refuses is not None:
            raise self.refuses
        return Admitted(GENERATION)

    def drop(self, socket: Socket, clean: bool) -> None:
        if socket in self.sockets:
            self.sockets.remove(socket)
        self.dropped.append((socket, clean))
        self.gone.set()

    async def resume(self, socket: Socket, frame: frames.Resume) -> frames.RoomStates:
        self._note("resume", socket, frame)
        await self.gate.wait()
        if self.fault is not None:
            raise self.fault
        if self.refuses is not None:
            raise self.refuses
        return frames.RoomStates(frame.id, GENERATION, [])

    async def attend(self, socket: Socket, frame: frames.Attend) -> frames.RoomStates:
        self._note("attend", socket, frame)
        await self.gate.wait()
        return frames.RoomStates(frame.id, GENERATION, [])

    async def watch(self, socket: Socket, frame: frames.Watch) -> frames.Presences:
        self._note("watch", socket, frame)
        await self.gate.wait()
        return frames.Presences(frame.id, [], whole=True)

    def look(self, socket: Socket, frame: frames.Attention) -> None:
        self._note("look", socket, frame)

    def typing(self, socket: Socket, room: RoomId) -> None:
        self._note("typing", socket, room)

    def received(self, socket: Socket, positions: Sequence[tuple[UUID, int]]) -> None:
        self._note("received", socket, positions)

    def read(self, socket: Socket, positions: Sequence[tuple[UUID, int]]) -> None:
        self._note("read", socket, positions)

    def revoked(self, session: SessionId) -> bool:
        return session in self.over

    def banned(self, person: PersonId) -> bool:
        return person in self.out

    def deliver(self, prepared: Prepared) -> None:
        """To everybody, as the real hub does it."""
        for socket in self.sockets:
            if not socket.congested:
                socket.push(prepared)


class AnswerGate:
    """Answers pass while it is set; what came before waits until it is."""

    def __init__(self) -> None:
        self._held: list[Callable[[], None]] | None = None

    def clear(self) -> None:
        self._held = self._held or []

    def set(self) -> None:
        while self._held:  # an answer makes room for what comes next: that waits its turn
            self._held.pop(0)()
        self._held = None

    def pass_through(self, answer: Callable[[], None]) -> None:
        if self._held is None:
            answer()
        else:
            self._held.append(answer)


class FakeWriter:
    """Numbers ops and hands them to everybody; the gate lets a test decide when."""

    def __init__(self, hub: FakeHub) -> None:
        self.hub = hub
        self.ops: list[Op] = []
        self.refuses: Callable[[Op], Refused | None] = lambda _op: None
        self.fault: Exception | None = None
        self.gate = AnswerGate()
        self.done = 0
        self.seqs: dict[RoomId, int] = defaultdict(int)

    def ask(self, op: Op, told: Callable[[Outcome | Refused], None]) -> None:
        self.ops.append(op)
        if self.fault is not None:
            raise self.fault
        self.gate.pass_through(lambda: told(self.refuses(op) or self._commit(op)))

    def _commit(self, op: Op) -> Outcome:
        self.seqs[op.room] += 1
        seq = self.seqs[op.room]
        entry = frames.Entry(
            0,
            op.room,
            seq,
            seq,
            EntryKind.post,
            op.author,
            None,
            op.client_id,
            0,
            Body(text=op.text),
        )
        self.hub.deliver(Prepared.of(entry))
        self.done += 1
        return Outcome(op.room, seq, seq, 0, True)


class FakePlaces:
    """Judges everything as judged; the gate lets a test decide when, `refuses` and `fault` how else."""

    def __init__(self) -> None:
        self.placed_: list[tuple[PersonId, frames.Placing]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.refuses: Refused | None = None
        self.fault: Exception | None = None

    async def placed(self, person: PersonId, frame: frames.Placing) -> frames.Placed:
        self.placed_.append((person, frame))
        await self.gate.wait()
        if self.fault is not None:
            raise self.fault
        if self.refuses is not None:
            raise self.refuses
        pieces = frame.fixes if isinstance(frame, frames.Fixes) else frame.crossings
        return frames.Placed(frame.id, ["judged"] * len(pieces), [])


class FakeTokens:
    """Tokens are `person:session:device:expires_at_ms`, all numbers; anything else is foreign."""

    def verify(self, token: str) -> Claims:
        try:
            person, session, device, expires_at_ms = map(int, token.split(":"))
        except ValueError:
            raise Refused(Code.unauthorized, "this is not an access token of ours") from None
        return Claims(
            PersonId(UUID(int=person)),
            SessionId(UUID(int=session)),
            DeviceId(UUID(int=device)),
            ServiceRole.user,
            0,
            expires_at_ms,
        )


def token(person: int = 1, session: int = 2, device: int = 3, expires_at_ms: int = 2**52) -> str:
    """A token that FakeTokens believes."""
    return f"{person}:{session}:{device}:{expires_at_ms}"
