"""What people are owed, worked out plainly from what happened: lists, loops and no query.

Owns an account of a history's messages and members, told by whoever makes the history. Must never read Postgres.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

from muster.push_device import Provider

RANK = {"none": 0, "mentions": 1, "all": 2}


@dataclass
class Said:
    """A message: `at_ms` by the history's clock."""

    seq: int
    author: UUID
    text: str
    names: frozenset[UUID]
    here: bool
    at_ms: int
    deleted: bool = False

    def about(self, person: UUID) -> bool:
        """Whether it names this person or everybody."""
        return self.here or person in self.names


@dataclass
class Place:
    """Somebody's membership of a room. Seqs up to `begins` of a provider ring nowhere: too old, told, or forgone."""

    inside: bool = False
    read: int = 0
    joined: int = 0
    chosen: str | None = None
    muted_until_ms: int = 0
    begins: dict[Provider, int] = field(default_factory=dict)


@dataclass
class Hall:
    """A room."""

    kind: str
    head: int = 0
    said: dict[int, Said] = field(default_factory=dict)
    places: dict[UUID, Place] = field(default_factory=dict)


class Account:
    """Of all rooms and people."""

    def __init__(self) -> None:
        self.halls: dict[UUID, Hall] = {}
        self.devices: dict[UUID, set[tuple[Provider, UUID]]] = {}
        self.blocks: set[tuple[UUID, UUID]] = set()
        self.levels: dict[UUID, str] = {}

    def providers(self, person: UUID) -> set[Provider]:
        return {provider for provider, _ in self.devices.get(person, set())}

    def level(self, person: UUID, hall: Hall) -> str:
        """A room's own, else the lesser of what its kind says and what the person wants."""
        usual = "mentions" if hall.kind in ("public", "announcement", "event") else "all"
        wish = self.levels.get(person, "all")
        return hall.places[person].chosen or min(usual, wish, key=RANK.__getitem__)

    def register(self, person: UUID, provider: Provider, device: UUID) -> None:
        if provider not in self.providers(person):
            self._forgo(person, self.halls.values(), {provider})
        self.devices.setdefault(person, set()).add((provider, device))

    def unregister(self, person: UUID, provider: Provider, device: UUID) -> None:
        self.devices[person].discard((provider, device))

    def join(self, person: UUID, room: UUID, seq: int) -> None:
        hall = self.halls[room]
        before = hall.places.get(person, Place())
        hall.places[person] = Place(
            True, max(before.read, seq), seq, before.chosen, before.muted_until_ms
        )

    def mute(self, person: UUID, room: UUID, until_ms: int) -> None:
        hall = self.halls[room]
        place = hall.places[person]
        if until_ms < place.muted_until_ms:
            self._forgo(person, [hall], self.providers(person))
        place.muted_until_ms = until_ms

    def choose(self, person: UUID, room: UUID, level: str | None) -> None:
        hall = self.halls[room]
        before = self.level(person, hall)
        hall.places[person].chosen = level
        if RANK[self.level(person, hall)] > RANK[before]:
            self._forgo(person, [hall], self.providers(person))

    def wish(self, person: UUID, level: str) -> None:
        places = [hall for hall in self.halls.values() if person in hall.places]
        before = [self.level(person, hall) for hall in places]
        self.levels[person] = level
        louder = [
            hall
            for hall, was in zip(places, before, strict=True)
            if RANK[self.level(person, hall)] > RANK[was]
        ]
        self._forgo(person, louder, self.providers(person))

    def unblock(self, person: UUID, other: UUID) -> None:
        if (person, other) in self.blocks:
            self.blocks.discard((person, other))
            direct = [
                hall
                for hall in self.halls.values()
                if hall.kind == "direct" and person in hall.places and other in hall.places
            ]
            self._forgo(person, direct, self.providers(person))

    def settle(self, person: UUID, room: UUID, provider: Provider, seq: int) -> None:
        place = self.halls[room].places[person]
        if place.inside:
            place.begins[provider] = max(place.begins.get(provider, 0), seq)

    def unread(self, person: UUID, hall: Hall) -> list[Said]:
        """What a list of rooms counts."""
        place = hall.places.get(person)
        if place is None or not place.inside:
            return []
        return [
            said
            for seq, said in sorted(hall.said.items())
            if seq > place.read
            and seq > place.joined
            and not said.deleted
            and said.author != person
            and (person, said.author) not in self.blocks
        ]

    def owed(self, person: UUID, hall: Hall, provider: Provider, now_ms: int) -> list[Said]:
        """What is to be told, if at all. A mute that has run out holds for what was said before."""
        return [
            said
            for said in self.unread(person, hall)
            if said.seq > hall.places[person].begins.get(provider, 0)
            and (
                not said.at_ms < hall.places[person].muted_until_ms <= now_ms or said.about(person)
            )
        ]

    def rings(self, person: UUID, hall: Hall, said: Iterable[Said], now_ms: int) -> list[Said]:
        """What of these may be told, by mute and level."""
        level = self.level(person, hall)
        if level == "none":
            return []
        muted = hall.places[person].muted_until_ms > now_ms
        whole = not muted and (hall.kind == "direct" or level == "all")
        return [each for each in said if whole or each.about(person)]

    def badge(self, person: UUID, now_ms: int) -> int:
        total = 0
        for hall in self.halls.values():
            unread = self.unread(person, hall)
            muted = person in hall.places and hall.places[person].muted_until_ms > now_ms
            total += len([said for said in unread if said.about(person) or not muted])
        return total

    def _forgo(self, person: UUID, halls: Iterable[Hall], providers: set[Provider]) -> None:
        for hall in halls:
            place = hall.places.get(person)
            if place is not None and place.inside:
                for provider in providers:
                    place.begins[provider] = max(place.begins.get(provider, 0), hall.head)
