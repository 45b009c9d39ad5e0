"""The roll's keys, commands and what their replies mean (muster/stores/lua/presence_*.lua).

Owns the form of claims, records and edges in Redis. Must never do I/O.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from hashlib import sha1
from importlib.resources import files
from typing import Final, NamedTuple

from hiredis import pack_command

from muster.lanes import LaneTable
from muster.presence import ABSENT, Attention, Device, Profile, Record, unpacked
from muster.roll import BUCKETS, Edge, Peer, Register, Say, Told
from muster.stores.redis.wire import Reply

EDGES_KEPT: Final = 10_000
DEVICE_BYTES: Final = 16
"""Of the fields of a person's hash those so long are devices; the other is the profile."""

EDGES_PER_READ: Final = 256
CLAIM_MS: Final = 5_000
"""Who sweeps says so again with every bucket; who has died while sweeping is waited for so long."""

_TOLD: Final = (Told.done, Told.in_, Told.out, Told.superseded, Told.lingers)


class Script(NamedTuple):
    """A Lua script and the name Redis has for it."""

    body: bytes
    sha: bytes


class Scripts(NamedTuple):
    """All of the roll's."""

    say: Script
    look: Script
    profile: Script
    open: Script
    register: Script


@cache
def scripts() -> Scripts:
    """Read once; those that need it begin with the merge."""
    merge = _lua("merge")
    with_merge = [merge + _lua(name) for name in ("say", "look", "profile")]
    bodies = (*with_merge, _lua("open"), _lua("register"))
    names = (
        sha1(body, usedforsecurity=False).hexdigest().encode() for body in bodies
    )  # Redis' own
    return Scripts(*(Script(*each) for each in zip(bodies, names, strict=True)))


def _lua(name: str) -> bytes:
    return files("muster.stores").joinpath(f"lua/presence_{name}.lua").read_bytes()


def _pack(*parts: bytes | int) -> bytes:
    packed: bytes = pack_command(parts)  # type: ignore[arg-type]  # hiredis' stub knows one part
    return packed


def _run(script: Script, keys: Sequence[bytes], *args: bytes | int) -> bytes:
    return _pack(b"EVALSHA", script.sha, len(keys), *keys, *args)


class RollKeys:
    """The keys of one installation's roll; all keys of a bucket are in one slot, buckets on slots far apart."""

    def __init__(self, namespace: str = "muster") -> None:
        self.table = LaneTable(BUCKETS, namespace)
        self.buckets = tuple(tag + b":roll" for tag in self.table.tags)
        self.edges = tuple(tag + b":edges" for tag in self.table.tags)
        self.bucket_of_edges = {stream: bucket for bucket, stream in enumerate(self.edges)}
        self.register = (self.table.tags[0] + b":hubs", self.table.tags[0] + b":sweeps")

    def devices(self, bucket: int, generation: bytes) -> bytes:
        """The devices of one generation in one bucket."""
        return self.table.tags[bucket] + b":hub:" + generation

    def goodbyes(self, bucket: int, person: bytes) -> bytes:
        """How often somebody has said goodbye."""
        return self.table.tags[bucket] + b":byes:" + person

    def person(self, bucket: int, person: bytes) -> bytes:
        """Somebody's devices."""
        return self.table.tags[bucket] + b":person:" + person


