"""What a crowd needs: hubs, api processes, Redis primaries, Postgres, network; and what breaks first.

Owns the arithmetic. Pure. Must never round a need down.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, inf

from loadtest.growth.crowd import Bounds, Habits
from loadtest.growth.figures import Figures

_DAY_S = 86_400
_HUBS_AT_MOST = 100_000


@dataclass(frozen=True, slots=True)
class Streams:
    """How entries get to hubs: of one entry, how many XADDs it takes, and how many hubs read it."""

    adds: float
    reads: float


@dataclass(frozen=True, slots=True)
class Need:
    """Of one crowd. `share` says how near each part is to its bound, 1 being there."""

    people: int
    posts_per_s: float
    deliveries_per_s: float
    requests_per_s: float
    hubs: float
    sockets_per_hub: float
    hub_core: float
    hub_gib: float
    apis: int
    redis_primaries: float
    redis_gbit_per_s: float
    postgres_cores: float
    wal_mb_per_s: float
    disk_gb_per_day: float
    connections: float
    out_gbit_per_s: float
    share: dict[str, float]

    @property
    def first(self) -> str:
        """What breaks first as the crowd grows."""
        return max(self.share, key=lambda part: self.share[part])

    @property
    def holds(self) -> bool:
        """Whether every part stays within its bound."""
        return max(self.share.values()) <= 1.0


class Model:
    """Figures, habits and bounds in, needs out."""

    def __init__(self, figures: Figures, habits: Habits, bounds: Bounds) -> None:
        self._figures = figures
        self._habits = habits
        self._bounds = bounds

    def lanes(self, hubs: float) -> Streams:
        """Every hub reads every entry."""
        return Streams(1.0, hubs)

    def hub_core(self, people: int, hubs: float, read: float) -> float:
        """The share of a core that a hub uses while a third of all hubs is away. `read`: entries/s it reads."""
        figures, habits = self._figures, self._habits
        here = people / (hubs * (1 - self._bounds.lost_share))
        posts = here * habits.posts_per_s
        return (
            here * figures.hub_us_per_socket_s.value
            + here * habits.returns_per_s * figures.hub_us_per_resume.value
            + posts * figures.hub_us_per_post.value
            + posts * habits.online_members * figures.hub_us_per_delivery.value
            + read * figures.hub_us_per_skipped.value
        ) / 1e6

    def hubs(self, people: int) -> float:
        """How many hubs on lanes; inf where reading alone fills a core."""
        read = people * self._habits.posts_per_s
        most = self._bounds.sockets_per_hub * (1 - self._bounds.lost_share)
        spare = self._bounds.core - read * self._figures.hub_us_per_skipped.value / 1e6
        if spare <= 0:
            return inf
        return max(ceil(people / most), ceil(self.hub_core(people, 1, 0) / spare), 2)

    def need(self, people: int) -> Need:
        """Of everything, with lanes."""
        figures, habits, bounds = self._figures, self._habits, self._bounds
        hubs = min(self.hubs(people), _HUBS_AT_MOST)
        posts = people * habits.posts_per_s
        requests = people * habits.requests_per_s
        apis = max(2, ceil(requests * figures.api_us_per_request.value / 1e6 / bounds.core))
        redis_core = self.redis_core(posts, self.lanes(hubs))
        redis_bits = posts * hubs * figures.lane_bytes_per_entry.value * 8
        primaries = max(
            1, ceil(redis_core / bounds.core), ceil(redis_bits / bounds.link_bits_per_s)
        )
        postgres = (
            posts * figures.postgres_us_per_post.value
            + requests * figures.postgres_us_per_request.value
        ) / 1e6
        connections = (
            hubs * bounds.connections_per_hub
            + apis * bounds.connections_per_api
            + bounds.connections_kept
        )
        deliveries = posts * habits.online_members
        core = self.hub_core(people, hubs, posts)
        return Need(
            people,
            posts,
            deliveries,
            requests,
            hubs,
            people / hubs,
            core,
            (figures.hub_rss_kib.value + people / hubs * figures.rss_kib_per_socket.value) / 2**20,
            apis,
            primaries,
            redis_bits / 1e9,
            postgres,
            posts * figures.wal_bytes_per_post.value / 1e6,
            posts * habits.mean_of_peak * _DAY_S * figures.disk_bytes_per_post.value / 1e9,
            connections,
            deliveries * figures.frame_bytes.value * 8 / 1e9,
            {
                "a hub's reading of every lane": posts * figures.hub_us_per_skipped.value / 1e6 / bounds.core,
                "Redis primaries": max(redis_core / bounds.core, redis_bits / bounds.link_bits_per_s)
                / bounds.redis_primaries,
                "Postgres, one primary": postgres / (bounds.core * bounds.postgres_cores),
                "database connections without a pooler": connections / bounds.connections,
            },
        )  # fmt: skip

    def reading_core(self, entries_per_s: float) -> float:
        """The share of a hub's core that goes into entries it reads."""
        return entries_per_s * self._figures.hub_us_per_skipped.value / 1e6

    def redis_core(self, posts_per_s: float, streams: Streams) -> float:
        """Cores of Redis, all primaries together."""
        figures = self._figures
        return (
            posts_per_s
            * (
                streams.adds * figures.redis_us_per_entry.value
                + streams.reads * figures.redis_us_per_read.value
            )
            / 1e6
        )
