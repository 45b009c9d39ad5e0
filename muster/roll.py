"""The roll: who is in, over all hubs, as Redis keeps it for as long as hubs renew their leases.

    hub --put, leave--> roll --edges, in order of each bucket--> every hub that watches somebody

People hash to 64 buckets, each in one Cluster slot. A call on a bucket is atomic: of two devices that come at once
exactly one makes the edge, and so of two that go. Every change of what somebody's presence is taken together is an
**edge**: numbered per bucket, without holes, written in the same call that changes it. So a reader that has all
numbers has everything, and one that has not knows it (`Fresh.doubted`), and looks again.

What may go wrong, and who makes up for it:

- A hub dies: its generation's lease runs out (LEASE_MS after the last renewal) and any other hub sweeps it, bucket
  by bucket, each device only if it still belongs to that generation. Sweeping twice, or from two hubs, does no harm.
- A hub sleeps and wakes late: its generation is dead, every call of it raises `Fenced`; it registers a new one.
- Redis loses everything, or fails over to a replica that lagged: readers are told `lost`, hubs register anew.
- Redis does not answer: `Unreachable`; nothing is known of the outcome, and saying the same again does no harm.

Owns these contracts alone. stores/redis keeps the roll in Redis, tests/fakes/roll.py in memory; both pass
tests/contracts/test_roll.py.
"""

from __future__ import annotations

from binascii import crc32
from collections.abc import Collection, Sequence
from enum import Enum
from typing import Final, NamedTuple, Protocol

from muster.devices import Key
from muster.presence import Device, Record

BUCKETS: Final = 64
LEASE_MS: Final = 30_000
RENEW_S: Final = 10.0
"""Two renewals may fail before a lease runs out."""


class Unreachable(Exception):
    """Redis did not answer as it should; what was asked may have been done or not."""


class Fenced(Exception):
    """This generation is not, or no longer, on the register: what it says counts for nothing."""


class Told(Enum):
    """What became of one saying.

    in_, out: with it the person came in, or went out. superseded: the device came to another hub since. lingers: a
    goodbye that is not believed, for there were too many (muster/damping.py); nothing has changed.
    """

    done = "done"
    in_ = "in"
    out = "out"
    superseded = "superseded"
    lingers = "lingers"


class Say(NamedTuple):
    """What a hub says of one device; no `device`: it is out.

    `is_goodbye`: its person says so. `as_it_was`: the attention and room that the roll knows of it, if it knows it, go
    on: who has just come back has not said yet what they look at.
    """

    key: Key
    device: Device | None
    profile: bytes = b""
    is_goodbye: bool = False
    as_it_was: bool = False


class Position(NamedTuple):
    """How far a bucket was read. An epoch is one creation of a bucket; an empty one: nothing is known yet."""

    epoch: bytes
    number: int


NOWHERE: Final = Position(b"", 0)


class Edge(NamedTuple):
    """Somebody's presence changed: it is `record` now."""

    bucket: int
    number: int
    person: bytes
    record: Record


class Fresh(NamedTuple):
    """What one reading of all buckets brought: edges in order, and buckets about which there is doubt.

    `lost`: what hubs said may be gone too, and they have to say it again; else only edges were missed.
    """

    edges: list[Edge]
    doubted: frozenset[int]
    lost: bool


class Looked(NamedTuple):
    """Records of people, as of `positions` of their buckets; who is not named is absent."""

    records: dict[bytes, Record]
    positions: dict[int, Position]


class Peer(NamedTuple):
    """A generation on the register. `settled`: everything its hub knew has been said.

    One whose lease's end is 0 is dead for good, and being swept.
    """

    hub: bytes
    generation: bytes
    settled: bool
    expires_ms: int


class Register(NamedTuple):
    """The register as one renewal found it; `now_ms` by Redis' clock."""

    now_ms: int
    peers: tuple[Peer, ...]


def bucket_of(person: bytes) -> int:
    """The bucket of a person: crc32 of their 16 bytes."""
    return crc32(person) % BUCKETS


class Roll(Protocol):
    """Raises `Unreachable` within a second or two, whatever happens. Calls may overlap."""

    async def enter(self, hub: bytes, generation: bytes) -> Register:
        """Put a new generation on the register."""
        ...

    async def renew(self, generation: bytes, *, settled: bool) -> Register:
        """Renew the lease, also one that ran out and nobody has swept yet. Raises `Fenced`."""
        ...

    async def retire(self, generation: bytes, in_ms: int) -> None:
        """Let the lease run out after `in_ms`: the hub goes, its people may come back elsewhere."""
        ...

    async def say(self, generation: bytes, says: Sequence[Say]) -> list[Told]:
        """Say this of devices, atomically for each; what became of each. Raises `Fenced`: some may be done."""
        ...

    async def show(self, person: bytes, profile: bytes) -> None:
        """Somebody wants others to see something else of them; nothing happens while no device of theirs is in."""
        ...

    async def look(self, people: Collection[bytes]) -> Looked:
        """These people now."""
        ...

    async def devices(self, people: Collection[bytes]) -> dict[bytes, dict[bytes, Device]]:
        """The devices of these people by id, each as a hub last said it; who has none in is not named."""
        ...

    async def heads(self) -> list[Position]:
        """Where every bucket stands. What is fresh after them has not happened yet."""
        ...

    async def fresh(self, positions: Sequence[Position]) -> Fresh:
        """What came after these positions, one per bucket; of each no more than a few hundred edges at once."""
        ...

    async def sweep(self, generation: bytes, by: bytes) -> list[bytes] | None:
        """Take everything of a dead generation out, and then itself off the register; the people who went out.

        None: it is alive after all, or somebody other than `by` is at it.
        """
        ...

    async def unlisted(self) -> frozenset[bytes]:
        """Generations that some bucket knows and the register does not: nobody renews them."""
        ...