class RollCommands:
    """Commands on the keys of one installation."""

    def __init__(self, keys: RollKeys) -> None:
        self.keys = keys

    def say(self, bucket: int, generation: bytes, says: Sequence[Say], *, sweep: bool) -> bytes:
        keys = self.keys
        people = [keys.person(bucket, say.key.person) for say in says]
        people += [keys.goodbyes(bucket, say.key.person) for say in says if say.is_goodbye]
        args: list[bytes] = []
        for say in says:
            args += [say.key.person, say.key.device, _claim_of(say), say.profile]
        shared = [keys.buckets[bucket], keys.edges[bucket], keys.devices(bucket, generation)]
        how = b"sweep" if sweep else b"say"
        return _run(scripts().say, shared + people, generation, how, EDGES_KEPT, *args)

    def look(self, bucket: int, people: Sequence[bytes]) -> bytes:
        keys = [self.keys.person(bucket, person) for person in people]
        return _run(scripts().look, [self.keys.buckets[bucket], *keys])

    def devices_of(self, bucket: int, person: bytes) -> bytes:
        return _pack(b"HGETALL", self.keys.person(bucket, person))

    def profile(self, bucket: int, person: bytes, profile: bytes) -> bytes:
        keys = self.keys
        named = [keys.buckets[bucket], keys.edges[bucket], keys.person(bucket, person)]
        return _run(scripts().profile, named, EDGES_KEPT, person, profile)

    def open(self, bucket: int, generation: bytes, epoch: bytes) -> bytes:
        keys = [self.keys.buckets[bucket], self.keys.edges[bucket]]
        return _run(scripts().open, keys, generation, epoch)

    def register(
        self, what: bytes, generation: bytes, hub: bytes, in_ms: int = 0, state: bytes = b"n"
    ) -> bytes:
        return _run(scripts().register, self.keys.register, what, generation, hub, in_ms, state)

    def whole_register(self) -> bytes:
        """The register, by a server that may not have the script yet."""
        script, keys = scripts().register, self.keys.register
        return _pack(b"EVAL", script.body, len(keys), *keys, b"look", b"", b"", 0, b"n")

    def fence(self, bucket: int, generation: bytes) -> bytes:
        """Nothing of this generation is taken from now on."""
        return _pack(b"HDEL", self.keys.buckets[bucket], b"g" + generation)

    def some_devices(self, bucket: int, generation: bytes, count: int) -> bytes:
        return _pack(b"SRANDMEMBER", self.keys.devices(bucket, generation), count)

    def head(self, bucket: int) -> bytes:
        return _pack(b"HMGET", self.keys.buckets[bucket], b"epoch", b"n")

    def fields(self, bucket: int) -> bytes:
        return _pack(b"HKEYS", self.keys.buckets[bucket])

    def after(self, buckets: Sequence[int], numbers: Sequence[int]) -> bytes:
        """XREAD of several buckets that one node may read together."""
        streams = [self.keys.edges[bucket] for bucket in buckets]
        ids = [b"%d-0" % number for number in numbers]
        return _pack(b"XREAD", b"COUNT", EDGES_PER_READ, b"STREAMS", *streams, *ids)

    def read_edges(self, reply: Reply) -> list[Edge]:
        """What `after` brought, bucket by bucket, each in order."""
        edges = []
        for stream, entries in reply or ():
            bucket = self.keys.bucket_of_edges[stream]
            for written, fields in entries:
                number = int(written.partition(b"-")[0])
                person, record = fields[1][:16], record_of(fields[1][16:])
                edges.append(Edge(bucket, number, person, record))
        return edges


def read_told(reply: Reply) -> list[Told] | None:
    """What became of each saying; None if the generation is not known."""
    return None if reply is None else [_TOLD[answer] for answer in reply]


def read_register(reply: Reply) -> tuple[bool, Register]:
    """Whether it was done, and the register."""
    done, now, *rest = reply
    peers = []
    for generation, value in zip(rest[::2], rest[1::2], strict=True):
        state = value[16:17]
        expires_ms = 0 if state == b"x" else int(value[17:])
        peers.append(Peer(value[:16], generation, state == b"s", expires_ms))
    return bool(done), Register(int(now), tuple(sorted(peers)))


def _claim_of(say: Say) -> bytes:
    if say.device is None:
        return b"g" if say.is_goodbye else b""
    return claim_of(say.device, b"=" if say.as_it_was else say.device.attention.value.encode())


def claim_of(device: Device, attention: bytes) -> bytes:
    """A device as it stands in Redis."""
    return device.generation + attention + b"%014d" % device.stamp_ms + (device.room or b"")


def device_of(claim: bytes) -> Device:
    """The reverse of `claim_of`."""
    attention = Attention(claim[16:17].decode())
    return Device(claim[:16], attention, int(claim[17:31]), claim[31:] or None)


def devices_in(fields: Reply) -> dict[bytes, Device]:
    """Somebody's devices by id, as `devices_of` brings them."""
    pairs = zip(fields[::2], fields[1::2], strict=True)
    return {name: device_of(claim) for name, claim in pairs if len(name) == DEVICE_BYTES}


def record_of(written: bytes) -> Record:
    """A record as the scripts write it; the profile by the release that wrote it."""
    if not written:
        return ABSENT
    count = written[1]
    rooms = tuple(written[2 + 16 * i : 18 + 16 * i] for i in range(count))
    profile = written[2 + 16 * count :]
    try:
        attention = Attention(written[:1].decode())
    except ValueError:  # of a newer release
        attention = Attention.background
    return Record(attention, rooms, unpacked(profile) if profile else Profile())
