"""The control log as a process holds it: which sessions are over, and who is told when somebody is blocked.

    ControlView   what the entries so far mean (pure)
    ControlLog    keeps the view true: a poll every second, and at once when the lanes bring something newer

Owns revocation between two looks at the database, so that authenticating asks it nothing. Must never depend on
the bus: with Redis dead the poll alone keeps the 2 s that DESIGN promises.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, Protocol

from muster.clock import Clock
from muster.errors import Refused
from muster.ids import PersonId, SessionId
from muster.telemetry import get_logger
from proto.entry import EntryKind
from proto.frames import Entry

POLL_S: Final = 1.0
PAGE: Final = 1_000


class ControlReader(Protocol):
    """Where the control log is read."""

    async def recent(self, max_age_ms: int) -> tuple[int, list[Entry]]:
        """The head, and the entries younger than `max_age_ms`, in order. Raises `Refused`."""
        ...

    async def after(self, seq: int, limit: int) -> list[Entry]:
        """Up to `limit` entries after `seq`, in order. Raises `Refused`."""
        ...


class ControlView:
    """Sessions that are over, for as long as an access token of theirs could still be valid."""

    def __init__(self, token_ms: int) -> None:
        """`token_ms`: the longest life of an access token, leeway included."""
        self._token_ms = token_ms
        self._revoked: dict[SessionId, int] = {}
        self._banned: dict[PersonId, int] = {}
        self.position = 0

    def __len__(self) -> int:
        return len(self._revoked)

    def apply(self, entry: Entry) -> bool:
        """Take in the next entry; false if it was taken in before."""
        if entry.seq <= self.position:
            return False
        self.position = entry.seq
        if entry.kind is EntryKind.revoke and entry.body.session is not None:
            self._revoked[SessionId(entry.body.session)] = entry.at_ms
        elif entry.kind is EntryKind.ban and entry.subject is not None:
            self._banned[PersonId(entry.subject)] = entry.at_ms
        elif entry.kind is EntryKind.unban and entry.subject is not None:
            self._banned.pop(PersonId(entry.subject), None)
        return True

    def revoked(self, session: SessionId) -> bool:
        """Whether this session was ended (a ban ends all sessions of the banned)."""
        return session in self._revoked

    def banned(self, person: PersonId) -> bool:
        """Whether this person was banned while a token of theirs could still be valid."""
        return person in self._banned

    def prune(self, now_ms: int) -> None:
        """Forget sessions whose last token has expired by itself."""
        old = now_ms - self._token_ms
        for session in [s for s, at_ms in self._revoked.items() if at_ms < old]:
            del self._revoked[session]
        for person in [p for p, at_ms in self._banned.items() if at_ms < old]:
            del self._banned[person]


class ControlLog:
    """Follows the control log and tells a listener of every entry, once, in order."""

    def __init__(
        self,
        reader: ControlReader,
        view: ControlView,
        clock: Clock,
        listener: Callable[[Entry], None],
    ) -> None:
        self._reader = reader
        self._view = view
        self._clock = clock
        self._listener = listener
        self._woken = asyncio.Event()
        self._log = get_logger()

    async def load(self, max_age_ms: int) -> None:
        """Take in what is still of consequence. Raises `Refused` if Postgres does not answer."""
        head, entries = await self._reader.recent(max_age_ms)
        for entry in entries:
            self._view.apply(entry)
        self._view.position = max(self._view.position, head)

    def seen(self, seq: int) -> None:
        """The lanes brought this control entry: read it now rather than within a second."""
        if seq > self._view.position:
            self._woken.set()

    async def run(self) -> None:
        """Follow until cancelled."""
        while True:
            try:
                async with asyncio.timeout(POLL_S):
                    await self._woken.wait()
            except TimeoutError:
                pass
            self._woken.clear()
            try:
                await self._follow()
            except Refused as refused:
                self._log.warning("control_log_unread", code=refused.code.name)
            self._view.prune(self._clock.now_ms())

    async def _follow(self) -> None:
        while True:
            entries = await self._reader.after(self._view.position, PAGE)
            for entry in entries:
                if self._view.apply(entry):
                    self._listener(entry)
            if len(entries) < PAGE:
                return
