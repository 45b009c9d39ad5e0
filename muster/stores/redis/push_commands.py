"""The keys of a queue of pushes, its commands and what their replies mean (muster/stores/lua/push_*.lua).

Owns the form of jobs, receipts, dead letters and claims in Redis, and into how many buckets they hash. Must never do
I/O.
"""

from __future__ import annotations

from binascii import crc32
from collections.abc import Sequence
from functools import cache
from hashlib import sha1
from importlib.resources import files
from typing import Final, NamedTuple

from hiredis import pack_command

from muster.lanes import LaneTable
from muster.owed import Key
from muster.push_device import Provider
from muster.push_queue import (
    CLAIM_S,
    DEAD_DAYS,
    DEAD_MOST,
    HAND_S,
    REMEMBERED_S,
    Claim,
    Dead,
    Job,
    Priority,
    Sending,
    Wish,
)
from muster.stores.redis.wire import Reply

BUCKETS: Final = 16
"""A batch of 100 jobs is some six per bucket: more buckets cost more calls, fewer share work among fewer nodes."""

MOVED_MOST: Final = 100
"""Jobs that one call moves to the lanes: Redis does nothing else meanwhile, about half a millisecond."""

_HAND_MS: Final = int(HAND_S * 1000)
_CLAIM_MS: Final = int(CLAIM_S * 1000)
_REMEMBERED_MS: Final = int(REMEMBERED_S * 1000)
_DEAD_MS: Final = DEAD_DAYS * 86_400_000
_DEAD_PER_BUCKET: Final = DEAD_MOST // BUCKETS
_CLAIMS: Final = (Claim.mine, Claim.busy, Claim.sent, Claim.torn)
_LANES: Final = tuple(Priority)


class Script(NamedTuple):
    """A Lua script and the name Redis has for it."""

    body: bytes
    sha: bytes


class Scripts(NamedTuple):
    """All of the queue's."""

    put: Script
    move: Script
    done: Script
    bury: Script
    replay: Script
    depth: Script
    claim: Script
    release: Script


@cache
def scripts() -> Scripts:
    """Read once; all on a bucket begin with what a job is."""
    job = _lua("job")
    on_bucket = [job + _lua(n) for n in ("put", "move", "done", "bury", "replay", "depth")]
    bodies = (*on_bucket, _lua("claim"), _lua("release"))
    names = (
        sha1(body, usedforsecurity=False).hexdigest().encode() for body in bodies
    )  # Redis' own
    return Scripts(*(Script(*each) for each in zip(bodies, names, strict=True)))


def _lua(name: str) -> bytes:
    return files("muster.stores").joinpath(f"lua/push_{name}.lua").read_bytes()


def _pack(*parts: bytes | int) -> bytes:
    packed: bytes = pack_command(parts)  # type: ignore[arg-type]  # hiredis' stub knows one part
    return packed


def _run(script: Script, keys: Sequence[bytes], *args: bytes | int) -> bytes:
    return _pack(b"EVALSHA", script.sha, len(keys), *keys, *args)


NOW: Final = _pack(b"TIME")


class Waiting(NamedTuple):
    """What one look at a bucket told. `next_ms`: when something is due that is not yet; None: nothing is.

    `last`: per lane an id that nothing which comes later is before.
    """

    now_ms: int
    next_ms: int | None
    counts: tuple[int, int, int]
    last: tuple[bytes, bytes, bytes]


class PushKeys:
    """The keys of one provider's queue; all keys of a bucket are in one slot, buckets on slots far apart."""

    def __init__(self, provider: Provider, namespace: str = "muster") -> None:
        self.table = LaneTable(BUCKETS, namespace)
        heads = [tag + b":push:" + provider.encode() for tag in self.table.tags]
        names = (
            b"jobs",
            b"due0",
            b"due1",
            b"due2",
            b"lane0",
            b"lane1",
            b"lane2",
            b"dead",
            b"epoch",
        )
        self.buckets = tuple(tuple(head + b":" + name for name in names) for head in heads)
        self.lanes = tuple(keys[4:7] for keys in self.buckets)
        self.dead = tuple(keys[7] for keys in self.buckets)
        self.epochs = tuple(keys[8] for keys in self.buckets)
        self._claims = tuple(head + b":claim:" for head in heads)

    def claim(self, sending: Sending) -> bytes:
        """Who may send this, or that it was sent."""
        device, room, seq = sending
        return self._claims[claims_of(sending)] + device.bytes + room + seq.to_bytes(8, "big")


def bucket_of(key: Key) -> int:
    """The bucket of a job."""
    return crc32(key.room, crc32(key.person)) % BUCKETS


def claims_of(sending: Sending) -> int:
    """The bucket of a claim."""
    return crc32(sending.device.bytes) % BUCKETS


