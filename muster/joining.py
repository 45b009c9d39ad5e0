"""Who somebody is here whom another service vouches for.

    known there, and entered here before   that person
    a verified address of an account       that account, where the operator trusts the service with addresses
    else                                   a new person
    asked by who is logged in              linked to them, unless it is somebody's

Owns these rules. An address that is not verified, here or there, joins nothing; nor does any address an account of
the staff, which links by itself. Whoever has a second factor is asked for it, whichever way they came. Must never take
the last way in away.
"""

from __future__ import annotations

from enum import Enum
from typing import Protocol

from msgspec import Struct

from muster.arrivals import Arrivals, ExternalStore
from muster.emails import Emails
from muster.errors import Refused
from muster.ids import PersonId
from muster.letter import Kind
from muster.login import Login, SecondStep
from muster.metrics import IdentityMetrics
from muster.oauth import OAuth, Vouched
from muster.oauth_flow import address
from muster.people import PeopleStore
from muster.permission import ServiceRole
from muster.sessions import Grant, Install
from muster.tokens import Claims
from proto.codes import Code


class LinkedService(Struct, frozen=True, gc=False):
    """A service that my account is entered by."""

    name: str
    title: str
    linked_at_ms: int


class Linking(Enum):
    """What came of linking: `taken` by somebody else, `another` account there is linked already."""

    linked = "linked"
    taken = "taken"
    another = "another"


class Unlinking(Enum):
    """What came of the reverse."""

    unlinked = "unlinked"
    missing = "missing"
    last = "last"


class LinkStore(Protocol):
    """Where it stands who is entered by what. All raise `Refused`: `unavailable`."""

    async def linked(self, person: PersonId) -> dict[str, int]:
        """Realms, and since when in Unix ms."""
        ...

    async def link(self, person: PersonId, realm: str, subject: str) -> Linking: ...

    async def unlink(self, person: PersonId, realm: str) -> Unlinking: ...


class Known(Struct, frozen=True, gc=False):
    """Whom joining asks."""

    people: PeopleStore
    externals: ExternalStore
    links: LinkStore
    emails: Emails
    arrivals: Arrivals


class Joining:
    """Lets in and links."""

    def __init__(self, oauth: OAuth, known: Known, login: Login, metrics: IdentityMetrics) -> None:
        self._oauth = oauth
        self._people = known.people
        self._externals = known.externals
        self._links = known.links
        self._emails = known.emails
        self._arrivals = known.arrivals
        self._login = login
        self._metrics = metrics

    async def enter(
        self, code: str, verifier: str, install: Install, language: str
    ) -> Grant | SecondStep:
        """A session, or what its second step needs. Raises `Refused`."""
        vouched = await self._oauth.end(code, verifier)
        if vouched.person is not None:
            raise Refused(Code.unauthorized, "this code links an account; it lets nobody in")
        who = (vouched.provider.realm, vouched.said.subject)
        person = await self._externals.find(*who)
        if person is None:
            person = await self._joined(vouched) or await self._met(vouched, language)
        done = await self._login.vouched(person, install)
        self._metrics.count("oauth_in")
        return done

    async def link(self, who: Claims, code: str, verifier: str) -> None:
        """My account is entered by this, too. Raises `Refused`: `conflict` where it cannot be."""
        vouched = await self._oauth.end(code, verifier)
        if vouched.person != who.person or vouched.session != who.session:
            raise Refused(Code.unauthorized, "this code was made for another session")
        await self._link(who.person, vouched)

    async def linked(self, person: PersonId) -> list[LinkedService]:
        """By what my account is entered, of the services there are. Raises `Refused`: `unavailable`."""
        realms = await self._links.linked(person)
        return [
            LinkedService(one.name, one.title, realms[one.realm])
            for one in self._oauth.providers.values()
            if one.realm in realms
        ]

    async def unlink(self, person: PersonId, name: str) -> None:
        """No longer by this one. Raises `Refused`: `conflict` if it is the last way in."""
        provider = self._oauth.providers.get(name)
        if provider is None:
            raise Refused(Code.not_found, "nobody logs in by a service of this name here")
        match await self._links.unlink(person, provider.realm):
            case Unlinking.missing:
                raise Refused(Code.not_found, "this service is not linked to your account")
            case Unlinking.last:
                raise Refused(
                    Code.conflict, "this is your only way in; set a password or link another first"
                )
            case Unlinking.unlinked:
                self._metrics.count("oauth_unlinked")
                await self._emails.tell(person, Kind.unlinked, provider.title)

    async def _joined(self, vouched: Vouched) -> PersonId | None:
        """Whose verified address it is. Raises `Refused`: `conflict` where they have to link by themselves."""
        wanted = address(vouched.said)
        if wanted is None or not vouched.provider.trusts_email:
            return None
        owner = await self._emails.owner(wanted)
        account = None if owner is None else await self._people.account(owner)
        if owner is None or account is None:
            return None
        if account.role is not ServiceRole.user:
            raise Refused(Code.conflict, "log in to your account, and link this service there")
        await self._link(owner, vouched)
        return owner

    async def _met(self, vouched: Vouched, language: str) -> PersonId:
        """Somebody new; their verified address is theirs at once."""
        said, provider = vouched.said, vouched.provider
        # A handle is seen by all: it is never made of an address.
        arrived = await self._arrivals.meet((provider.realm, said.subject), said.handle, said.name)
        wanted = address(said)
        if arrived.fresh and wanted is not None and provider.trusts_email:
            await self._emails.adopt(arrived.person, wanted, language)
        return arrived.person

    async def _link(self, person: PersonId, vouched: Vouched) -> None:
        provider = vouched.provider
        match await self._links.link(person, provider.realm, vouched.said.subject):
            case Linking.taken:
                raise Refused(Code.conflict, "this account there belongs to somebody else here")
            case Linking.another:
                raise Refused(
                    Code.conflict, "another account of this service is linked; unlink it first"
                )
            case Linking.linked:
                self._metrics.count("oauth_linked")
                await self._emails.tell(person, Kind.linked, provider.title)
