"""The roll call: what this hub says of its people, and what it hears of others.

    devices --statements--> the roll --edges--> view --changes--> watching
                                |
                                +--- leases, sweeps (tenure)

Owns the loops over the roll (muster/roll.py), each at its own pace; whatever they want is a state, so what failed
is simply wanted again. What is said is realtime/statements.py's. Must never tell a client anything by itself
(realtime/watching.py).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from struct import pack
from typing import Final, NamedTuple

from muster.acquaintance import AcquaintanceReader
from muster.clock import Clock
from muster.devices import GRACE_S, Devices
from muster.errors import Refused
from muster.ids import Random
from muster.roll import RENEW_S, Edge, Fenced, Position, Roll, Unreachable
from muster.telemetry import get_logger
from muster.tenure import SWEEP_AFTER_S, Tenure
from muster.view import Change, View
from realtime.presence_counts import PresenceCounts
from realtime.statements import SEEN_EVERY_S, Statements

AUDIT_EVERY_S: Final = 60.0
"""How often generations are looked for that a bucket knows and the register does not."""

LOOKS_AT_ONCE: Final = 1_000
RETIRE_WITHIN_S: Final = 1.0


class Paces(NamedTuple):
    """How often the roll is told and asked, leases are looked after, and watchers brought up to date; seconds.

    `renew_s`, `sweep_after_s`: when leases are renewed, and how long a hub has to be in touch before it sweeps.
    """

    say_s: float = 0.1
    read_s: float = 0.25
    keep_s: float = 1.0
    beat_s: float = 1.0
    renew_s: float = RENEW_S
    sweep_after_s: float = SWEEP_AFTER_S


class Outside(NamedTuple):
    """What the roll call needs of the world."""

    roll: Roll
    reader: AcquaintanceReader
    clock: Clock
    random: Random
    grace_s: float = GRACE_S
    paces: Paces = Paces()


class RollCall:
    """One hub's part in the roll."""

    def __init__(
        self, outside: Outside, devices: Devices, view: View, counts: PresenceCounts
    ) -> None:
        self._roll, reader, self.clock, self._random, self._grace_s, self.paces = outside
        self._devices = devices
        self._view = view
        self._counts = counts
        self._tenure = Tenure(self._bytes(16), self.paces.renew_s, self.paces.sweep_after_s)
        self._statements = Statements(
            (self._roll, reader, self.clock), devices, self._tenure, counts
        )
        self._positions: list[Position] | None = None
        self._tell: Callable[[Iterable[Change]], None]
        self._last_ms = 0
        self._old: list[bytes] = []
        self._was_fenced = False
        self._is_current = False
        self._suspects: frozenset[bytes] = frozenset()
        self._audit_at = 0.0
        self._log = get_logger()

    def wire(self, tell: Callable[[Iterable[Change]], None]) -> None:
        """Who is told of changes. Before anything else is called."""
        self._tell = tell

    # What others ask

    def stamp_ms(self) -> int:
        """Now, by Redis' clock as far as this hub knows it."""
        return self._statements.stamp_ms()

    @property
    def is_known(self) -> bool:
        """Whether what the view knows is what is so."""
        return self._tenure.may_tell(self.clock.monotonic()) and self._is_current

    @property
    def is_unknown(self) -> bool:
        """Whether nothing has been known for so long that people should be told."""
        return self._tenure.is_unknown(self.clock.monotonic())

    async def look(self) -> bool:
        """Ask the roll of everybody it was not asked of yet; whether it answered."""
        try:
            while asked := self._view.unlooked(LOOKS_AT_ONCE):
                self._view.looked(asked, await self._roll.look(asked))
                self._tenure.answered(self.clock.monotonic())
        except Unreachable:
            self._tenure.missed(self.clock.monotonic())
            return False
        return True

    def flush(self) -> None:
        """Tell what is known, if it can be believed."""
        if self.is_known and self._view.is_looked and self._view.has_changes:
            self._tell(self._view.changes())

    # The loops

    async def run(self) -> None:
        """Call the roll until cancelled; then let the lease run out."""
        try:
            async with asyncio.TaskGroup() as tasks:
                paces = self.paces
                tasks.create_task(self._every(paces.keep_s, self._keep))
                tasks.create_task(self._every(paces.say_s, self._say))
                tasks.create_task(self._every(paces.say_s, self._statements.read_profiles))
                tasks.create_task(self._every(paces.read_s, self._read))
                tasks.create_task(self._every(SEEN_EVERY_S, self._statements.write_seen))
        finally:
            await self._retire()

    async def _every(self, pause_s: float, step: Callable[[], object]) -> None:
        while True:
            try:
                await step()  # type: ignore[misc]  # each is a coroutine function
            except Unreachable:
                self._counts.unreachable += 1
                self._tenure.missed(self.clock.monotonic())
            except Refused:
                pass  # Postgres does not answer: what was wanted is wanted still
            await asyncio.sleep(pause_s)

    def _fenced(self, generation: bytes) -> None:
        if generation != self._tenure.generation:
            return  # that one is over anyway
        self._counts.fenced += 1
        self._log.warning("presence_fenced")
        self._was_fenced = True
        self._leave_generation()
        self._tenure.fenced(self.clock.monotonic())

    # The register

    async def _keep(self) -> None:
        now = self.clock.monotonic()
        if self._tenure.generation is None:
            await self._enter()
        elif now >= self._tenure.renew_at or self._tenure.is_awaiting:
            await self._renew(self._tenure.generation)
        if not self._tenure.may_sweep(now):
            return
        while self._old:  # what is ours needs no lease to run out
            old = self._old[0]
            await self._roll.retire(old, 0)
            await self._sweep(old)
            self._old = [generation for generation in self._old if generation != old]
        for generation in self._tenure.dead(self.clock.monotonic()):
            await self._sweep(generation)
        if now >= self._audit_at:
            self._audit_at = now + AUDIT_EVERY_S
            await self._audit()

    async def _enter(self) -> None:
        if self._positions is not None and (await self._roll.fresh(self._positions)).lost:
            self._lost()
        elif self._was_fenced:
            self._devices.drop_lingering()
        self._was_fenced = False
        # Later than all before it: of two claims of ours to one device the newer generation's holds.
        self._last_ms = max(self.stamp_ms(), self._last_ms + 1)
        generation = pack(">Q", self._last_ms) + self._bytes(8)
        register = await self._roll.enter(self._tenure.hub, generation)
        self._positions = None
        self._devices.untold_all()
        self._devices.read_all_again()
        self._tenure.entered(generation, register, self.clock.monotonic())
        self._counts.entered += 1

    async def _renew(self, generation: bytes) -> None:
        try:
            register = await self._roll.renew(generation, settled=self._tenure.settled)
        except Fenced:
            self._fenced(generation)
            return
        if generation == self._tenure.generation:
            self._tenure.renewed(register, self.clock.monotonic())

    async def _sweep(self, generation: bytes) -> None:
        out = await self._roll.sweep(generation, self._tenure.hub)
        self._tenure.answered(self.clock.monotonic())
        if out is not None:
            self._counts.swept += 1
            self._log.warning("presence_swept", count=len(out))
            self._statements.went(out)

    async def _audit(self) -> None:
        unlisted = await self._roll.unlisted()
        for generation in unlisted & self._suspects:
            await self._sweep(generation)
        self._suspects = unlisted

    def _leave_generation(self) -> None:
        self._is_current = False
        if self._tenure.generation is not None:
            self._old.append(self._tenure.generation)
            del self._old[:-10]

    async def _retire(self) -> None:
        generation = self._tenure.generation
        if generation is None:
            return
        try:
            async with asyncio.timeout(RETIRE_WITHIN_S):
                # Those who come back elsewhere within the grace time were never away.
                await self._roll.retire(generation, int(self._grace_s * 1000))
        except (Unreachable, TimeoutError):
            return

    # Saying and hearing

    async def _say(self) -> None:
        generation = self._tenure.generation
        try:
            await self._statements.say()
        except Fenced:
            if generation is not None:
                self._fenced(generation)

    async def _read(self) -> None:
        if self._positions is None:
            if self._tenure.generation is None:
                return
            self._positions = await self._roll.heads()
            self._view.doubt(range(len(self._positions)))
        positions = self._positions
        # That all have said everything is known before what they said is read: only the next reading holds it.
        is_whole = self._tenure.may_tell(self.clock.monotonic())
        fresh = await self._roll.fresh(positions)
        now = self.clock.monotonic()
        self._tenure.answered(now)
        if fresh.lost:
            self._lost()
            return
        for edge in fresh.edges:
            positions[edge.bucket] = Position(positions[edge.bucket].epoch, edge.number)
            self._take(edge)
        if fresh.doubted:
            heads = await self._roll.heads()
            for bucket in fresh.doubted:
                positions[bucket] = heads[bucket]
            self._view.doubt(fresh.doubted)
        if await self.look():
            self._is_current = self._is_current or is_whole
            self.flush()

    def _lost(self) -> None:
        self._log.warning("presence_lost")
        self._counts.lost += 1
        self._leave_generation()
        # Nobody has taken our devices out: those that linger are to be said again too.
        self._was_fenced = False
        self._tenure.lost(self.clock.monotonic())
        self._positions = None

    def _take(self, edge: Edge) -> None:
        self._counts.edges += 1
        self._view.edge(edge)
        profile = self._devices.profile(edge.person)
        if profile is not None and int(profile[:16]) < edge.record.profile.version:
            self._devices.read_again([edge.person])

    def _bytes(self, count: int) -> bytes:
        return self._random.getrandbits(8 * count).to_bytes(count, "big")
