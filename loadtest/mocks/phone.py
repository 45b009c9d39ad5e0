"""One phone's screen: which notifications are in force, and the badge.

Owns what pushes do to it, and what is kept while it is away, as APNs and FCM keep it. Pure: the time is passed in.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final, NamedTuple

from loadtest.mocks.effect import Effect, Read, Shown

SHOWN_MOST: Final = 100
_KEPT_MOST: Final = 100
"""FCM keeps so many without a collapse key for a phone that is away; at one more it drops them all."""

_KEYS_MOST: Final = 4
"""FCM keeps pushes of so many collapse keys."""


class Notification(NamedTuple):
    """One on the screen. `rang`: how often it came, replaced ones included."""

    shown: Shown
    at_ms: int
    rang: int


class Phone:
    """Of one device token."""

    def __init__(self, provider: str) -> None:
        self.provider = provider
        self.badge = 0
        self.online = True
        self.pushes = 0
        self.lost = False
        """It was told that pushes were dropped while it was away."""
        self._on_screen: OrderedDict[str, Notification] = OrderedDict()
        self._kept: list[Effect] = []

    def notifications(self) -> list[Notification]:
        """The newest first."""
        return list(reversed(self._on_screen.values()))

    @property
    def kept(self) -> int:
        return len(self._kept)

    def push(self, effect: Effect, now_ms: int) -> None:
        """One that the provider took."""
        self.pushes += 1
        if self.online:
            self._apply(effect, now_ms)
        elif effect.store_until_ms != 0:
            self._keep(effect)

    def connect(self, *, online: bool, now_ms: int) -> None:
        """It comes back, or is away. Who comes back gets what was kept and is not too old."""
        self.online = online
        if online:
            kept, self._kept = self._kept, []
            for effect in kept:
                if effect.store_until_ms > now_ms:
                    self._apply(effect, now_ms)

    def opened(self) -> None:
        """Its owner opened the app: it has nothing more to show."""
        self._on_screen.clear()
        self.badge = 0
        self.lost = False

    def _keep(self, effect: Effect) -> None:
        if effect.slot:
            self._kept = [one for one in self._kept if one.slot != effect.slot]
        self._kept.append(effect)
        slots = list(dict.fromkeys(one.slot for one in self._kept if one.slot))
        if len(slots) > _KEYS_MOST:
            self._kept = [one for one in self._kept if one.slot != slots[0]]
        if len(self._kept) - min(len(slots), _KEYS_MOST) > _KEPT_MOST:
            self._kept, self.lost = [], True

    def _apply(self, effect: Effect, now_ms: int) -> None:
        if effect.read is not None:
            for key, there in tuple(self._on_screen.items()):
                if _is_read(there.shown, effect.read):
                    del self._on_screen[key]
        if effect.badge is not None:
            self.badge = effect.badge
        if effect.shown is not None:
            before = self._on_screen.pop(effect.shown.key, None)
            rang = before.rang + 1 if before is not None else 1
            self._on_screen[effect.shown.key] = Notification(effect.shown, now_ms, rang)
            if len(self._on_screen) > SHOWN_MOST:
                self._on_screen.popitem(last=False)


def _is_read(shown: Shown, read: Read) -> bool:
    here = shown.room == read.room if read.room else shown.key == read.tag
    return here and shown.seq <= read.seq
