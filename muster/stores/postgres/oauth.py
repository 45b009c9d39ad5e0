"""Logins by other services, and what accounts are entered by, in Postgres.

Owns the SQL of muster.oauth_flow.FlowStore and muster.joining.LinkStore. Must never hold a state or a code, only their
hashes, nor what a service said but sealed.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from uuid import UUID

from muster.ids import PersonId, SessionId
from muster.joining import Linking, Unlinking
from muster.oauth_flow import Ended, NewFlow, Returned
from muster.stores.postgres.moments import to_ms
from muster.stores.postgres.pool import Database

# Old ones of anybody go with each new one: there is never more than what was begun lately.
_ADD: Final = """
    WITH old AS (
        DELETE FROM oauth_flows f USING (
            SELECT flow_id FROM oauth_flows WHERE expires_at < now() LIMIT 20 FOR UPDATE SKIP LOCKED
        ) o WHERE f.flow_id = o.flow_id
    )
    INSERT INTO oauth_flows (flow_id, provider, state_hash, challenge, redirect, person_id, session_id, expires_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, now() + $8::interval)
"""
_COME_BACK: Final = """
    UPDATE oauth_flows SET state_hash = NULL WHERE state_hash = $1 AND provider = $2 AND expires_at > now()
    RETURNING flow_id, redirect
"""
_KEEP: Final = """
    UPDATE oauth_flows SET code_hash = $2, said_sealed = $3, expires_at = now() + $4::interval WHERE flow_id = $1
"""
_END: Final = """
    WITH ended AS (DELETE FROM oauth_flows WHERE code_hash = $1 RETURNING *)
    SELECT flow_id, provider, challenge, person_id, session_id, said_sealed FROM ended WHERE expires_at > now()
"""
_LINKED: Final = "SELECT realm, at FROM externals WHERE person_id = $1"
_LINK: Final = "SELECT link_external_v1($1, $2, $3)"
_UNLINK: Final = "SELECT unlink_external_v1($1, $2)"


class PostgresFlows:
    """See `muster.oauth_flow.FlowStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, new: NewFlow, within_s: int) -> None:
        await self._database.execute(
            _ADD,
            new.id,
            new.provider,
            new.state_hash,
            new.challenge,
            new.redirect,
            new.person,
            new.session,
            timedelta(seconds=within_s),
        )

    async def come_back(self, state_hash: bytes, provider: str) -> Returned | None:
        row = await self._database.fetchrow(_COME_BACK, state_hash, provider)
        return None if row is None else Returned(row[0], row[1])

    async def keep(self, flow: UUID, code_hash: bytes, said_sealed: bytes, within_s: int) -> None:
        await self._database.execute(
            _KEEP, flow, code_hash, said_sealed, timedelta(seconds=within_s)
        )

    async def end(self, code_hash: bytes) -> Ended | None:
        row = await self._database.fetchrow(_END, code_hash)
        if row is None:
            return None
        flow, provider, challenge, person, session, said = row
        return Ended(
            flow,
            provider,
            challenge,
            None if person is None else PersonId(person),
            None if session is None else SessionId(session),
            said,
        )


class PostgresServices:
    """See `muster.joining.LinkStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def linked(self, person: PersonId) -> dict[str, int]:
        rows = await self._database.fetch(_LINKED, person)
        return {row[0]: to_ms(row[1]) for row in rows}

    async def link(self, person: PersonId, realm: str, subject: str) -> Linking:
        [[outcome]] = await self._database.fetch(_LINK, person, realm, subject)
        return Linking(outcome)

    async def unlink(self, person: PersonId, realm: str) -> Unlinking:
        [[outcome]] = await self._database.fetch(_UNLINK, person, realm)
        return Unlinking(outcome)
