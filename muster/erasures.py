"""Erasures that are asked for, by somebody themselves or by staff, and those that staff take back.

Owns how long one waits, and that they are written to meanwhile. Must never forget anybody: muster/erasing.py does, when
the time has come.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Protocol

from muster.errors import Refused
from muster.ids import PersonId
from muster.letter import Kind
from muster.metrics import PrivacyMetrics
from muster.people import unknown_person
from proto.codes import Code


class AskedStore(Protocol):
    """Where they are kept. All raise `Refused`: `unavailable`."""

    async def ask(
        self, person: PersonId, by: PersonId, grace_days: float, reason: str = ""
    ) -> int | None:
        """From when on, in ms; None where there is nobody. All sessions of `person` are over."""
        ...

    async def spare(self, person: PersonId, by: PersonId) -> bool:
        """False: nothing waits, or it has begun."""
        ...


class Tells(Protocol):
    """Whoever writes to people: muster/emails.py."""

    async def tell(self, person: PersonId, kind: Kind, about: str = "") -> None:
        """A mail to the verified address, if there is one. Raises `Refused`: `unavailable`."""
        ...


class Erasures:
    """Asks."""

    def __init__(
        self, store: AskedStore, emails: Tells, metrics: PrivacyMetrics, grace_days: float
    ) -> None:
        self._store = store
        self._emails = emails
        self._metrics = metrics
        self._grace_days = grace_days

    async def ask(
        self, person: PersonId, by: PersonId, reason: str = "", *, at_once: bool = False
    ) -> int:
        """From when on `person` is forgotten, in ms; asked again, the sooner. Raises `Refused`: `not_found`."""
        due_ms = await self._store.ask(person, by, 0.0 if at_once else self._grace_days, reason)
        if due_ms is None:
            raise unknown_person()
        if self._grace_days and not at_once:
            # Whoever has their password and phone has not necessarily their mailbox.
            at = f"{datetime.fromtimestamp(due_ms // 1000, UTC):%Y-%m-%d %H:%M}"
            await self._emails.tell(person, Kind.leaving, at)
        self._metrics.erasures.labels("asked").inc()
        return due_ms

    async def spare(self, person: PersonId, by: PersonId) -> None:
        """They stay. Raises `Refused`: `conflict` where nothing can be taken back."""
        if not await self._store.spare(person, by):
            raise Refused(Code.conflict, "nothing waits that could be taken back")
        self._metrics.erasures.labels("spared").inc()
