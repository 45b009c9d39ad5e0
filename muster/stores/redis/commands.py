"""The commands of the bus as bytes, and what their replies mean.

Owns the form of a stream entry: the field `e` holds a packed lane entry, the field `o` announces
the epoch of a stream just made. Must never do I/O.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Final

from hiredis import pack_command
from redis.exceptions import ResponseError

from muster.doubt import EntryId, Observed
from muster.stores.redis.wire import Reply

ENTRY_FIELD: Final = b"e"
EPOCH_FIELD: Final = b"o"
_NO_KEY: Final = "no such key"


def _pack(*parts: bytes | int) -> bytes:
    packed: bytes = pack_command(parts)  # type: ignore[arg-type]  # hiredis' stub knows one part
    return packed


TIME: Final = _pack(b"TIME")
CLUSTER_SLOTS: Final = _pack(b"CLUSTER", b"SLOTS")
_WHO: Final = (_pack(b"INFO", b"server"), _pack(b"INFO", b"replication"))


def add(stream: bytes, max_len: int, packed: bytes) -> bytes:
    """XADD to a stream that exists; answers nil where it does not."""
    return _pack(
        b"XADD", stream, b"NOMKSTREAM", b"MAXLEN", b"~", max_len, b"*", ENTRY_FIELD, packed
    )


def create(stream: bytes, epoch_key: bytes, epoch: bytes) -> bytes:
    """Make the lane unless it exists (stores/lua/lane_create.lua)."""
    return _pack(b"EVAL", _script(), 2, stream, epoch_key, epoch, EPOCH_FIELD)


def read(streams: Sequence[bytes], cursors: Sequence[bytes], count: int, block_ms: int) -> bytes:
    """XREAD: what comes after the cursors, at most `count` of each stream."""
    return _pack(b"XREAD", b"COUNT", count, b"BLOCK", block_ms, b"STREAMS", *streams, *cursors)


def newest(stream: bytes) -> bytes:
    """XREVRANGE of the last entry kept."""
    return _pack(b"XREVRANGE", stream, b"+", b"-", b"COUNT", 1)


def trim(stream: bytes, oldest: EntryId) -> bytes:
    """XTRIM what is older, roughly."""
    return _pack(b"XTRIM", stream, b"MINID", b"~", written(oldest))


def look(streams: Sequence[bytes], epochs: Sequence[bytes]) -> list[bytes]:
    """What `seen` understands: who answers, then each lane's epoch and state."""
    commands = list(_WHO)
    for stream, epoch in zip(streams, epochs, strict=True):
        commands.append(_pack(b"GET", epoch))
        commands.append(_pack(b"XINFO", b"STREAM", stream))
    return commands


def seen(replies: Sequence[Reply]) -> list[Observed | None]:
    """The lanes as `look` found them, None for one that is missing. Raises a refusal."""
    run_id = _line(replies[0], b"run_id")
    replid = _line(replies[1], b"master_replid")
    found: list[Observed | None] = []
    for epoch, info in zip(replies[2::2], replies[3::2], strict=True):
        if isinstance(epoch, ResponseError):
            raise epoch
        if isinstance(info, ResponseError):
            if _NO_KEY not in str(info):
                raise info
            found.append(None)
        elif epoch is None:
            found.append(None)
        else:
            facts = dict(zip(info[::2], info[1::2], strict=True))
            oldest = facts[b"first-entry"]
            first = entry_id(oldest[0]) if oldest is not None else None
            last = entry_id(facts[b"last-generated-id"])
            found.append(Observed(run_id, replid, epoch, last, first))
    return found


def entry_id(written: bytes) -> EntryId:
    """`1714979289123-0` as numbers, which compare as Redis compares them."""
    ms, _, n = written.partition(b"-")
    return EntryId(int(ms), int(n))


def written(entry: EntryId) -> bytes:
    """The reverse of `entry_id`."""
    return b"%d-%d" % entry


@cache
def _script() -> bytes:
    return files("muster.stores").joinpath("lua/lane_create.lua").read_bytes()


def _line(info: Reply, name: bytes) -> bytes:
    if isinstance(info, ResponseError):
        raise info
    for line in info.splitlines():
        key, _, value = line.partition(b":")
        if key == name:
            return bytes(value)
    return b""
