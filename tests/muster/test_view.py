"""Snapshot and diffs are a fresh snapshot, whatever happens between."""

from __future__ import annotations

import asyncio
import random

from hypothesis import given, settings
from hypothesis import strategies as st

from muster.devices import Key
from muster.presence import ABSENT, Attention, Device, Profile, Record, packed
from muster.roll import Edge, Looked, Position, Say, bucket_of
from muster.view import View
from tests.fakes.roll import FakeRoll

PEOPLE = [bytes([n]) * 16 for n in range(6)]
HUBS = [bytes([100 + n]) * 16 for n in range(2)]


class Reader:
    """A hub that watches everybody, one person after the other, as realtime/rollcall.py does it."""

    def __init__(self, roll: FakeRoll) -> None:
        self.roll = roll
        self.view = View()
        self.positions: list[Position] = []
        self.client: dict[bytes, Record] = {}
        self.watching: list[bytes] = []

    def watch(self, person: bytes) -> None:
        if person not in self.watching:
            self.watching.append(person)
            self.view.watch(person)

    def unwatch(self, person: bytes) -> None:
        if person in self.watching:
            self.watching.remove(person)
            self.view.unwatch(person)
            self.client.pop(person, None)

    async def read(self) -> None:
        fresh = await self.roll.fresh(self.positions)
        for edge in fresh.edges:
            self.positions[edge.bucket] = self.positions[edge.bucket]._replace(number=edge.number)
            self.view.edge(edge)
        if fresh.doubted:
            heads = await self.roll.heads()
            for bucket in fresh.doubted:
                self.positions[bucket] = heads[bucket]
            self.view.doubt(fresh.doubted)

    async def look(self, most: int) -> None:
        asked = self.view.unlooked(most)
        self.view.looked(asked, await self.roll.look(asked))

    def tell(self) -> None:
        for person in self.watching:
            if person not in self.client and person not in self.view.unlooked(100):
                self.client[person] = self.view.told(person)
        for change in self.view.changes():
            if change.person in self.client:
                assert self.client[change.person] == change.before, (
                    "a diff fits what it is put upon"
                )
                self.client[change.person] = change.after


async def play(seed: int) -> None:
    rng = random.Random(seed)
    roll = FakeRoll()
    generations: dict[bytes, bytes] = {}
    number = 0

    async def enter(hub: bytes) -> None:
        nonlocal number
        number += 1
        generations[hub] = b"%016d" % number
        await roll.enter(hub, generations[hub])

    for hub in HUBS:
        await enter(hub)
    reader = Reader(roll)
    reader.positions = await roll.heads()
    for step in range(rng.randrange(5, 120)):
        hub, person = rng.choice(HUBS), rng.choice(PEOPLE)
        device = rng.choice((b"x" * 16, b"y" * 16))
        what = rng.random()
        if what < 0.5:
            claim = Device(generations[hub], rng.choice(list(Attention)), step)
            profile = packed(Profile(rng.randrange(3), text=str(step)))
            said = Say(Key(person, device), rng.choice((claim, claim, None)), profile)
            await roll.say(generations[hub], [said])
        elif what < 0.6:
            reader.watch(person)
        elif what < 0.65:
            reader.unwatch(person)
        elif what < 0.85:
            await reader.read()
        elif what < 0.93:
            await reader.look(rng.randrange(1, 4))
        elif what < 0.98:
            reader.tell()
        else:
            roll.lose()
            for each in HUBS:
                await enter(each)
    await reader.read()
    await reader.read()
    await reader.look(100)
    reader.tell()
    fresh = (await roll.look(PEOPLE)).records
    for person in reader.watching:
        assert reader.client[person] == fresh.get(person, ABSENT)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**32))
def test_snapshot_and_diffs_are_a_fresh_snapshot(seed: int) -> None:
    """People come, go and change over two hubs, the roll loses everything, watches begin and end."""
    asyncio.run(play(seed))


def test_what_was_undone_before_it_was_told_is_no_change() -> None:
    """Nothing was told meanwhile: they were never away."""
    view = View()
    view.watch(PEOPLE[0])
    view.looked([PEOPLE[0]], _looked())
    there = Record(Attention.active, (), Profile())
    bucket = bucket_of(PEOPLE[0])
    view.edge(Edge(bucket, 2, PEOPLE[0], there))
    view.edge(Edge(bucket, 3, PEOPLE[0], ABSENT))
    assert not list(view.changes())


def _looked() -> Looked:
    return Looked({}, {bucket_of(PEOPLE[0]): Position(b"e", 1)})
