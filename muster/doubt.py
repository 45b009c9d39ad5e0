"""When a reader of a lane must doubt that it saw everything.

Redis never says that entries are gone: a read after trimming, after a restart without its data or
after a failover to a replica that lagged just goes on with what is there. So a tail looks at the
lane about every second, always before it reads on after a pause, and compares.

Owns this comparison, pure. It may doubt without need, which costs a comparison of heads; it must
never fail to doubt when an entry that was not read is gone, be it from between two reads since the
last look, either of which hides it from the other.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class EntryId(NamedTuple):
    """A stream id: milliseconds of the Redis that made it, and a count within them."""

    ms: int
    n: int


class Observed(NamedTuple):
    """A lane as it stood at one moment.

    `run_id` names the process of the Redis that holds it, `replid` its replication history, `epoch`
    this creation of the stream. `last` is the last id ever given, `first` the oldest entry kept.
    """

    run_id: bytes
    replid: bytes
    epoch: bytes
    last: EntryId
    first: EntryId | None


class Cause(StrEnum):
    """Why there is doubt."""

    restarted = "restarted"
    failed_over = "failed_over"
    recreated = "recreated"
    went_back = "went_back"
    trimmed = "trimmed"


class Reading(NamedTuple):
    """How far a lane was read at two looks: then, and now."""

    then: EntryId
    now: EntryId


def cause_of_doubt(read: Reading, before: Observed, after: Observed) -> Cause | None:
    """Why a reader may miss entries, or None when it cannot.

    `before` is the lane at `read.then`, when nothing was missed; `after` the lane at `read.now`.
    """
    if after.epoch != before.epoch:
        return Cause.recreated
    if after.run_id != before.run_id:
        return Cause.restarted
    if after.replid != before.replid:
        return Cause.failed_over
    if after.last < read.now or after.last < before.last:
        return Cause.went_back
    # The oldest entry kept is one that was not read then: older ones are gone, perhaps before they were read.
    if after.first is None:
        return Cause.trimmed if after.last > read.then else None
    return Cause.trimmed if after.first > read.then else None