class PushCommands:
    """Commands on the keys of one queue."""

    def __init__(self, keys: PushKeys) -> None:
        self.keys = keys
        move = scripts().move
        self._moves = [_run(move, named, MOVED_MOST, b"") for named in keys.buckets]
        self._takes_over = [_run(move, named, MOVED_MOST, _HAND_MS) for named in keys.buckets]
        self.depths = [_run(scripts().depth, k) for k in keys.buckets]

    def put(self, bucket: int, wishes: Sequence[Wish]) -> bytes:
        args: list[bytes | int] = []
        for (person, room), priority, at_ms in wishes:
            args += (person + room, priority.value, at_ms)
        return _run(scripts().put, self.keys.buckets[bucket], *args)

    def move(self, bucket: int, *, take_over: bool) -> bytes:
        return (self._takes_over if take_over else self._moves)[bucket]

    def read(self, bucket: int, lane: int, most: int) -> bytes:
        """XREADGROUP of one lane."""
        stream = self.keys.lanes[bucket][lane]
        return _pack(
            b"XREADGROUP", b"GROUP", b"pushers", b"all", b"COUNT", most, b"STREAMS", stream, b">"
        )

    def follow(self, waiting: Sequence[Waiting], block_ms: int) -> bytes:
        """XREAD that returns when something comes to a lane after this look, or after so long."""
        streams = [stream for lanes in self.keys.lanes for stream in lanes]
        last = [last for look in waiting for last in look.last]
        return _pack(b"XREAD", b"COUNT", 1, b"BLOCK", block_ms, b"STREAMS", *streams, *last)

    def done(self, bucket: int, jobs: Sequence[tuple[Job, int | None]]) -> bytes:
        """Each is over, or to be looked at again at so many ms."""
        args: list[bytes | int] = []
        for ((person, room), priority, receipt, attempts), at_ms in jobs:
            args += (person + room, receipt[:1], receipt[1:])
            args += (b"", b"", b"") if at_ms is None else (at_ms, priority.value, attempts)
        return _run(scripts().done, self.keys.buckets[bucket], *args)

    def bury(self, bucket: int, job: Job, reason: str, notified: int) -> bytes:
        (person, room), priority, receipt, _ = job
        which = (person + room, receipt[:1], receipt[1:], priority.value, reason.encode())
        bounds = (_DEAD_PER_BUCKET, _DEAD_MS)
        return _run(scripts().bury, self.keys.buckets[bucket], *which, *bounds, notified)

    def dead(self, bucket: int, most: int) -> bytes:
        return _pack(b"XREVRANGE", self.keys.dead[bucket], b"+", b"-", b"COUNT", most)

    def replay(self, bucket: int, ids: Sequence[bytes]) -> bytes:
        return _run(scripts().replay, self.keys.buckets[bucket], *ids)

    def claim(self, sendings: Sequence[Sending], holder: bytes) -> bytes:
        keys = [self.keys.claim(sending) for sending in sendings]
        return _run(scripts().claim, keys, holder, _CLAIM_MS, _REMEMBERED_MS)

    def release(self, ended: Sequence[tuple[Sending, bool]], holder: bytes) -> bytes:
        keys = [self.keys.claim(sending) for sending, _ in ended]
        return _run(
            scripts().release, keys, holder, _REMEMBERED_MS, *(int(sent) for _, sent in ended)
        )

    def epoch(self, bucket: int, new: bytes) -> list[bytes]:
        """The epoch in force, which is the new one if there was none."""
        key = self.keys.epochs[bucket]
        return [_pack(b"SET", key, new, b"NX"), _pack(b"GET", key)]


def read_waiting(reply: Reply) -> Waiting:
    """What `move` answered."""
    now, next_ms, urgent, ordinary, silent, *last = reply
    counts = (urgent, ordinary, silent)
    return Waiting(int(now), int(next_ms) if next_ms else None, counts, tuple(last))


def read_jobs(lane: int, reply: Reply) -> list[Job]:
    """What `read` answered of a lane."""
    jobs = []
    for _, entries in reply or ():
        for written, (_, job) in entries:
            attempts = int(job[32:].partition(b" ")[0])
            key, receipt = Key(job[:16], job[16:32]), b"%d%b" % (lane, written)
            jobs.append(Job(key, _LANES[lane], receipt, attempts + 1))
    return jobs


def read_dead(bucket: int, reply: Reply, now_ms: int) -> list[Dead]:
    """What `dead` answered, but for what is too old by now."""
    letters = []
    for written, (_, key, _, _, _, reason, _, notified) in reply:
        at_ms = int(written.partition(b"-")[0])
        if at_ms > now_ms - _DEAD_MS:
            name = b"%d-%b" % (bucket, written)
            who = Key(key[:16], key[16:])
            letters.append(Dead(name, who, reason.decode(), at_ms, int(notified)))
    return letters


def read_claims(reply: Reply) -> list[Claim]:
    """What `claim` answered."""
    return [_CLAIMS[answer] for answer in reply]
