"""Security events: what happened to an account that its owner, and staff, should be able to see afterwards.

Owns which there are, and the list. A change of what somebody logs in with is noted by the transaction that makes it
(the stores do); a refusal is noted beside it (`Watch`). Must never hold an address, a name, or anything that was shown
to get in: a person, a kind, a time, and the session where one is known.
"""

from __future__ import annotations

from collections import OrderedDict
from enum import StrEnum
from typing import Final, Protocol
from uuid import UUID

from msgspec import Struct

from muster import cursor
from muster.clock import Clock
from muster.errors import Refused
from muster.ids import DeviceId, PersonId, SessionId
from muster.telemetry import get_logger

EVERY_S: Final = 60.0
"""Of one kind and person one in this time is told to the store, which keeps one a minute."""

_SEEN_MOST: Final = 10_000
_log = get_logger()


class Kind(StrEnum):
    """What happened."""

    password_changed = "password_changed"  # noqa: S105  # a kind of event
    password_reset = "password_reset"  # noqa: S105  # another
    factor_on = "factor_on"
    factor_off = "factor_off"
    factor_locked = "factor_locked"
    recovery_codes_renewed = "recovery_codes_renewed"
    recovery_code_used = "recovery_code_used"
    email_verified = "email_verified"
    email_removed = "email_removed"
    service_linked = "service_linked"
    service_unlinked = "service_unlinked"
    refresh_reused = "refresh_reused"
    password_guessed = "password_guessed"  # noqa: S105  # another
    staff_refused = "staff_refused"


class SecurityEvent(Struct, frozen=True, gc=False):
    """One of them, the first of its kind in that minute. `session` and `device` by which, where that is known.

    `kind` may be one that an app does not know yet.
    """

    id: UUID
    kind: str
    at_ms: int
    session: SessionId | None
    device: DeviceId | None


class SecurityPage(Struct, frozen=True, gc=False):
    """A page of them, the newest first."""

    events: list[SecurityEvent]
    cursor: str | None


class SecurityStore(Protocol):
    """Where they are kept. Both raise `Refused`: `unavailable`."""

    async def page(
        self, person: PersonId, before: tuple[int, UUID] | None, limit: int
    ) -> list[SecurityEvent]: ...

    async def note(self, person: PersonId, kind: Kind, session: SessionId | None) -> None: ...


async def events_of(
    store: SecurityStore, person: PersonId, at: str | None, limit: int
) -> SecurityPage:
    """A page of somebody's. Raises `Refused`."""
    events = await store.page(person, cursor.read(at) if at else None, limit)
    more = cursor.write(events[-1].at_ms, events[-1].id) if len(events) == limit else None
    return SecurityPage(events, more)


class Watch:
    """Notes what was refused. One per process."""

    def __init__(self, store: SecurityStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._seen: OrderedDict[tuple[PersonId, Kind], float] = OrderedDict()

    async def refused(self, person: PersonId, kind: Kind, session: SessionId | None) -> None:
        """A flood costs one statement a minute. Where it cannot be written the refusal stands all the same."""
        now_s = self._clock.monotonic()
        if now_s < self._seen.get((person, kind), float("-inf")):
            return
        self._seen[person, kind] = now_s + EVERY_S
        self._seen.move_to_end((person, kind))
        if len(self._seen) > _SEEN_MOST:
            self._seen.popitem(last=False)
        try:
            await self._store.note(person, kind, session)
        except Refused:
            self._seen.pop((person, kind), None)
            _log.error("security event not kept", kind=kind.value, person=str(person))
