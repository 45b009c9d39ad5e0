"""Second factors and logins that wait for one, in Postgres.

Owns the SQL of muster.second_factor.FactorStore and muster.login.HalfStore. Must never hold a secret that is not
sealed, nor a code or token but its hash, and never decide about a code: muster/totp.py does, while the row is held.
"""

from __future__ import annotations

from typing import Final

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from muster.ids import DeviceId, PersonId
from muster.login import Half
from muster.second_factor import After, Factor, Held, Judge
from muster.stores.postgres.moments import from_ms, to_ms
from muster.stores.postgres.pool import Database
from muster.totp import Judged, State, Verdict

_FIND: Final = """
    SELECT f.confirmed_at IS NOT NULL, f.made_at,
           (SELECT count(*) FROM recovery_codes c WHERE c.person_id = f.person_id AND c.used_at IS NULL)
    FROM second_factors f WHERE f.person_id = $1
"""
# Wrong codes are remembered over a new beginning: else beginning anew would be a way to go on guessing.
_BEGIN: Final = """
    INSERT INTO second_factors AS f (person_id, secret_sealed) VALUES ($1, $2)
    ON CONFLICT (person_id) DO UPDATE SET secret_sealed = excluded.secret_sealed, made_at = now(), last_step = 0
        WHERE f.confirmed_at IS NULL
"""
_HOLD: Final = """
    SELECT secret_sealed, confirmed_at IS NOT NULL, last_step, tries, locks, locked_until
    FROM second_factors WHERE person_id = $1 FOR UPDATE
"""
_FITS: Final = """
    SELECT 1 FROM recovery_codes WHERE person_id = $1 AND code_hash = $2 AND used_at IS NULL
"""
_KEEP: Final = """
    UPDATE second_factors SET last_step = $2, tries = $3, locks = $4, locked_until = $5,
        confirmed_at = CASE WHEN $6 THEN coalesce(confirmed_at, now()) ELSE confirmed_at END
    WHERE person_id = $1
"""
_USED: Final = "UPDATE recovery_codes SET used_at = now() WHERE person_id = $1 AND code_hash = $2"
_FORGET: Final = "DELETE FROM recovery_codes WHERE person_id = $1"
_CODES: Final = "INSERT INTO recovery_codes (person_id, code_hash) SELECT $1, unnest($2::bytea[])"
_REMOVE: Final = "DELETE FROM second_factors WHERE person_id = $1"

# Old ones of anybody go with each new one: there is never more than what was begun lately.
_HALF: Final = """
    WITH old AS (
        DELETE FROM half_logins h USING (
            SELECT token_hash FROM half_logins WHERE expires_at < now() LIMIT 20 FOR UPDATE SKIP LOCKED
        ) o WHERE h.token_hash = o.token_hash
    )
    INSERT INTO half_logins (token_hash, person_id, device_id, app, version, platform, password_no, expires_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
"""
_HALF_COLUMNS = "person_id, device_id, app, version, platform, password_no, expires_at"
_FIND_HALF: Final = f"SELECT {_HALF_COLUMNS} FROM half_logins WHERE token_hash = $1"  # noqa: S608  # constant
_USE_HALF: Final = "DELETE FROM half_logins WHERE token_hash = $1"


class PostgresSecondFactors:
    """See `muster.second_factor.FactorStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, person: PersonId) -> Factor | None:
        row = await self._database.fetchrow(_FIND, person)
        return None if row is None else Factor(row[0], to_ms(row[1]), row[2])

    async def begin(self, person: PersonId, sealed: bytes) -> bool:
        return await self._database.execute(_BEGIN, person, sealed) == "INSERT 0 1"

    async def settle(
        self, person: PersonId, recovery: bytes | None, judge: Judge, after: After
    ) -> Judged | None:
        async with self._database.transaction() as connection:
            row = await connection.fetchrow(_HOLD, person)
            if row is None:
                return None
            fits = recovery is not None and await connection.fetchval(_FITS, person, recovery)
            judged = judge(Held(row[0], row[1], _state(row), bool(fits)))
            right = judged.verdict is Verdict.right
            await _keep(connection, person, judged.state, confirm=right and after.confirm)
            if right:
                if fits:
                    await connection.execute(_USED, person, recovery)
                await _do(connection, person, after)
            return judged


class PostgresHalfLogins:
    """See `muster.login.HalfStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, token_hash: bytes, half: Half) -> None:
        await self._database.execute(
            _HALF,
            token_hash,
            half.person,
            half.device,
            half.app,
            half.version,
            half.platform,
            half.password_no,
            from_ms(half.expires_at_ms),
        )

    async def find(self, token_hash: bytes) -> Half | None:
        row = await self._database.fetchrow(_FIND_HALF, token_hash)
        if row is None:
            return None
        person, device, app, version, platform, password_no, expires_at = row
        return Half(
            PersonId(person),
            DeviceId(device),
            app,
            version,
            platform,
            password_no,
            to_ms(expires_at),
        )

    async def use(self, token_hash: bytes) -> bool:
        return await self._database.execute(_USE_HALF, token_hash) == "DELETE 1"


def _state(row: asyncpg.Record) -> State:
    return State(row[2], row[3], row[4], 0 if row[5] is None else to_ms(row[5]))


async def _keep(
    connection: PoolConnectionProxy, person: PersonId, state: State, *, confirm: bool
) -> None:
    until = from_ms(state.locked_until_ms) if state.locked_until_ms else None
    await connection.execute(
        _KEEP, person, state.last_step, state.tries, state.locks, until, confirm
    )


async def _do(connection: PoolConnectionProxy, person: PersonId, after: After) -> None:
    if after.remove:
        await connection.execute(_REMOVE, person)
    elif after.codes is not None:
        await connection.execute(_FORGET, person)
        await connection.execute(_CODES, person, list(after.codes))
