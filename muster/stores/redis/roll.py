"""The roll in Redis (muster/roll.py): one Lua call per bucket, all of one node in one pipeline.

Owns which bucket is asked what. What is said goes by one wire per node and what is read by another, so that a
sweep holds up no reader. Must never decide when to sweep or to register: realtime/presence.py does.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence
from typing import Final, TypeVar

from muster.devices import Key
from muster.presence import Device, Record
from muster.roll import (
    BUCKETS,
    LEASE_MS,
    NOWHERE,
    Fenced,
    Fresh,
    Looked,
    Position,
    Register,
    Say,
    Told,
    bucket_of,
)
from muster.stores.redis.asking import Asking
from muster.stores.redis.nodes import Nodes, nodes_at
from muster.stores.redis.roll_commands import (
    CLAIM_MS,
    RollCommands,
    RollKeys,
    devices_in,
    read_register,
    read_told,
    record_of,
    scripts,
)
from muster.stores.redis.wire import Reply

PER_CALL: Final = 100
"""Sayings or people in one call of a script: Redis does nothing else meanwhile, about a millisecond."""

_REGISTER: Final = 0
"""The register is in the slot of the first bucket."""

_ALL: Final = range(BUCKETS)
_T = TypeVar("_T")


class RedisRoll:
    """See `muster.roll.Roll`."""

    def __init__(self, nodes: Nodes, keys: RollKeys, rng: random.Random) -> None:
        """`nodes` are of `keys.table`."""
        self._commands = RollCommands(keys)
        bodies = [script.body for script in scripts()]
        self._says = Asking(nodes, bodies)
        self._reads = Asking(nodes, bodies)
        self._groups = nodes.groups
        self._rng = rng
        self._who: list[bytes] = [b""] * BUCKETS

    # The register

    async def enter(self, hub: bytes, generation: bytes) -> Register:
        # On the register first: what only a bucket knows, nobody would sweep.
        entered = await self._registered(b"enter", generation, hub, LEASE_MS, b"n")
        epoch = b"%016x" % self._rng.getrandbits(64)
        commands = self._commands
        await self._says.ask({b: [commands.open(b, generation, epoch)] for b in _ALL})
        return entered[1]

    async def renew(self, generation: bytes, *, settled: bool) -> Register:
        state = b"s" if settled else b"n"
        done, register = await self._registered(b"renew", generation, b"", LEASE_MS, state)
        if not done:
            raise Fenced
        return register

    async def retire(self, generation: bytes, in_ms: int) -> None:
        await self._registered(b"retire", generation, b"", in_ms)

    async def _registered(
        self, what: bytes, generation: bytes, hub: bytes, in_ms: int = 0, state: bytes = b"n"
    ) -> tuple[bool, Register]:
        command = self._commands.register(what, generation, hub, in_ms, state)
        answered = await self._says.ask({_REGISTER: [command]})
        return read_register(answered[_REGISTER][0])

    # Saying

    async def say(self, generation: bytes, says: Sequence[Say]) -> list[Told]:
        return await self._said(generation, says, sweep=False)

    async def show(self, person: bytes, profile: bytes) -> None:
        bucket = bucket_of(person)
        await self._says.ask({bucket: [self._commands.profile(bucket, person, profile)]})

    async def _said(self, generation: bytes, says: Sequence[Say], *, sweep: bool) -> list[Told]:
        shares: dict[int, list[int]] = {}
        for i, say in enumerate(says):
            shares.setdefault(bucket_of(say.key.person), []).append(i)
        asked = {
            bucket: [
                self._commands.say(bucket, generation, [says[i] for i in part], sweep=sweep)
                for part in _parts(share)
            ]
            for bucket, share in shares.items()
        }
        answered = await self._says.ask(asked) if asked else {}
        told: dict[int, Told] = {}
        for bucket, replies in answered.items():
            for part, reply in zip(_parts(shares[bucket]), replies, strict=True):
                outcomes = read_told(reply)
                if outcomes is None:
                    raise Fenced
                told.update(zip(part, outcomes, strict=True))
        return [told[i] for i in range(len(says))]

    # Reading

    async def look(self, people: Collection[bytes]) -> Looked:
        shares: dict[int, list[bytes]] = {}
        for person in people:
            shares.setdefault(bucket_of(person), []).append(person)
        commands = self._commands
        asked = {
            bucket: [commands.look(bucket, part) for part in _parts(share)]
            for bucket, share in shares.items()
        }
        answered = await self._reads.ask(asked) if asked else {}
        records: dict[bytes, Record] = {}
        positions: dict[int, Position] = {}
        for bucket, replies in answered.items():
            for part, (epoch, number, *written) in zip(
                _parts(shares[bucket]), replies, strict=True
            ):
                # The oldest of several: what came between them is told again, and told as it is.
                positions.setdefault(bucket, Position(epoch, number))
                pairs = zip(part, written, strict=True)
                records.update({person: record_of(data) for person, data in pairs if data})
        return Looked(records, positions)

    async def devices(self, people: Collection[bytes]) -> dict[bytes, dict[bytes, Device]]:
        shares: dict[int, list[bytes]] = {}
        for person in people:
            shares.setdefault(bucket_of(person), []).append(person)
        commands = self._commands
        asked = {
            bucket: [commands.devices_of(bucket, person) for person in share]
            for bucket, share in shares.items()
        }
        answered = await self._reads.ask(asked) if asked else {}
        return {
            person: found
            for bucket, replies in answered.items()
            for person, reply in zip(shares[bucket], replies, strict=True)
            if (found := devices_in(reply))
        }

    async def heads(self) -> list[Position]:
        answered = await self._reads.ask({b: [self._commands.head(b)] for b in _ALL})
        self._who = [self._reads.who(bucket) for bucket in _ALL]
        return [_position(answered[bucket][0]) for bucket in _ALL]

    async def fresh(self, positions: Sequence[Position]) -> Fresh:
        commands = self._commands
        asked: dict[int, list[bytes]] = {}
        for group in self._groups:
            for bucket in group:
                asked[bucket] = [commands.head(bucket)]
            # Behind all heads of the group: what is before a head that was seen is read.
            asked[group[-1]].append(commands.after(group, [positions[b].number for b in group]))
        answered = await self._reads.ask(asked)
        edges = [
            edge for group in self._groups for edge in commands.read_edges(answered[group[-1]][1])
        ]
        first: dict[int, int] = {}
        for edge in edges:
            first.setdefault(edge.bucket, edge.number)
        now = [_position(answered[bucket][0]) for bucket in _ALL]
        lost = {b for b in _ALL if self._is_lost(b, positions[b], now[b])}
        missed = {b for b in _ALL if _is_missed(positions[b], now[b], first.get(b))}
        doubted = frozenset(lost | missed)
        return Fresh([edge for edge in edges if edge.bucket not in doubted], doubted, bool(lost))

    def _is_lost(self, bucket: int, read: Position, now: Position) -> bool:
        if not now.epoch or now.epoch != read.epoch or now.number < read.number:
            return True
        # Another process answers: it may have lost the newest, and gone on from there.
        return self._reads.who(bucket) != self._who[bucket]

    # Sweeping

    async def sweep(self, generation: bytes, by: bytes) -> list[bytes] | None:
        commands = self._commands
        out: list[bytes] = []
        for bucket in _ALL:
            done, _ = await self._registered(b"claim", generation, by, CLAIM_MS)
            if not done:
                return None
            await self._says.ask({bucket: [commands.fence(bucket, generation)]})
            while some := await self._some(bucket, generation):
                says = [Say(Key(member[:16], member[16:]), None) for member in some]
                told = await self._said(generation, says, sweep=True)
                out += [s.key.person for s, t in zip(says, told, strict=True) if t is Told.out]
        await self._registered(b"strike", generation, by)
        return out

    async def _some(self, bucket: int, generation: bytes) -> list[bytes]:
        command = self._commands.some_devices(bucket, generation, PER_CALL)
        answered = await self._says.ask({bucket: [command]})
        some: list[bytes] = answered[bucket][0]
        return some

    async def unlisted(self) -> frozenset[bytes]:
        commands = self._commands
        known = await self._says.ask({b: [commands.fields(b)] for b in _ALL})
        # The register afterwards: who enters is there before any bucket knows them.
        _, register = await self._registered(b"look", b"", b"")
        listed = {peer.generation for peer in register.peers}
        fields = {field for replies in known.values() for field in replies[0]}
        return frozenset(f[1:] for f in fields if f[:1] == b"g" and f[1:] not in listed)

    async def close(self) -> None:
        """Let go of every connection."""
        await self._says.close()
        await self._reads.close()


def roll_at(url: str, cluster: bool, rng: random.Random, namespace: str = "muster") -> RedisRoll:
    """The roll on the Redis that MUSTER_REDIS_URL and MUSTER_REDIS_CLUSTER name."""
    keys = RollKeys(namespace)
    return RedisRoll(nodes_at(url, cluster, keys.table, rng), keys, rng)


def _parts(items: Sequence[_T]) -> list[Sequence[_T]]:
    return [items[at : at + PER_CALL] for at in range(0, len(items), PER_CALL)]


def _is_missed(read: Position, now: Position, first: int | None) -> bool:
    return now.number > read.number if first is None else first != read.number + 1


def _position(reply: Reply) -> Position:
    epoch, number = reply
    return NOWHERE if epoch is None else Position(epoch, int(number or 0))
