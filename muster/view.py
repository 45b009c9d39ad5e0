"""What one hub knows of the people somebody here watches, and what it has told of them.

    look, edges -> known      changes() -> told      snapshot = what was told

What is told lags behind what is known while presence cannot be believed (muster/tenure.py): then nothing is told, and
afterwards only the difference. **What was told in the beginning, with every change after it, is what would be told
anew** (tests/muster/test_view.py).

Owns records of watched people. Pure. Must never know who watches: only that somebody does.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

from muster.presence import ABSENT, Record
from muster.roll import Edge, Looked, bucket_of


class Change(NamedTuple):
    """Somebody was told to be `before`, and is `after`."""

    person: bytes
    before: Record
    after: Record


class Watched:
    """One person; absent until the roll was looked at. `number`: the edge `known` is as of."""

    __slots__ = ("known", "number", "told", "watches")

    def __init__(self) -> None:
        self.known = ABSENT
        self.told = ABSENT
        self.number = -1
        self.watches = 0


class View:
    """The watched people of one hub."""

    def __init__(self) -> None:
        self._people: dict[bytes, Watched] = {}
        self._unlooked: dict[bytes, None] = {}
        self._moved: dict[bytes, None] = {}

    def __len__(self) -> int:
        return len(self._people)

    def watch(self, person: bytes) -> None:
        """One more watches this person."""
        watched = self._people.get(person)
        if watched is None:
            watched = self._people[person] = Watched()
            self._unlooked[person] = None
        watched.watches += 1

    def unwatch(self, person: bytes) -> None:
        """One less."""
        watched = self._people[person]
        watched.watches -= 1
        if not watched.watches:
            del self._people[person]
            self._unlooked.pop(person, None)
            self._moved.pop(person, None)

    def told(self, person: bytes) -> Record:
        """What whoever watches this person has been told of them."""
        watched = self._people.get(person)
        return ABSENT if watched is None else watched.told

    # What is read

    def unlooked(self, most: int) -> list[bytes]:
        """People of whom the roll is to be asked."""
        return [person for person, _ in zip(self._unlooked, range(most), strict=False)]

    @property
    def is_looked(self) -> bool:
        """Whether the roll was asked of everybody."""
        return not self._unlooked

    def looked(self, asked: Collection[bytes], looked: Looked) -> None:
        """The roll's answer about these people."""
        for person in asked:
            watched = self._people.get(person)
            number = looked.positions[bucket_of(person)].number
            if watched is None or (person not in self._unlooked and number <= watched.number):
                continue
            self._unlooked.pop(person, None)
            watched.number = number
            self._know(person, watched, looked.records.get(person, ABSENT))

    def edge(self, edge: Edge) -> None:
        """Somebody's presence changed. Who is still to be looked at is looked at."""
        watched = self._people.get(edge.person)
        if (
            watched is not None
            and watched.number < edge.number
            and edge.person not in self._unlooked
        ):
            watched.number = edge.number
            self._know(edge.person, watched, edge.record)

    def doubt(self, buckets: Collection[int]) -> None:
        """What is known of these buckets may be wrong: the roll is to be asked again."""
        for person in self._people:
            if bucket_of(person) in buckets:
                self._unlooked[person] = None

    def _know(self, person: bytes, watched: Watched, record: Record) -> None:
        watched.known = record
        if watched.told != record:
            self._moved[person] = None
        else:
            self._moved.pop(person, None)

    # What is told

    def changes(self) -> Iterator[Change]:
        """What is known and was not told yet; it counts as told."""
        moved, self._moved = self._moved, {}
        for person in moved:
            watched = self._people[person]
            before, watched.told = watched.told, watched.known
            yield Change(person, before, watched.told)

    @property
    def has_changes(self) -> bool:
        return bool(self._moved)
