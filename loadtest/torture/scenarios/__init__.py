"""What is done to the system, by what it is done to: hubs, Redis, Postgres, wires, crowds, a clock, pushes, everything.

Owns the list of names; they never change, for figures add up under them. Must never hold a scenario itself.
"""

from __future__ import annotations

from typing import Final

from loadtest.torture.scenario import Scenario
from loadtest.torture.scenarios import (
    attendance,
    clocks,
    cluster,
    crowds,
    disks,
    doors,
    everything,
    failover,
    postgres,
    presence,
    pushes,
    redis,
    restore,
    wires,
)

_MODULES: Final = (
    doors, redis, failover, cluster, postgres, restore, disks, wires, crowds, clocks, everything,
    presence, pushes, attendance,
)  # fmt: skip

SCENARIOS: Final[dict[str, Scenario]] = {
    scenario.name: scenario for module in _MODULES for scenario in module.SCENARIOS
}
"""By name, in the order in which `all` runs them."""

ENDLESS: Final = frozenset({"soup"})
"""Run again and again with other seeds, for as long as one wishes."""

BY_NAME_ONLY: Final = ENDLESS | {"pushers_killed_often", "push_provider_down_long"}
"""Too long to be among all."""
