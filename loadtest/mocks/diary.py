"""What was received: the newest requests, counts, and what took effect more than once.

Owns these, each bounded. Must never forget that something came twice while it still remembers the first time.
"""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from collections.abc import Mapping
from itertools import islice
from typing import Final

from msgspec import Struct

from loadtest.mocks.request import Judgement, Reply, Request
from muster.clock import Clock

ENTRIES_MOST: Final = 10_000
PUSHES_MOST: Final = 500_000
"""Pushes that are remembered for being repeated."""

REPEATS_MOST: Final = 10_000
_BODY_CHARS: Final = 8_192


class Entry(Struct, frozen=True):
    """One request. `status` 0: no answer was given. `taken`: the phone rang. `number` goes up by one."""

    number: int
    at_ms: int
    service: str
    token: str
    id: str
    status: int
    reason: str
    taken: bool
    marks: Mapping[str, str]
    body: str


class Repeat(Struct, frozen=True):
    """A push that took effect `times` times."""

    service: str
    token: str
    id: str
    times: int


class Diary:
    """Of all services."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._entries: deque[Entry] = deque(maxlen=ENTRIES_MOST)
        self._number = 0
        self._counts: Counter[tuple[str, str]] = Counter()
        # (service, token, id) -> how often it took effect, the oldest first.
        self._taken: OrderedDict[tuple[str, str, str], int] = OrderedDict()
        self._repeats: OrderedDict[tuple[str, str, str], int] = OrderedDict()

    def count(self, service: str, what: str) -> None:
        self._counts[service, what] += 1

    def note(
        self, service: str, request: Request, judged: Judgement, reply: Reply, *, taken: bool
    ) -> None:
        """Write a request down, with what became of it."""
        parcel = judged.parcel
        self._number += 1
        ident = parcel.id if parcel is not None else ""
        entry = Entry(
            self._number,
            self._clock.now_ms(),
            service,
            judged.token,
            ident,
            reply.status,
            reply.reason,
            taken,
            parcel.marks if parcel is not None else {},
            request.body[:_BODY_CHARS].decode(errors="replace") if judged.token else "",
        )
        self._entries.append(entry)
        self._counts[service, f"{reply.status} {reply.reason}".rstrip()] += 1
        if taken:
            self._counts[service, "taken"] += 1
            self._take((service, judged.token, ident))

    def _take(self, key: tuple[str, str, str]) -> None:
        times = self._taken.pop(key, 0) + 1
        self._taken[key] = times
        if len(self._taken) > PUSHES_MOST:
            self._taken.popitem(last=False)
        if times > 1:
            self._counts[key[0], "repeated"] += 1
            self._repeats[key] = times
            if len(self._repeats) > REPEATS_MOST:
                self._repeats.popitem(last=False)

    def entries(self, after: int = 0, most: int = 1_000, token: str = "") -> list[Entry]:
        """Those after number `after`, the oldest first."""
        found = (
            entry
            for entry in self._entries
            if entry.number > after and (not token or entry.token == token)
        )
        return list(islice(found, most))

    def counts(self) -> dict[str, dict[str, int]]:
        """By service: statuses with reasons, `taken`, `repeated`, `connections` and what was strange."""
        services: dict[str, dict[str, int]] = {}
        for (service, what), times in sorted(self._counts.items()):
            services.setdefault(service, {})[what] = times
        return services

    def repeats(self) -> list[Repeat]:
        """What took effect more than once, by device and id."""
        return [Repeat(*key, times) for key, times in self._repeats.items()]

    def clear(self) -> None:
        """Forget all but the numbering."""
        self._entries.clear()
        self._counts.clear()
        self._taken.clear()
        self._repeats.clear()
