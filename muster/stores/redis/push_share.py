"""How a batch is shared among the buckets of a queue: the most urgent of all first, and of the same like much of each.

Pure. Must never leave an urgent job for a less urgent one, and must never ask for more than was wanted.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Share(NamedTuple):
    """So many are read of this lane of this bucket."""

    bucket: int
    lane: int
    most: int


def shares(counts: Sequence[Sequence[int]], most: int, first: int) -> list[Share]:
    """`counts`: how many wait, by bucket and lane. What does not divide evenly falls to the buckets from `first` on."""
    found = []
    for lane in range(len(counts[0])):
        # The shortest first: what they do not need goes to the others.
        waiting = sorted(
            (count[lane], (bucket - first) % len(counts), bucket)
            for bucket, count in enumerate(counts)
            if count[lane] > 0
        )
        for place, (count, _, bucket) in enumerate(waiting):
            even = -(-most // (len(waiting) - place))
            if share := min(count, even):
                found.append(Share(bucket, lane, share))
                most -= share
    return found
