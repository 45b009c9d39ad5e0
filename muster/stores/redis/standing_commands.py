"""The keys of standings, their commands and what their replies mean (muster/stores/lua/standing_*.lua).

Owns the form of standings and keys in Redis, and into how many buckets people hash. Must never do I/O.
"""

from __future__ import annotations

from binascii import crc32
from collections.abc import Sequence
from functools import cache
from hashlib import sha1
from importlib.resources import files
from typing import Final, NamedTuple
from uuid import UUID

from hiredis import pack_command

from muster.ids import PersonId, RoomId
from muster.lanes import LaneTable
from muster.standing import HAND_S, Due, Kept, Key, Move
from muster.stores.redis.commands import TIME as TIME  # noqa: PLC0414  # one of those asked here
from muster.stores.redis.wire import Reply

BUCKETS: Final = 64
_OPEN: Final = b"!"
_VERSION: Final = 16
_HEAD: Final = 32


class Script(NamedTuple):
    """A Lua script and the name Redis has for it."""

    body: bytes
    sha: bytes


class Scripts(NamedTuple):
    """All about standings."""

    move: Script
    due: Script
    open: Script


@cache
def scripts() -> Scripts:
    """Read once."""
    bodies = [
        files("muster.stores").joinpath(f"lua/standing_{name}.lua").read_bytes()
        for name in Scripts._fields
    ]
    names = (
        sha1(body, usedforsecurity=False).hexdigest().encode() for body in bodies
    )  # Redis' own
    return Scripts(*(Script(*each) for each in zip(bodies, names, strict=True)))


def bucket_of(person: PersonId) -> int:
    """The bucket of a person: crc32 of their 16 bytes."""
    return crc32(person.bytes) % BUCKETS


def _pack(*parts: bytes | int) -> bytes:
    packed: bytes = pack_command(parts)  # type: ignore[arg-type]  # hiredis' stub knows one part
    return packed


class StandingKeys:
    """The keys of one installation; all keys of a bucket are in one slot, buckets on slots far apart."""

    def __init__(self, namespace: str = "muster") -> None:
        self.table = LaneTable(BUCKETS, namespace)
        self.epochs = tuple(tag + b":standings" for tag in self.table.tags)
        self.due = tuple(tag + b":standings:due" for tag in self.table.tags)

    def person(self, bucket: int, person: PersonId) -> bytes:
        """Somebody's standings."""
        return self.table.tags[bucket] + b":standing:" + person.bytes


class StandingCommands:
    """Commands on the keys of one installation."""

    def __init__(self, keys: StandingKeys) -> None:
        self.keys = keys

    def epoch(self, bucket: int) -> bytes:
        return _pack(b"GET", self.keys.epochs[bucket])

    def load(self, bucket: int, person: PersonId) -> bytes:
        return _pack(b"HGETALL", self.keys.person(bucket, person))

    def move(self, bucket: int, moves: Sequence[Move], *, closed: bool) -> bytes:
        keys = self.keys
        named = [keys.epochs[bucket], keys.due[bucket]]
        named += [keys.person(bucket, move.key.person) for move in moves]
        args: list[bytes | int] = [b"closed" if closed else b"open"]
        for (person, room), version, state, keep_until_ms, due_ms in moves:
            due = b"" if due_ms is None else due_ms
            args += [person.bytes, room.bytes, version, state, keep_until_ms, due]
        return _run(scripts().move, named, *args)

    def take_due(self, bucket: int, most: int) -> bytes:
        keys = [self.keys.epochs[bucket], self.keys.due[bucket]]
        return _run(scripts().due, keys, most, int(HAND_S * 1000))

    def begin(self, bucket: int, mark: bytes) -> bytes:
        return _run(scripts().open, [self.keys.epochs[bucket]], b"begin", mark)

    def finish(self, bucket: int, mark: bytes) -> bytes:
        return _run(scripts().open, [self.keys.epochs[bucket]], b"finish", mark)


def _run(script: Script, keys: Sequence[bytes], *args: bytes | int) -> bytes:
    return _pack(b"EVALSHA", script.sha, len(keys), *keys, *args)


def is_open(epoch: Reply) -> bool:
    """Whether a bucket with this epoch has all that it should."""
    return epoch is not None and epoch[:1] == _OPEN


def read_kept(reply: Reply, now_ms: int) -> dict[RoomId, Kept]:
    """Somebody's standings, as `load` brings them, but for what has outlived its time."""
    pairs = zip(reply[::2], reply[1::2], strict=True)
    return {
        RoomId(UUID(bytes=room)): Kept(int(value[:_VERSION]), value[_HEAD:])
        for room, value in pairs
        if int(value[_VERSION:_HEAD]) > now_ms
    }


def ms(time: Sequence[bytes]) -> int:
    """Redis' clock, as TIME answers."""
    return int(time[0]) * 1000 + int(time[1]) // 1000


def read_due(reply: Reply) -> Due:
    """Whose time has come, as `take_due` brings them; nobody's where the bucket is not open."""
    if reply is None:
        return Due([], 0)
    late_ms, *members = reply
    return Due(
        [Key(PersonId(UUID(bytes=m[:16])), RoomId(UUID(bytes=m[16:]))) for m in members],
        int(late_ms),
    )
