"""What placing needs in every process that takes fixes, put together.

Owns which part knows which. Must never open anything: what speaks to Redis and Postgres is passed in.
"""

from __future__ import annotations

import asyncio
import random

from prometheus_client import CollectorRegistry

from muster.attendance import VisitStore
from muster.clock import Clock
from muster.edges import Edges
from muster.leaves import Leaves
from muster.overdue import Overdue
from muster.place_counts import PlaceCounts
from muster.placing import Around, Pay, Placing
from muster.restoring import Restoring
from muster.standing import Standings
from muster.survey import Survey
from muster.terms import Terms
from muster.venue import VenueStore


class Placement:
    """One process's. `survey` and `leaves` want to hear of what changes; the former must be loaded before use."""

    def __init__(
        self,
        standings: Standings,
        venues: VenueStore,
        clock: Clock,
        terms: Terms,
        registry: CollectorRegistry | None,
    ) -> None:
        self._standings = standings
        self._clock = clock
        self._terms = terms
        self._counts = PlaceCounts(registry)
        self.survey = Survey(venues, clock, terms)
        self.leaves = Leaves(venues, clock)

    def placing(self, visits: VisitStore, pay: Pay | None = None) -> Placing:
        """Who judges; `pay`: people may only send so many fixes."""
        return Placing(self._around(visits), self._terms, pay)

    def start(
        self, tasks: asyncio.TaskGroup, visits: VisitStore, rng: random.Random, every_s: float
    ) -> None:
        """The rounds that some processes make for all: over what is due, and over what was lost."""
        around = self._around(visits)
        tasks.create_task(Overdue(around, self._terms, every_s).run())
        tasks.create_task(Restoring(around, visits, self._terms, rng).run())

    def _around(self, visits: VisitStore) -> Around:
        edges = Edges(visits, self._clock, self._counts)
        return Around(self._standings, edges, self.survey, self.leaves, self._clock, self._counts)
