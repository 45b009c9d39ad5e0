"""The roll in memory, by the rules of muster/presence.py.

It passes tests/contracts/test_roll.py, as the ones over Redis do. Its clock is the test's to move; `lose` is what
FLUSHALL does.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from muster.damping import goodbyes, is_believed
from muster.devices import Key
from muster.presence import ABSENT, Device, Profile, Record, merged, newer, unpacked
from muster.roll import (
    BUCKETS,
    LEASE_MS,
    NOWHERE,
    Edge,
    Fenced,
    Fresh,
    Looked,
    Peer,
    Position,
    Register,
    Say,
    Told,
    Unreachable,
    bucket_of,
)

KEPT = 10_000
CLAIM_MS = 5_000


@dataclass
class _Person:
    devices: dict[bytes, Device] = field(default_factory=dict)
    profile: bytes = b""

    def record(self) -> Record:
        if not self.devices:
            return ABSENT
        attention, rooms = merged(self.devices.values())
        return Record(attention, rooms, unpacked(self.profile) if self.profile else Profile())


@dataclass
class _Bucket:
    epoch: bytes
    number: int = 0
    people: dict[bytes, _Person] = field(default_factory=dict)
    edges: list[Edge] = field(default_factory=list)
    generations: set[bytes] = field(default_factory=set)


class FakeRoll:
    """See `muster.roll.Roll`."""

    def __init__(self) -> None:
        self.now_ms = 1_000_000
        self.away = False
        self._epochs = 0
        self._buckets: list[_Bucket | None] = [None] * BUCKETS
        self._register: dict[bytes, Peer] = {}
        self._claims: dict[bytes, tuple[bytes, int]] = {}
        self._goodbyes: dict[bytes, tuple[float, int]] = {}

    def lose(self) -> None:
        """Everything is gone."""
        self._buckets = [None] * BUCKETS
        self._register = {}
        self._claims = {}
        self._goodbyes = {}

    # The register

    async def enter(self, hub: bytes, generation: bytes) -> Register:
        self._reached()
        self._register[generation] = Peer(hub, generation, False, self.now_ms + LEASE_MS)
        for number, bucket in enumerate(self._buckets):
            if bucket is None:
                self._epochs += 1
                self._buckets[number] = _Bucket(b"%d" % self._epochs, generations={generation})
            else:
                bucket.generations.add(generation)
        return self._registered()

    async def renew(self, generation: bytes, *, settled: bool) -> Register:
        self._reached()
        peer = self._register.get(generation)
        if peer is None or not peer.expires_ms:
            raise Fenced
        self._register[generation] = peer._replace(
            settled=settled, expires_ms=self.now_ms + LEASE_MS
        )
        return self._registered()

    async def retire(self, generation: bytes, in_ms: int) -> None:
        self._reached()
        if (peer := self._register.get(generation)) is not None and peer.expires_ms:
            self._register[generation] = peer._replace(expires_ms=self.now_ms + in_ms)

    def _registered(self) -> Register:
        return Register(self.now_ms, tuple(sorted(self._register.values())))

    # Saying

    async def say(self, generation: bytes, says: Sequence[Say]) -> list[Told]:
        self._reached()
        return [self._say(generation, say, sweep=False) for say in says]

    def _say(self, generation: bytes, say: Say, *, sweep: bool) -> Told:
        number = bucket_of(say.key.person)
        bucket = self._buckets[number]
        if bucket is None or (not sweep and generation not in bucket.generations):
            raise Fenced
        person = bucket.people.setdefault(say.key.person, _Person())
        before = person.record()
        present = person.devices.get(say.key.device)
        if say.device is None:
            if present is not None and present.generation == generation:
                del person.devices[say.key.device]
                if say.is_goodbye and person.record() != before and not self._is_believed(say.key):
                    person.devices[say.key.device] = present
                    return Told.lingers
        elif present is not None and newer(say.device, present) is present:
            return Told.superseded
        else:
            person.devices[say.key.device] = say.device
            if say.as_it_was and present is not None:
                person.devices[say.key.device] = say.device._replace(
                    attention=present.attention, room=present.room
                )
            person.profile = max(person.profile, say.profile)
        after = person.record()
        if not person.devices:
            del bucket.people[say.key.person]
        if after == before:
            return Told.done
        self._edge(number, say.key.person, after)
        if before.attention is None:
            return Told.in_
        return Told.out if after.attention is None else Told.done

    def _is_believed(self, key: Key) -> bool:
        before, at_ms = self._goodbyes.get(key.person, (0.0, self.now_ms))
        count = goodbyes(before, (self.now_ms - at_ms) / 1000)
        self._goodbyes[key.person] = count, self.now_ms
        return is_believed(count)

    def _edge(self, number: int, person: bytes, record: Record) -> None:
        bucket = self._buckets[number]
        assert bucket is not None
        bucket.number += 1
        bucket.edges.append(Edge(number, bucket.number, person, record))
        del bucket.edges[:-KEPT]

    async def show(self, person: bytes, profile: bytes) -> None:
        self._reached()
        bucket = self._buckets[bucket_of(person)]
        known = bucket.people.get(person) if bucket else None
        if known is not None and known.profile < profile:
            known.profile = profile
            self._edge(bucket_of(person), person, known.record())

    # Reading

    async def look(self, people: Collection[bytes]) -> Looked:
        self._reached()
        records: dict[bytes, Record] = {}
        positions: dict[int, Position] = {}
        for person in people:
            bucket = self._buckets[bucket_of(person)]
            positions[bucket_of(person)] = _position(bucket)
            if bucket is not None and person in bucket.people:
                records[person] = bucket.people[person].record()
        return Looked(records, positions)

    async def devices(self, people: Collection[bytes]) -> dict[bytes, dict[bytes, Device]]:
        self._reached()
        found = {}
        for person in people:
            bucket = self._buckets[bucket_of(person)]
            if bucket is not None and person in bucket.people and bucket.people[person].devices:
                found[person] = dict(bucket.people[person].devices)
        return found

    async def heads(self) -> list[Position]:
        self._reached()
        return [_position(bucket) for bucket in self._buckets]

    async def fresh(self, positions: Sequence[Position]) -> Fresh:
        self._reached()
        edges: list[Edge] = []
        doubted, lost = set(), False
        for number, (bucket, read) in enumerate(zip(self._buckets, positions, strict=True)):
            now = _position(bucket)
            found = [] if bucket is None else [e for e in bucket.edges if e.number > read.number]
            if not now.epoch or now.epoch != read.epoch or now.number < read.number:
                doubted.add(number)
                lost = True
            elif now.number > read.number + len(found):
                doubted.add(number)
            else:
                edges += found
        return Fresh(edges, frozenset(doubted), lost)

    # Sweeping

    async def sweep(self, generation: bytes, by: bytes) -> list[bytes] | None:
        self._reached()
        peer = self._register.get(generation)
        if peer is not None and peer.expires_ms > self.now_ms:
            return None
        holder, until = self._claims.get(generation, (by, 0))
        if holder != by and until > self.now_ms:
            return None
        out = []
        for bucket in self._buckets:
            if bucket is None:
                continue
            bucket.generations.discard(generation)
            for person, known in list(bucket.people.items()):
                for device in [d for d, c in known.devices.items() if c.generation == generation]:
                    say = Say(Key(person, device), None)
                    if self._say(generation, say, sweep=True) is Told.out:
                        out.append(person)
        self._register.pop(generation, None)
        return out

    async def unlisted(self) -> frozenset[bytes]:
        self._reached()
        known = {g for bucket in self._buckets if bucket for g in bucket.generations}
        return frozenset(known - self._register.keys())

    def _reached(self) -> None:
        if self.away:
            raise Unreachable


def _position(bucket: _Bucket | None) -> Position:
    return NOWHERE if bucket is None else Position(bucket.epoch, bucket.number)
