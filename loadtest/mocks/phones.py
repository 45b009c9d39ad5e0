"""All phones that were ever pushed to, the newest of them if there are too many.

Owns them, and tells who waits that something changed. Must never know what a provider demands.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterator
from itertools import islice
from typing import Final

from msgspec import Struct

from loadtest.mocks.effect import Effect
from loadtest.mocks.phone import Phone
from muster.clock import Clock

MOST: Final = 20_000


class OnScreen(Struct, frozen=True):
    """A notification as the admin API tells it."""

    key: str
    title: str
    body: str
    thread: str
    room: str
    seq: int
    at_ms: int
    rang: int


class Screen(Struct, frozen=True):
    """What a phone shows, the newest first."""

    token: str
    provider: str
    online: bool
    badge: int
    pushes: int
    kept: int
    lost: bool
    notifications: tuple[OnScreen, ...]


class Phones:
    """By device token; the one that was pushed to last comes first."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._phones: OrderedDict[str, Phone] = OrderedDict()
        self._changed = asyncio.Event()
        self.version = 0

    def __len__(self) -> int:
        return len(self._phones)

    def push(self, token: str, provider: str, effect: Effect) -> None:
        phone = self._phones.pop(token, None) or Phone(provider)
        self._phones[token] = phone
        if len(self._phones) > MOST:
            self._phones.popitem(last=False)
        phone.push(effect, self._clock.now_ms())
        self._tell()

    def connect(self, token: str, provider: str, *, online: bool) -> None:
        """It goes away or comes back; one that was never seen is made."""
        phone = self._phones.setdefault(token, Phone(provider))
        phone.connect(online=online, now_ms=self._clock.now_ms())
        self._tell()

    def opened(self, token: str) -> bool:
        """Its owner opened the app; whether there is such a phone."""
        phone = self._phones.get(token)
        if phone is None:
            return False
        phone.opened()
        self._tell()
        return True

    def clear(self) -> None:
        self._phones.clear()
        self._tell()

    def screens(self, most: int) -> Iterator[Screen]:
        """The newest so many."""
        for token, phone in islice(reversed(self._phones.items()), most):
            yield _screen(token, phone)

    def screen(self, token: str) -> Screen | None:
        phone = self._phones.get(token)
        return _screen(token, phone) if phone is not None else None

    async def changed(self, since: int, within_s: float, over: asyncio.Event) -> None:
        """Wait until something changed since version `since`, at most for so long, or until it is `over`."""
        try:
            async with asyncio.timeout(within_s):
                while self.version == since and not over.is_set():
                    await self._changed.wait()
        except TimeoutError:
            pass

    def wake(self) -> None:
        """Whoever waits looks again."""
        self._changed.set()
        self._changed = asyncio.Event()

    def _tell(self) -> None:
        self.version += 1
        self.wake()


def _screen(token: str, phone: Phone) -> Screen:
    shown = tuple(OnScreen(*one.shown, one.at_ms, one.rang) for one in phone.notifications())
    return Screen(
        token,
        phone.provider,
        phone.online,
        phone.badge,
        phone.pushes,
        phone.kept,
        phone.lost,
        shown,
    )
