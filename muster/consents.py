"""Consents: what people let the service do that it need not do, by purpose and version, given and taken back.

What has to be accepted (terms, privacy policy) is muster/agreements.py's. Which purposes may be asked for is a setting;
`place` is noted by itself whenever somebody says what their place may be used for. Each change is a row of its own that
stays. Owns what may be given, and what is in force. Must never give anything for somebody.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, Protocol
from uuid import UUID

from msgspec import Struct

from muster.errors import Refused
from muster.ids import PersonId
from muster.setting import SettingsError
from proto.codes import Code

PLACE: Final = "place"
LISTED_MOST: Final = 500
_PURPOSE: Final = re.compile(r"[a-z][a-z0-9_-]{0,31}")


class ConsentPurpose(Struct, frozen=True, gc=False):
    """Something that may be consented to, and the version of its text that is shown now."""

    purpose: str
    version: str


class Consent(Struct, frozen=True, gc=False):
    """One change: what was given (`on`, for places `ghost`, too) or taken back (`off`), when, and of which version.

    `about`: the event, where it is about one.
    """

    purpose: str
    given: str
    at_ms: int
    version: str = ""
    about: UUID | None = None


class Consents(Struct, frozen=True, gc=False):
    """What may be consented to, what I consent to now, and how that came about, the newest first."""

    purposes: list[ConsentPurpose]
    given: list[Consent]
    history: list[Consent]


class ConsentStore(Protocol):
    """Where they are kept."""

    async def of(self, person: PersonId, most: int) -> list[Consent]:
        """The newest first."""
        ...

    async def in_force(self, person: PersonId, most: int) -> list[Consent]:
        """What was given and not taken back, however long ago; the newest first."""
        ...

    async def add(self, person: PersonId, purpose: str, version: str, given: str) -> None:
        """Nothing, where it is so already."""
        ...


def purposes_of(said: Sequence[str]) -> list[ConsentPurpose]:
    """The setting: `purpose=version` each. Raises `SettingsError`."""
    found = []
    for one in said:
        purpose, _, version = one.partition("=")
        if _PURPOSE.fullmatch(purpose) is None or not version or purpose == PLACE:
            raise SettingsError(f"MUSTER_CONSENTS: not a purpose=version: {one!r}")
        found.append(ConsentPurpose(purpose, version))
    return found


class ConsentBook:
    """Notes consents."""

    def __init__(self, store: ConsentStore, purposes: Sequence[ConsentPurpose]) -> None:
        self._store = store
        self._purposes = list(purposes)

    async def of(self, person: PersonId) -> Consents:
        """What somebody consents to. Raises `Refused`: `unavailable`."""
        history = await self._store.of(person, LISTED_MOST)
        # Not of the history, which is cut: whoever said much about places still consents to what they said before.
        given = await self._store.in_force(person, LISTED_MOST)
        return Consents(self._purposes, given, history)

    async def say(self, person: PersonId, purpose: str, version: str, *, given: bool) -> Consents:
        """Somebody consents, or no longer does. Raises `Refused`: `not_found`, `conflict` for another version."""
        known = next((one for one in self._purposes if one.purpose == purpose), None)
        if known is None:
            raise Refused(
                Code.not_found, "nothing is asked for by this name; see GET /v1/me/consents"
            )
        if given and version != known.version:
            raise Refused(Code.conflict, f"the version shown now is {known.version}")
        await self._store.add(person, purpose, known.version, "on" if given else "off")
        return await self.of(person)
