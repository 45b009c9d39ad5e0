"""Handlers about what happened to the security of accounts.

Owns the bodies of these routes. Must never say more of somebody's than muster/security_events.py keeps.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from api.route import Call
from muster.people import People
from muster.security_events import SecurityPage, SecurityStore, events_of


class SecurityQuery(Struct, frozen=True):
    """A page of them."""

    limit: Annotated[int, Meta(ge=1, le=200)] = 50
    cursor: Annotated[str, Meta(max_length=200)] | None = None


class SecurityHandlers:
    """The routes."""

    def __init__(self, store: SecurityStore, people: People) -> None:
        self._store = store
        self._people = people

    async def mine(self, call: Call) -> SecurityPage:
        wanted = call.query(SecurityQuery)
        return await events_of(self._store, call.me, wanted.cursor, wanted.limit)

    async def of_person(self, call: Call) -> SecurityPage:
        await self._people.may_act(call.claims.role, call.person)
        wanted = call.query(SecurityQuery)
        return await events_of(self._store, call.person, wanted.cursor, wanted.limit)
