"""What somebody is to a room at this moment, asked of Postgres for many at once.

A page kept in memory is answered only with a view that was read *after* the request for it came, so what is true of
an answer from memory is what is true of one from Postgres: it shows all that was committed before it was asked for,
by whatever door, and nothing to whom may no longer see it. Requests that come while a statement is under way share
the next one, so that a crowd costs what one asker costs.

Owns that a view is never older than its asker. Must never keep one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, Protocol
from uuid import UUID

from muster.clock import Clock
from muster.errors import Refused
from muster.ids import PersonId, RoomId
from muster.permission import PRESENT, Relation, RoomKind

TOGETHER: Final = 200
"""Views asked for by one statement."""

Span = tuple[int, int | None]


class Era(NamedTuple):
    """One life of the log: the generation, the start of the Postgres that answers, and the table that it is in.

    A restore, a failover and a restart each make another. What was known of one is nothing in the next.
    """

    generation: UUID | None
    started_us: int
    table: int


class View(NamedTuple):
    """All that a page depends on beside its room's log: read in one snapshot, with the head of that log."""

    era: Era
    kind: RoomKind
    relation: Relation
    head: int
    floor: int
    spans: tuple[Span, ...]
    hidden: frozenset[PersonId]

    @property
    def since(self) -> int | None:
        """The first seq of the span in which they are present; None: they are not."""
        if self.relation not in PRESENT or not self.spans or self.spans[-1][1] is not None:
            return None
        return self.spans[-1][0]


class Seen(NamedTuple):
    """Views in the order asked, None where there is no such room for them, and Postgres' clock at that moment."""

    views: list[View | None]
    at_ms: int


class ViewStore(Protocol):
    """Where views are read."""

    async def views(self, pairs: Sequence[tuple[RoomId, PersonId]]) -> Seen:
        """All in one snapshot. Raises `Refused`: `unavailable`."""
        ...


Pair = tuple[RoomId, PersonId]
Asked = asyncio.Future[View | None]


class Views:
    """Asks for views, together."""

    def __init__(
        self,
        store: ViewStore,
        clock: Clock,
        told_time: Callable[[int, float], None],
        observe: Callable[[float], None],
    ) -> None:
        """`told_time` gets Postgres' clock with our monotonic time of just before; `observe` each asker's wait."""
        self._store = store
        self._clock = clock
        self._told_time = told_time
        self._observe = observe
        self._waiting: dict[Pair, Asked] = {}
        self._woken = asyncio.Event()

    async def of(self, room: RoomId, reader: PersonId) -> View | None:
        """The view as of now or a moment later. Raises `Refused`: `unavailable`."""
        began = self._clock.monotonic()
        asked = self._waiting.get((room, reader))
        if asked is None:
            asked = self._waiting[room, reader] = asyncio.get_running_loop().create_future()
            self._woken.set()
        try:
            # Somebody who goes away takes nobody's answer along.
            return await asyncio.shield(asked)
        finally:
            self._observe(self._clock.monotonic() - began)

    async def run(self) -> None:
        """Ask until cancelled."""
        while True:
            await self._woken.wait()
            pairs = list(self._waiting)[:TOGETHER]
            if not pairs:
                self._woken.clear()
                continue
            # Taken out first: who asks from now on gets a later snapshot.
            asked = [self._waiting.pop(pair) for pair in pairs]
            await self._ask(pairs, asked)

    async def _ask(self, pairs: list[Pair], asked: list[Asked]) -> None:
        before = self._clock.monotonic()
        try:
            seen = await self._store.views(pairs)
        except Refused as refused:
            for future in asked:
                future.set_exception(refused)
                future.exception()  # whoever asked may be gone
            return
        except asyncio.CancelledError:
            for future in asked:
                future.cancel()
            raise
        self._told_time(seen.at_ms, before)
        for future, view in zip(asked, seen.views, strict=True):
            future.set_result(view)
