"""The lanes of an installation: how many, under which keys, on which slots of a Redis Cluster.

Owns the names of the keys. Lane i of L lies in the i-th L-th of the 16384 slots, for every L up to
256, so that primaries with slot ranges of like size carry like shares of the lanes. Slots follow
from hash tags, and tags with a wanted slot can only be found by trying: `_TAGS` is what was found.
Must never change for an installation that exists, and must never talk to Redis.
"""

from __future__ import annotations

from binascii import crc_hqx
from typing import Final

from muster.lane import lane_of

SLOTS: Final = 16384
LANES_MOST: Final = 256

# Decimal numbers whose CRC16 falls on the slots 0, 64, 128 ... 16320, in this order. Lane i of L
# takes the first of these slots at or after i/L of all; it is always before (i+1)/L.
# fmt: off
_TAGS: Final = (
    3560, 11423, 40821, 41742, 2464, 10527, 5469, 12258, 1768, 16159, 3017, 7806, 69235, 40331,
    2113, 6902, 22069, 26878, 574, 1696, 56283, 49436, 18834, 19757, 20261, 4493, 8518, 29498,
    21365, 5597, 26368, 49141, 48576, 46382, 18617, 530, 27938, 15698, 19713, 12695, 18360,
    16594, 47996, 11599, 19264, 17490, 39599, 9458, 11467, 3524, 13318, 4529, 10563, 2420,
    40602, 41961, 41271, 68375, 7842, 3053, 17019, 13808, 6946, 2157, 4129, 13718, 3124, 7935,
    69306, 40202, 2020, 6831, 3453, 11510, 40912, 41671, 2557, 10414, 41816, 17419, 130, 18217,
    46782, 48176, 12295, 19313, 15298, 49072, 11199, 15988, 447, 12985, 9058, 39199, 17090,
    13881, 1296, 174, 48132, 22469, 19357, 21212, 49036, 56683, 29098, 8118, 4093, 403, 49541,
    26768, 5197, 1986, 41342, 68246, 7971, 3160, 1878, 5069, 6875, 2064, 8591, 3417, 16559,
    1368, 9495, 42, 40731, 41852, 8209, 29389, 712, 4382, 26479, 49650, 21474, 975, 265, 1187,
    22778, 48223, 4892, 19046, 29899, 8919, 3706, 2865, 1079, 5868, 2602, 3961, 69524, 40420,
    45842, 41053, 3271, 11332, 5378, 12549, 2375, 10236, 2821, 3742, 41560, 68464, 3925, 2646,
    4928, 69560, 13409, 4238, 11376, 3235, 40113, 44902, 10272, 2331, 48710, 11288, 18471, 756,
    39288, 9349, 931, 17381, 17891, 221, 9859, 39998, 16995, 12184, 11998, 15189, 356, 18071,
    11688, 23928, 17781, 19175, 9749, 39688, 46093, 42882, 621, 18506, 15589, 43986, 12584, 846,
    45971, 41160, 3342, 11201, 44875, 17308, 2246, 10305, 3635, 2956, 4638, 13009, 2731, 3852,
    69417, 40513, 16248, 1479, 8280, 3306, 40020, 44831, 9384, 2202, 2912, 3671, 41453, 68557,
    3816, 2775, 12149, 5778, 4782, 312, 29789, 8609, 5686, 21074, 22868, 26079, 48623, 22378,
    1587, 665, 49727, 48844, 802, 21503,
)
# fmt: on


class LaneTable:
    """The lanes of one installation. `namespace` keeps installations on one Redis apart."""

    def __init__(self, lanes: int, namespace: str = "muster") -> None:
        if not 1 <= lanes <= LANES_MOST:
            raise ValueError(f"there can be 1 to {LANES_MOST} lanes, not {lanes}")
        if "{" in namespace:
            raise ValueError("a namespace with a brace would hide the hash tags")
        self.lanes = lanes
        tags = [_TAGS[-(-i * LANES_MOST // lanes)] for i in range(lanes)]
        self.tags = tuple(f"{namespace}:{{{tag}}}".encode() for tag in tags)
        self.streams = tuple(f"{namespace}:{{{tag}}}:lane".encode() for tag in tags)
        self.epochs = tuple(f"{namespace}:{{{tag}}}:epoch".encode() for tag in tags)
        self.slots = tuple(key_slot(stream) for stream in self.streams)

    def lane_of(self, room: bytes) -> int:
        """The lane that carries a room's entries."""
        return lane_of(room, self.lanes)


def key_slot(key: bytes) -> int:
    """The Redis Cluster slot of a key: CRC16 of its hash tag, or of all of it."""
    opening = key.find(b"{")
    closing = key.find(b"}", opening + 1)
    if opening >= 0 and closing > opening + 1:
        key = key[opening + 1 : closing]
    return crc_hqx(key, 0) % SLOTS
