"""Answers kept for 24 hours, so that a request repeated with the same key is not done twice.

Owns claims on keys. Neither the key nor the request is kept, only a hash of the one and an HMAC of the other.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final, NamedTuple

from muster.ids import PersonId
from muster.stores.postgres.pool import Database

KEPT_H: Final = 24
STALLED_S: Final = 10
"""A claim this old without an answer was left by a process that died: the next request takes it over."""

_SWEEP_ROWS: Final = 5_000

# Neither a claim nor an answer waits for the disk: what is done under a claim is committed after it, so where that is
# durable the claim is, and an answer that a crash takes along is as one whose process died.
_QUICK: Final = "quick AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true))"

# One claim wins: a new key, one past its day, or one whose first request never came to an answer.
_CLAIM: Final = f"""
    WITH {_QUICK}
    INSERT INTO idempotency_keys AS k (person_id, key, fingerprint) SELECT $1, $2, $3 FROM quick WHERE true
    ON CONFLICT (person_id, key) DO UPDATE SET fingerprint = excluded.fingerprint, status = NULL, answer = NULL,
        at = now()
    WHERE k.at < now() - interval '{KEPT_H} hours'
       OR (k.status IS NULL AND k.fingerprint = excluded.fingerprint AND k.at < now() - interval '{STALLED_S} seconds')
    RETURNING 1
"""  # noqa: S608  # constant numbers
_FIND: Final = (
    "SELECT fingerprint, status, answer FROM idempotency_keys WHERE person_id = $1 AND key = $2"
)
_KEEP: Final = f"""
    WITH {_QUICK}
    UPDATE idempotency_keys SET status = $3, answer = $4 FROM quick WHERE person_id = $1 AND key = $2
"""  # noqa: S608  # a constant
_FORGET: Final = "DELETE FROM idempotency_keys WHERE person_id = $1 AND key = $2 AND status IS NULL"
_SWEEP: Final = f"""
    DELETE FROM idempotency_keys k USING (
        SELECT person_id, key FROM idempotency_keys WHERE at < now() - interval '{KEPT_H} hours'
        ORDER BY at LIMIT {_SWEEP_ROWS} FOR UPDATE SKIP LOCKED
    ) old WHERE k.person_id = old.person_id AND k.key = old.key
"""  # noqa: S608  # constant numbers
_SWEEP_TOKENS: Final = f"""
    DELETE FROM refresh_tokens t USING (
        SELECT token_hash FROM refresh_tokens WHERE expires_at < now() - interval '1 day'
        ORDER BY expires_at LIMIT {_SWEEP_ROWS} FOR UPDATE SKIP LOCKED
    ) old WHERE t.token_hash = old.token_hash
"""  # noqa: S608  # constant numbers


class Claim(NamedTuple):
    """One request under one key: hashes of both."""

    person: PersonId
    key: bytes
    fingerprint: bytes


class Kept(NamedTuple):
    """What is known of an earlier request. `same`: it asked for the same; no status: not answered yet."""

    same: bool
    status: int | None
    answer: bytes | None


def claim(person: PersonId, key: str, method: str, path: str, body: bytes) -> Claim:
    """The claim of a request. The HMAC's key is the client's own, so a stolen table betrays no password."""
    secret = key.encode("utf-8", "replace")
    request = b"\0".join((method.encode(), path.encode("utf-8", "replace"), body))
    return Claim(
        person,
        hashlib.sha256(secret).digest(),
        hmac.digest(secret.ljust(1, b"\0"), request, "sha256"),
    )


class PostgresIdempotency:
    """Keeps answers by claim."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(self, claim: Claim) -> Kept | None:
        """`None`: the claim is ours, do the work. Else what an earlier request came to."""
        if await self._database.fetchrow(_CLAIM, *claim) is not None:
            return None
        row = await self._database.fetchrow(_FIND, claim.person, claim.key)
        if row is None:
            return Kept(True, None, None)
        return Kept(hmac.compare_digest(row[0], claim.fingerprint), row[1], row[2])

    async def keep(self, claim: Claim, status: int, answer: bytes) -> None:
        """The answer that later requests get."""
        await self._database.execute(_KEEP, claim.person, claim.key, status, answer)

    async def forget(self, claim: Claim) -> None:
        """It came to nothing that would stand: the next request does the work."""
        await self._database.execute(_FORGET, claim.person, claim.key)

    async def sweep(self) -> bool:
        """Remove answers past their day and refresh tokens long expired, some at a time; whether there may be more."""
        removed = [await self._database.execute(sql) for sql in (_SWEEP, _SWEEP_TOKENS)]
        return f"DELETE {_SWEEP_ROWS}" in removed
