"""Agreements: which versions of the terms and of the privacy policy somebody has accepted.

Owns which versions are in force (settings), who still owes theirs, and that nobody is asked for twice: whoever is known
to have accepted what is in force is not looked up again by this process. Must never take an acceptance of a version
that is not in force: nobody was shown it.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final, Literal, NamedTuple, Protocol

from msgspec import Struct

from muster.errors import Refused
from muster.ids import PersonId
from proto.codes import Code

Document = Literal["terms", "privacy"]
KNOWN_MOST: Final = 200_000
"""People of whom a process remembers that they owe nothing; some 20 MB."""


class InForce(Struct, frozen=True, gc=False):
    """A document people accept: which version, and where it is read (empty: the app knows)."""

    document: Document
    version: str
    url: str


class Documents(Struct, frozen=True, gc=False):
    """What is in force. `enforced`: who has not accepted it is refused with `agreement_required`."""

    documents: list[InForce]
    enforced: bool


class Accepted(Struct, frozen=True, gc=False):
    """A version somebody accepted, and when."""

    document: str
    version: str
    at_ms: int


class Mine(Struct, frozen=True, gc=False):
    """What I have accepted, the newest first, and what I have still to accept."""

    accepted: list[Accepted]
    owed: list[InForce]
    enforced: bool


class AgreementStore(Protocol):
    """Where they are kept."""

    async def of(self, person: PersonId) -> list[Accepted]:
        """The newest first."""
        ...

    async def add(self, person: PersonId, documents: list[InForce]) -> None:
        """What was accepted before keeps its time."""
        ...


class Said(NamedTuple):
    """The settings."""

    terms: InForce
    privacy: InForce
    enforced: bool


class Agreements:
    """Who has accepted what."""

    def __init__(self, store: AgreementStore, said: Said, most: int = KNOWN_MOST) -> None:
        self._store = store
        self._in_force = [one for one in (said.terms, said.privacy) if one.version]
        self._enforced = said.enforced and bool(self._in_force)
        self._most = most
        self._known: OrderedDict[PersonId, None] = OrderedDict()

    def current(self) -> Documents:
        """What is in force."""
        return Documents(self._in_force, self._enforced)

    async def of(self, person: PersonId) -> Mine:
        """What somebody has accepted, and owes. Raises `Refused`: `unavailable`."""
        accepted = await self._store.of(person)
        return Mine(accepted, self._owed(accepted), self._enforced)

    async def accept(self, person: PersonId, versions: dict[Document, str]) -> Mine:
        """Somebody accepts these versions. Raises `Refused`: `conflict` for one that is not in force."""
        agreed = [one for one in self._in_force if versions.get(one.document) == one.version]
        if not versions or len(agreed) < len(versions):
            raise Refused(
                Code.conflict, "that version is not in force; ask GET /v1/agreements which is"
            )
        await self._store.add(person, agreed)
        return await self.of(person)

    async def check(self, person: PersonId) -> None:
        """Raises `Refused`: `agreement_required` where they owe something and the operator insists."""
        if not self._enforced or person in self._known:
            return
        if self._owed(await self._store.of(person)):
            raise Refused(
                Code.agreement_required,
                "accept the terms and the privacy policy now in force first: /v1/me/agreements",
            )
        self._known[person] = None
        if len(self._known) > self._most:
            self._known.popitem(last=False)

    def _owed(self, accepted: list[Accepted]) -> list[InForce]:
        have = {(one.document, one.version) for one in accepted}
        return [one for one in self._in_force if (one.document, one.version) not in have]
