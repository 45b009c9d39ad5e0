"""Handlers about whom one knows and lets near: contacts, privacy, Requests, and looking for people.

Owns the bodies of these routes. Must never judge a pair of people: Postgres does, where the settings are.
"""

from __future__ import annotations

from typing import Annotated, Final

from msgspec import Meta, Struct

from api.route import Call
from muster import submit
from muster.contacts import ContactPage, Contacts
from muster.errors import Refused
from muster.finding import Finding, FoundPerson
from muster.op import Op
from muster.people import unknown_person
from muster.privacy import Privacy, PrivacyCircle, PrivacyStore, privacy_change, privacy_of
from muster.sessions import Submitter
from proto.codes import Code
from proto.entry import Seq

_SENTENCES: Final = {
    Code.conflict: "you block this person; lift the block first",
    Code.limit_exceeded: "that is more contacts than one person may have",
}


class MyContacts(Struct, frozen=True):
    """A page of my contacts; `since` a seq of my self log, only what changed after it."""

    since: Seq | None = None
    limit: Annotated[int, Meta(ge=1, le=500)] = 100
    cursor: Annotated[str, Meta(max_length=200)] | None = None


class ChangePrivacy(Struct, frozen=True):
    """What is absent stays."""

    message: PrivacyCircle | None = None
    find: PrivacyCircle | None = None
    find_by_handle: PrivacyCircle | None = None
    online: PrivacyCircle | None = None
    events: PrivacyCircle | None = None


class Search(Struct, frozen=True):
    """How a handle or a name begins, or a whole handle; an @ before it is skipped."""

    q: Annotated[str, Meta(max_length=200)]


class FoundPeople(Struct, frozen=True):
    """People who let me find them: an exact handle first, then my contacts."""

    people: list[FoundPerson]


class ContactHandlers:
    """The routes about contacts and privacy."""

    def __init__(
        self, contacts: Contacts, settings: PrivacyStore, finding: Finding, writer: Submitter
    ) -> None:
        self._contacts = contacts
        self._settings = settings
        self._finding = finding
        self._writer = writer

    async def contacts(self, call: Call) -> ContactPage:
        page = call.query(MyContacts)
        return await self._contacts.page(call.me, page.since, page.cursor, page.limit)

    async def add(self, call: Call) -> None:
        if call.person == call.me:
            raise Refused(Code.bad_request, "nobody is their own contact")
        await self._about(submit.contact(call.me, call.person, call.client_id))

    async def remove(self, call: Call) -> None:
        await self._about(submit.uncontact(call.me, call.person, call.client_id))

    async def _about(self, op: Op) -> None:
        try:
            await self._writer.submit(op)
        except Refused as refused:
            if refused.code is Code.not_found:
                raise unknown_person() from None
            if refused.code in _SENTENCES:
                raise Refused(refused.code, _SENTENCES[refused.code]) from None
            raise

    async def privacy(self, call: Call) -> Privacy:
        return await privacy_of(self._settings, call.me)

    async def change_privacy(self, call: Call) -> Privacy:
        wanted = call.body(ChangePrivacy)
        change = privacy_change(
            wanted.message, wanted.find, wanted.find_by_handle, wanted.online, wanted.events
        )
        await self._writer.submit(submit.privacy(call.me, call.client_id, change))
        return await self.privacy(call)

    async def accept_request(self, call: Call) -> None:
        await self._writer.submit(submit.accept_request(call.me, call.client_id, call.room))

    async def search(self, call: Call) -> FoundPeople:
        return FoundPeople(await self._finding.search(call.me, call.query(Search).q))
