"""Lanes, inbox streams and cells, simulated: for each entry, how many hubs have a member, and who reads it.

    lanes    an entry is added once; every hub reads it
    inboxes  an entry is added to one stream per hub with a member online; only those read it
    cells    people are cut into cells of their own hubs and lanes, rooms kept together where they can be; an entry is
             added once per cell with a member, and every hub of those cells reads it

Owns the simulation. Pure: chance comes in. Must never assume a size of room that nobody gave.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from loadtest.growth.need import Streams


@dataclass(frozen=True, slots=True)
class Town:
    """Rooms by the number of members online, with how often something is said in them; people know people nearby.

    `near`: the share of a room's members who live where the room does; the others live anywhere.
    """

    sizes: Sequence[int] = (2, 3, 5, 8, 15, 40, 150, 600)
    said: Sequence[float] = (0.42, 0.12, 0.14, 0.12, 0.10, 0.07, 0.02, 0.01)
    near: float = 0.9

    @property
    def mean(self) -> float:
        """Members online who get an entry, on average."""
        return sum(size * share for size, share in zip(self.sizes, self.said, strict=True))


def simulate(town: Town, hubs: int, cells: int, entries: int, random: Random) -> dict[str, Streams]:
    """What an entry takes on average, of `entries` that are said in rooms drawn by how often they talk."""
    inboxes = reached = 0
    per_cell = max(1, hubs // cells)
    for size in random.choices(town.sizes, town.said, k=entries):
        inboxes += _hubs_met(hubs, size, random)
        reached += _cells_met(town, cells, size, random)
    return {
        "lanes": Streams(1.0, float(hubs)),
        "inboxes": Streams(inboxes / entries, inboxes / entries),
        "cells": Streams(reached / entries, reached / entries * per_cell),
    }


def _hubs_met(hubs: int, size: int, random: Random) -> int:
    """A balancer knows no rooms: each member is on any hub."""
    return len({random.randrange(hubs) for _ in range(size)})


def _cells_met(town: Town, cells: int, size: int, random: Random) -> int:
    home = random.randrange(cells)
    return len(
        {home if random.random() < town.near else random.randrange(cells) for _ in range(size)}
    )
