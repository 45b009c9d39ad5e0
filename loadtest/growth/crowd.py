"""What people do at the busiest hour, and what a machine is loaded with.

Owns the assumptions. They are guesses about somebody's app: change them and make the page anew.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Habits:
    """Of one person who is online, at the peak.

    `posts_per_s`: messages and other entries. `online_members`: who else gets one, on average. `requests_per_s`:
    REST. `returns_per_s`: sockets that come back (a train, a lift, a phone that slept).
    """

    posts_per_s: float = 0.01
    online_members: float = 12.0
    requests_per_s: float = 0.05
    returns_per_s: float = 1 / 600
    mean_of_peak: float = 0.35
    """The average over a day as a share of the peak: what is stored is counted by it."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How full a part may be at the peak, and what there may be of it."""

    core: float = 0.6
    """Of the one core that a hub, an api process or a Redis primary can use."""

    sockets_per_hub: int = 20_000
    lost_share: float = 1 / 3
    """A third of the hubs may be away (a zone) and the rest still holds."""

    redis_primaries: int = 16
    """As many as there are lanes by default."""

    postgres_cores: int = 64
    connections: int = 100
    connections_per_hub: int = 5
    connections_per_api: int = 6
    connections_kept: int = 10
    link_bits_per_s: float = 10e9
    """Of the network of one Redis primary."""
