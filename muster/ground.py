"""A ground: a venue made ready for judging fixes, its fence compiled.

Owns the shape. Must never be sent anywhere: it is rebuilt from the venue.
"""

from __future__ import annotations

from msgspec import Struct

from muster.fence import Fence, fence_of
from muster.ids import RoomId
from muster.venue import Venue


class Ground(Struct, frozen=True, kw_only=True):
    """See `muster.venue.Venue` for what is of the same name. `dwell_ms`: None: as the terms say."""

    venue: Venue
    room: RoomId
    fence: Fence
    fence_version: int
    from_ms: int
    until_ms: int
    dwell_ms: int | None


def ground_of(venue: Venue) -> Ground:
    """Compile. Raises `Refused`: `bad_request` for a shape that is no fence."""
    return Ground(
        venue=venue,
        room=venue.room,
        fence=fence_of(venue.shape),
        fence_version=venue.fence_version,
        from_ms=venue.from_ms,
        until_ms=venue.until_ms,
        dwell_ms=venue.dwell_ms,
    )
