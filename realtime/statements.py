"""What one hub says of its people: which devices are in, when somebody was last seen.

    devices --say--> the roll          what people want seen --profiles--> devices

Owns saying. Whatever is said is a state, so what failed is simply said again. Must never register or sweep
(realtime/rollcall.py), nor tell a client anything.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from muster.acquaintance import AcquaintanceReader
from muster.clock import Clock
from muster.devices import Devices
from muster.errors import Refused
from muster.presence import packed
from muster.roll import Roll, Say, Told
from muster.tenure import Tenure
from realtime.presence_counts import PresenceCounts

SEEN_EVERY_S: Final = 5.0
SAYS_AT_ONCE: Final = 1_000
PROFILES_AT_ONCE: Final = 500
SEEN_WAITING: Final = 20_000
"""People whose going is to be written down; beyond that somebody's last seen stays older than it is."""


class Statements:
    """One hub's."""

    def __init__(
        self,
        outside: tuple[Roll, AcquaintanceReader, Clock],
        devices: Devices,
        tenure: Tenure,
        counts: PresenceCounts,
    ) -> None:
        self._roll, self._reader, self._clock = outside
        self._devices = devices
        self._tenure = tenure
        self._counts = counts
        self._seen: dict[bytes, int] = {}

    def stamp_ms(self) -> int:
        """Now, by Redis' clock as far as this hub knows it."""
        return self._tenure.redis_ms(self._clock.monotonic()) or self._clock.now_ms()

    async def say(self) -> None:
        """Say everything that the roll does not know yet. Raises `Fenced` and `Unreachable`."""
        while (generation := self._tenure.generation) is not None:
            keys = self._devices.take(SAYS_AT_ONCE)
            if not keys:
                if not self._devices.is_dirty:
                    self._tenure.said_all()
                return
            says = [Say(key, *self._devices.wanted(key, generation)) for key in keys]
            done = False
            try:
                told = await self._roll.say(generation, says)
                done = True
            finally:
                if not done:
                    for key in keys:
                        self._devices.untold(key)
            self._tenure.answered(self._clock.monotonic())
            self._counts.said += len(says)
            for say, outcome in zip(says, told, strict=True):
                self._heard(say, outcome, generation)

    def _heard(self, say: Say, outcome: Told, generation: bytes) -> None:
        if outcome is Told.in_:
            self._counts.in_ += 1
        elif outcome is Told.out:
            self._counts.out += 1
            self.went([say.key.person])
        if outcome is Told.lingers:
            self._counts.damped += 1
            self._devices.lingers(say.key)
        elif say.is_goodbye:
            self._devices.gone_for_good(say.key)
        elif outcome is Told.superseded and say.device is not None:
            now = self._devices.wanted(say.key, generation).device
            if now is not None and now.stamp_ms == say.device.stamp_ms:
                self._devices.superseded(say.key)

    async def read_profiles(self) -> None:
        """Read what people want seen of whom it is not known. Raises `Refused`."""
        while people := self._devices.strangers(PROFILES_AT_ONCE):
            read = False
            try:
                profiles = await self._reader.profiles(people)
                read = True
            finally:
                if not read:
                    self._devices.read_again(people)
            for person, profile in profiles.items():
                self._devices.profiled(person, packed(profile))

    # When people were last seen

    def went(self, people: Iterable[bytes]) -> None:
        """These people went just now."""
        at_ms = self.stamp_ms()
        for person in people:
            if len(self._seen) < SEEN_WAITING:
                self._seen[person] = at_ms

    async def write_seen(self) -> None:
        """Write it down; what cannot be written is kept."""
        seen, self._seen = self._seen, {}
        if not seen:
            return
        try:
            await self._reader.seen(seen)
        except Refused:
            self._seen = seen | self._seen
