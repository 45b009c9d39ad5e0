"""What is scripted of single device tokens. Any other well-formed token is of a phone that is there.

Owns these and how often a device may be pushed to. Must never hold more than a bounded number.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from loadtest.mocks.credentials import World
from muster.bucket import Buckets, Rate
from muster.clock import Clock

MOST: Final = 100_000
_MINUTE_S: Final = 60.0
_SEEN: Final = "seen"


class Standing(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`state`: ok; unregistered or expired (410 and 404; `since_ms` is APNs' timestamp, default now); mismatch (FCM: of
    another sender); third_party (FCM: Apple's key or the web's is missing). `world`, `topic`: the only ones the token
    is of. `per_min`: pushes that this device takes.
    """

    state: Literal["ok", "unregistered", "expired", "mismatch", "third_party"] = "ok"
    since_ms: Annotated[int, Meta(ge=0)] | None = None
    world: World | None = None
    topic: str | None = None
    per_min: Annotated[float, Meta(gt=0, le=100_000)] | None = None


_PLAIN: Final = Standing()


class Registry:
    """Tokens of all providers."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._standings: OrderedDict[str, Standing] = OrderedDict()
        self._limits: dict[str, Buckets] = {}

    def put(self, token: str, standing: Standing) -> Standing:
        """As it is from now on; the oldest of too many is forgotten."""
        if standing.state in ("unregistered", "expired") and standing.since_ms is None:
            standing = Standing(
                state=standing.state,
                since_ms=self._clock.now_ms(),
                world=standing.world,
                topic=standing.topic,
                per_min=standing.per_min,
            )
        self.forget(token)
        self._standings[token] = standing
        if standing.per_min is not None:
            rate = Rate(standing.per_min / _MINUTE_S, max(1.0, standing.per_min))
            self._limits[token] = Buckets(rate, most=1)
        if len(self._standings) > MOST:
            self.forget(next(iter(self._standings)))
        return standing

    def forget(self, token: str) -> None:
        self._standings.pop(token, None)
        self._limits.pop(token, None)

    def clear(self) -> None:
        self._standings.clear()
        self._limits.clear()

    def of(self, token: str) -> Standing:
        return self._standings.get(token, _PLAIN)

    def wait_s(self, token: str) -> float:
        """Count a push to it; 0, or how long it has had enough for."""
        limit = self._limits.get(token)
        return limit.take(_SEEN, self._clock.monotonic()) if limit is not None else 0.0
