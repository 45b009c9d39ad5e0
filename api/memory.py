"""What an api process remembers of rooms, and how the lanes tell it.

Owns how shelf, views and tail are joined, and how many of the process's connections views have to themselves. Must
never open anything: the composition root does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from prometheus_client import CollectorRegistry

from muster.clock import Clock
from muster.config import Settings
from muster.control import ControlLog
from muster.ids import CONTROL_ROOM
from muster.lane import LaneEntry
from muster.metrics import PageMetrics
from muster.pages import Memory
from muster.shelf import Shelf
from muster.stores.postgres.pool import Replica
from muster.stores.postgres.views import PostgresViews
from muster.views import Views

_MIB: Final = 1 << 20


class Shares(NamedTuple):
    """Connections of MUSTER_API_DB_POOL: a view is asked for beside whatever else waits for one."""

    reads: int
    views: int


def shares(settings: Settings) -> Shares:
    """Who gets how many. With one connection in all, views share it."""
    views = int(settings.page_cache_mib > 0 and settings.api_db_pool > 1)
    return Shares(settings.api_db_pool - views, views)


def remembering(
    settings: Settings,
    reads: Replica,
    clock: Clock,
    registry: CollectorRegistry,
    observe: Callable[[float], None],
) -> Memory | None:
    """Kept pages, if any are to be kept. `observe` is told how long each asker waited for a view, in seconds."""
    if not settings.page_cache_mib:
        return None
    metrics = PageMetrics(registry)
    shelf = Shelf(settings.page_cache_mib * _MIB, clock, metrics)
    views = Views(PostgresViews(reads), clock, shelf.told_time, observe)
    return Memory(shelf, views, metrics)


class Ear:
    """Listens to the lanes for an api process: muster.bus.Listener."""

    def __init__(self, shelf: Shelf, control: ControlLog) -> None:
        self._shelf = shelf
        self._control = control

    def entries(self, batch: Sequence[LaneEntry]) -> None:
        """See `Listener`."""
        self._shelf.heard(batch)
        for entry in batch:
            if entry.room == CONTROL_ROOM.bytes and entry.seq:
                self._control.seen(entry.seq)

    def doubt(self, lanes: frozenset[int]) -> None:
        """Nothing to do: what is missing on a lane is missing between a page's head and its reader's."""

    def readable(self, lanes: frozenset[int], yes: bool) -> None:
        """Nothing to do, likewise."""
