"""The terms of a socket: every bound and every duration of this door, in one place.

Owns the numbers, each with its unit in its name. Must never read the environment: `of` takes Settings.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf
from typing import Self

from muster.bucket import Rate
from muster.config import Settings
from proto import limits
from proto.frames import Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What holds for every socket of this process; tests replace single ones."""

    # Durations
    auth_within_s: float = 5.0
    answer_within_s: float = 5.0  # admitting, resuming, attending; posts have the writer's 1.9 s
    heartbeat_s: float = 25.0
    pong_within_s: float = 10.0
    close_within_s: float = 3.0  # from our close frame to abort()
    drained_within_s: float = 10.0  # how long a socket may take nothing at all
    token_grace_s: float = 25.0
    peer_lost_s: float = 30.0  # TCP_USER_TIMEOUT: data the peer's kernel does not acknowledge

    # Bytes and counts
    frame_bytes: int = limits.FRAME_BYTES
    before_auth_bytes: int = limits.FRAME_BYTES_BEFORE_AUTH
    request_bytes: int = 8_192  # an HTTP request's head, browsers' cookies included
    slice_bytes: int = 4_096  # read and parsed before the buckets are asked again
    fragments: int = 256  # of one message
    outbox_bytes: int = 262_144
    send_buffer_bytes: int = 65_536  # the kernel's share per socket; it grows to 4 MB by itself
    in_flight: int = 64  # submissions of one socket not answered yet

    # Rates of one socket
    bytes_rate: Rate = Rate(131_072, burst=524_288)
    controls_rate: Rate = Rate(5, burst=300)  # pings, pongs, fragments
    frames_rate: Rate = Rate(100, burst=400)
    posts_rate: Rate = Rate(50, burst=200)
    resumes_rate: Rate = Rate(1, burst=20)  # resumes, attends, refreshed tokens
    typing_rate: Rate = Rate(2, burst=20)
    places_rate: Rate = Rate(1, burst=30)  # frames of fixes and crossings, 50 fixes in each
    bad_frames_rate: Rate = Rate(0.1, burst=10)
    strikes_rate: Rate = Rate(10, burst=500)  # frames refused for their rate
    throttles_rate: Rate = Rate(0.1, burst=20)  # times that reading had to pause for the rate
    refuse_for_s: float = 1.0  # after one refused post, so that none that followed it overtakes it

    min_version: str = ""

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The terms that these settings ask for."""
        posts = Rate(settings.posts_per_s, burst=settings.posts_burst)
        terms = cls(
            auth_within_s=settings.auth_within_s,
            heartbeat_s=settings.heartbeat_s,
            frame_bytes=settings.max_frame_bytes,
            outbox_bytes=settings.outbox_bytes,
            send_buffer_bytes=settings.socket_send_buffer,
            peer_lost_s=settings.peer_lost_s,
            posts_rate=posts,
            frames_rate=Rate(posts.per_s + 50, burst=posts.burst + 200),
            min_version=settings.min_version,
        )
        return terms if settings.rate_limits else terms.without_rates()

    def without_rates(self) -> Self:
        """The same without any rate limit of what a client asks; bounds on size and memory stay."""
        free = Rate(inf, 1.0)
        return replace(
            self,
            bytes_rate=free,
            controls_rate=free,
            frames_rate=free,
            posts_rate=free,
            resumes_rate=free,
            typing_rate=free,
            places_rate=free,
        )

    def announced(self) -> Limits:
        """What `Ready` tells a client."""
        finite = self.posts_rate.per_s != inf
        return Limits(
            frame_bytes=self.frame_bytes,
            text_chars=limits.TEXT_CHARS,
            rooms_per_frame=limits.ROOMS_PER_FRAME,
            posts_per_s=self.posts_rate.per_s if finite else 1e6,
            posts_burst=int(self.posts_rate.burst) if finite else 1_000_000,
        )
