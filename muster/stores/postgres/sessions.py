"""Sessions and refresh tokens in Postgres.

Owns the SQL of muster.sessions.SessionStore. Must never hold a token, only its hash, and never decide about one:
muster/refresh.py does, on what was read under the lock of the family.
"""

from __future__ import annotations

from typing import Final

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from muster import refresh
from muster.ids import DeviceId, PersonId, SessionId
from muster.permission import ServiceRole
from muster.refresh import RefreshState, Verdict
from muster.security_events import Kind
from muster.sessions import Family, NewSession, Rotated, Session
from muster.stores.postgres.moments import from_ms, to_ms
from muster.stores.postgres.pool import Database
from muster.stores.postgres.security_events import note

# The lock settles who comes first: a ban that waits for it ends this session too, one that was there
# before it is seen here. So with a change of the password, which ends the sessions of before,
# and with an erasure.
ADD: Final = """
    WITH person AS (
        SELECT person_id FROM people WHERE person_id = $2 AND banned_at IS NULL AND erased_at IS NULL
            AND password_no = coalesce($10, password_no) FOR SHARE
    ), session AS (
        INSERT INTO sessions (session_id, person_id, device_id, app, version, platform, expires_at)
        SELECT $1, person_id, $3, $4, $5, $6, $7 FROM person RETURNING session_id
    )
    INSERT INTO refresh_tokens (token_hash, session_id, expires_at) SELECT $8, session_id, $9 FROM session
"""
_OF_PERSON: Final = """
    SELECT s.session_id, s.device_id, s.app, s.version, s.platform, s.created_at, s.expires_at,
           coalesce((SELECT max(t.issued_at) FROM refresh_tokens t WHERE t.session_id = s.session_id), s.created_at)
    FROM sessions s WHERE s.person_id = $1 AND s.revoked_at IS NULL AND s.expires_at > $2
    ORDER BY s.created_at DESC, s.session_id DESC LIMIT 200
"""
_BEYOND: Final = """
    SELECT session_id FROM sessions WHERE person_id = $1 AND revoked_at IS NULL AND expires_at > $2
    ORDER BY created_at DESC, session_id DESC OFFSET $3 LIMIT 10
"""
# A statement of its own: the next one must see what was committed before the lock was granted.
_LOCK: Final = """
    SELECT 1 FROM sessions WHERE session_id = (SELECT t.session_id FROM refresh_tokens t WHERE t.token_hash = $1)
    FOR NO KEY UPDATE
"""
_FIND: Final = """
    SELECT s.session_id, s.person_id, s.device_id, p.service_role, t.expires_at, s.expires_at,
           t.retired_at IS NOT NULL, s.revoked_at IS NOT NULL, p.banned_at IS NOT NULL, t.salt
    FROM refresh_tokens t JOIN sessions s USING (session_id) JOIN people p USING (person_id)
    WHERE t.token_hash = $1
"""
# A device that is registered for pushes was seen, by this session; at most once a day it is written.
_USE: Final = """
    WITH used AS (
        UPDATE refresh_tokens SET used_at = $2, salt = $3 WHERE token_hash = $1 RETURNING session_id, predecessor
    ), retired AS (
        UPDATE refresh_tokens t SET retired_at = $2 FROM used u WHERE t.token_hash = u.predecessor
    ), seen AS (
        UPDATE push_devices d SET seen_at = $2, session_id = s.session_id,
            session_until = least(s.expires_at, $5::timestamptz) + interval '1 day'
        FROM used u JOIN sessions s USING (session_id) WHERE d.device_id = s.device_id
          AND (d.seen_at < $2 - interval '1 day' OR d.session_id <> s.session_id)
    )
    INSERT INTO refresh_tokens (token_hash, session_id, predecessor, issued_at, expires_at)
    SELECT $4, u.session_id, $1, $2, $5 FROM used u
"""


class PostgresSessions:
    """See `muster.sessions.SessionStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, new: NewSession) -> bool:
        install = new.install
        tag = await self._database.execute(
            ADD,
            new.id,
            new.person,
            new.device,
            install.app,
            install.version,
            install.platform,
            from_ms(new.expires_at_ms),
            new.token_hash,
            from_ms(new.token_expires_at_ms),
            new.password_no,
        )
        return tag == "INSERT 0 1"

    async def of_person(self, person: PersonId, now_ms: int) -> list[Session]:
        rows = await self._database.fetch(_OF_PERSON, person, from_ms(now_ms))
        return [
            Session(
                id=SessionId(row[0]),
                device=DeviceId(row[1]),
                app=row[2],
                version=row[3],
                platform=row[4],
                created_at_ms=to_ms(row[5]),
                expires_at_ms=to_ms(row[6]),
                used_at_ms=to_ms(row[7]),
            )
            for row in rows
        ]

    async def beyond(self, person: PersonId, now_ms: int, most: int) -> list[SessionId]:
        rows = await self._database.fetch(_BEYOND, person, from_ms(now_ms), most)
        return [SessionId(row[0]) for row in rows]

    async def rotate(
        self, token: bytes, now_ms: int, fresh_salt: bytes, expires_at_ms: int
    ) -> Rotated:
        token_hash = refresh.stored(token)
        async with self._database.transaction() as connection:
            await connection.fetchrow(_LOCK, token_hash)
            row = await connection.fetchrow(_FIND, token_hash)
            state = None if row is None else _state(row)
            verdict = refresh.judge(state, now_ms)
            family = None if row is None else _family(row)
            if verdict is Verdict.first_use:
                successor = refresh.successor(token, fresh_salt)
                await _use(connection, token_hash, now_ms, fresh_salt, successor, expires_at_ms)
                return Rotated(verdict, family, successor)
            if verdict is Verdict.repeated and state is not None and state.salt is not None:
                return Rotated(verdict, family, refresh.successor(token, state.salt))
            if verdict is Verdict.reused and family is not None:
                await note(connection, family.person, Kind.refresh_reused, family.session)
            return Rotated(verdict, family)


async def _use(
    connection: PoolConnectionProxy,
    token_hash: bytes,
    now_ms: int,
    salt: bytes,
    successor: bytes,
    expires_at_ms: int,
) -> None:
    await connection.execute(
        _USE,
        token_hash,
        from_ms(now_ms),
        salt,
        refresh.stored(successor),
        from_ms(expires_at_ms),
    )


def _state(row: asyncpg.Record) -> RefreshState:
    return RefreshState(
        expires_at_ms=to_ms(row[4]),
        session_ends_at_ms=to_ms(row[5]),
        retired=row[6],
        revoked=row[7],
        banned=row[8],
        salt=row[9],
    )


def _family(row: asyncpg.Record) -> Family:
    return Family(SessionId(row[0]), PersonId(row[1]), DeviceId(row[2]), ServiceRole(row[3]))
