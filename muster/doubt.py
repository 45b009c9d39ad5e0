"""When a reader of a lane must doubt that it saw everything.

Redis never says that entries are gone: a read after trimming, after a restart without its data or
after a failover to a replica that lagged just goes on with what is there. So a tail looks at the
lane about every second, always before it reads on after a pause, and compares.

Owns this comparison, pure. It may doubt without need, which costs a comparison of heads; it must
never fail to doubt when an entry between the cursor and the end of the lane is gone.
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


def cause_of_doubt(cursor: EntryId, before: Observed, after: Observed) -> Cause | None:
    """Why a reader that has read up to `cursor` may miss entries, or None when it cannot.

    `before` is the lane when the cursor was last known to be sound, `after` the lane now.
    """
    if after.epoch != before.epoch:
        return Cause.recreated
    if after.run_id != before.run_id:
        return Cause.restarted
    if after.replid != before.replid:
        return Cause.failed_over
    if after.last < cursor or after.last < before.last:
        return Cause.went_back
    # The oldest entry kept is one not yet read: older ones, perhaps also unread, are gone.
    if after.first is None:
        return Cause.trimmed if after.last > cursor else None
    return Cause.trimmed if after.first > cursor else None
