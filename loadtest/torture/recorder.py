"""What the processes of the load put into the history: who asks, who is told, when.

Owns the clock and the count of operations. Must never leave anything out, least of all what looks wrong.
"""

from __future__ import annotations

from time import monotonic_ns
from typing import Final
from uuid import UUID

from loadtest.torture.history import (
    AnyRecord,
    Fail,
    FaultStart,
    FaultStop,
    Info,
    Invoke,
    Ok,
    OpKind,
)
from loadtest.torture.journal import Writer

ENTRIES: Final[frozenset[OpKind]] = frozenset(
    ("post", "edit", "delete", "react", "unreact", "pin", "unpin", "join", "leave", "kick")
)
"""What becomes an entry of a room's log."""


class Recorder:
    """One process's pen. `acked` counts entries that were acked and are new, `known` those that were there."""

    def __init__(self, writer: Writer, process: str = "load") -> None:
        self._writer = writer
        self._over = False
        self.acked = 0
        self.known = 0
        self.asked = 0
        self.faults = 0
        self._pending: dict[int, OpKind] = {}
        self._process = process

    def write(self, record: AnyRecord) -> None:
        """One line."""
        if not self._over:
            self._writer.write(record)

    def end(self) -> None:
        """The run is over: what is seen from now on (everybody leaves) is no part of it."""
        self._over = True

    @staticmethod
    def now() -> int:
        """Of one host, in ns."""
        return monotonic_ns()

    def invoke(
        self,
        op: OpKind,
        author: UUID,
        room: UUID | None = None,
        device: UUID | None = None,
        connection: str | None = None,
        **about: object,
    ) -> int:
        """Somebody is about to ask; the number of the operation."""
        self.asked += 1
        asked = {"t": self.now(), "process": self._process, "n": self.asked, "op": op}
        where = {"author": author, "room": room, "device": device, "connection": connection}
        self._pending[self.asked] = op
        self.write(Invoke(**asked, **where, **about))  # type: ignore[arg-type]  # checked by its reader
        return self.asked

    def ok(self, n: int, seq: int | None, fresh: bool = True, room: UUID | None = None) -> None:
        """It is done, for sure."""
        entry = self._pending.pop(n) in ENTRIES
        self.acked += entry and fresh
        self.known += entry and not fresh
        self.write(Ok(t=self.now(), process=self._process, n=n, seq=seq, fresh=fresh, room=room))

    def fail(self, n: int, code: int) -> None:
        """It is not done, for sure."""
        self.write(Fail(t=self.now(), process=self._process, n=n, code=code))

    def info(self, n: int, why: str) -> None:
        """Nobody knows."""
        self.write(Info(t=self.now(), process=self._process, n=n, why=why))

    def fault(self, kind: str, target: str) -> str:
        """Something is about to be done to the system; its name."""
        self.faults += 1
        name = f"{kind}-{self.faults}"
        self.write(FaultStart(t=self.now(), fault=name, kind=kind, target=target))
        return name

    def healed(
        self,
        fault: str,
        proof: dict[str, int | float | str | bool],
        kept: dict[UUID, int] | None = None,
    ) -> None:
        """The system is whole again."""
        self.write(FaultStop(t=self.now(), fault=fault, proof=proof, kept=kept))
