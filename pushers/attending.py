"""Asking the roll where people are.

Owns when its answer is believed. Must never say that somebody is away because nobody could be asked.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final
from uuid import UUID

from muster.clock import Clock
from muster.presence import Device
from muster.roll import LEASE_MS, Roll, Unreachable
from pushers.attendance import AWAY, UNKNOWN, Attendance, Seat

PEOPLE_AT_ONCE: Final = 200


class Attending:
    """Attendance by the roll."""

    def __init__(self, roll: Roll, clock: Clock) -> None:
        self._roll = roll
        self._clock = clock
        self._doubted_until = float("-inf")

    def doubt(self) -> None:
        """Redis may have forgotten who is in: until every hub has said it again, nothing is known."""
        self._doubted_until = self._clock.monotonic() + LEASE_MS / 1000

    async def of(self, people: Collection[bytes]) -> Mapping[bytes, Attendance]:
        """Where each of these people is."""
        if self._clock.monotonic() < self._doubted_until:
            return dict.fromkeys(people, UNKNOWN)
        everybody = list(people)
        found: dict[bytes, Attendance] = {}
        for at in range(0, len(everybody), PEOPLE_AT_ONCE):
            some = everybody[at : at + PEOPLE_AT_ONCE]
            try:
                devices = await self._roll.devices(some)
            except Unreachable:
                found |= dict.fromkeys(some, UNKNOWN)
            else:
                found |= {person: _attendance(devices.get(person)) for person in some}
        return found


def _attendance(devices: Mapping[bytes, Device] | None) -> Attendance:
    if not devices:
        return AWAY
    return Attendance(
        {UUID(bytes=device): Seat(said.attention, said.room) for device, said in devices.items()}
    )
