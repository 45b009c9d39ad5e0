"""Mails in Postgres.

Owns the SQL of muster.mails.MailStore and muster.mailing.Outbox, and how a mail is put into somebody else's
transaction. Must never hold a word, only its hash, nor an address that is not sealed.
"""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

import msgspec

from muster.ids import PersonId
from muster.letter import Kind
from muster.mailing import Claimed, Outgoing
from muster.mails import NewMail, Presented, Tried
from muster.stores.postgres.moments import from_ms, to_ms
from muster.stores.postgres.pool import Database

ADD: Final = """
    SELECT add_mail_v1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12::text::jsonb, $13, $14, $15)
"""
_PRESENTED: Final = """
    SELECT m.mail_id, m.person_id, m.email_id, m.password_no FROM mails m
    JOIN people p ON p.person_id = m.person_id AND p.password_no = m.password_no
    WHERE m.mail_id = $1 AND m.kind = $2 AND m.word_hash = $3 AND m.used_at IS NULL AND m.expires_at > $4
"""
_TRIED: Final = """
    UPDATE mails SET tries = tries + 1 WHERE tries < $3 AND used_at IS NULL AND mail_id = (
        SELECT m.mail_id FROM mails m JOIN people p ON p.person_id = m.person_id AND p.password_no = m.password_no
        WHERE m.email_id = $1 AND m.person_id = $2 AND m.kind = 'verify' ORDER BY m.made_at DESC, m.mail_id DESC LIMIT 1
    ) RETURNING mail_id, expires_at
"""
_SPEND: Final = """
    UPDATE mails SET used_at = now() WHERE person_id = $1 AND kind = $2 AND used_at IS NULL
"""
_FIND: Final = """
    SELECT m.mail_id, m.kind, m.language, coalesce(p.handle_shown, ''), m.to_sealed, m.about, m.made_at,
           m.expires_at
    FROM mails m LEFT JOIN people p USING (person_id)
    WHERE m.mail_id = $1 AND m.sent_at IS NULL AND m.failure IS NULL AND m.to_sealed IS NOT NULL
"""
_CLAIM: Final = """
    UPDATE mails m SET person_id = p.person_id, password_no = coalesce(m.password_no, p.password_no)
    FROM emails e JOIN people p USING (person_id)
    WHERE m.mail_id = $1 AND e.address_blind = $2 AND e.verified_at IS NOT NULL AND p.banned_at IS NULL
      AND p.person_id = coalesce(m.person_id, p.person_id)
    RETURNING p.handle_shown, e.email_id, e.address_sealed
"""
_DROP: Final = "DELETE FROM mails WHERE mail_id = $1"
_SENT: Final = "UPDATE mails SET sent_at = now(), to_sealed = NULL WHERE mail_id = $1"
_FAILED: Final = "UPDATE mails SET failure = $2, to_sealed = NULL WHERE mail_id = $1"


def arguments(new: NewMail) -> tuple[Any, ...]:
    """Of ADD."""
    return (
        new.id,
        new.kind.value,
        new.language,
        new.person,
        new.email,
        new.to_sealed,
        new.to_blind,
        new.about,
        new.word_hash,
        from_ms(new.expires_at_ms),
        new.wish.id,
        msgspec.json.encode(new.wish.payload).decode(),
        *new.bounds,
    )


class PostgresMails:
    """See the contracts named above."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, new: NewMail) -> bool:
        [[added]] = await self._database.fetch(ADD, *arguments(new))
        return bool(added)

    async def presented(
        self, mail: UUID, kind: Kind, word_hash: bytes, now_ms: int
    ) -> Presented | None:
        row = await self._database.fetchrow(
            _PRESENTED, mail, kind.value, word_hash, from_ms(now_ms)
        )
        return None if row is None else Presented(row[0], PersonId(row[1]), row[2], row[3])

    async def tried(self, email: UUID, person: PersonId, most: int) -> Tried | None:
        row = await self._database.fetchrow(_TRIED, email, person, most)
        return None if row is None else Tried(row[0], to_ms(row[1]))

    async def spend(self, person: PersonId, kind: Kind) -> None:
        await self._database.execute(_SPEND, person, kind.value)

    async def find(self, mail: UUID) -> Outgoing | None:
        row = await self._database.fetchrow(_FIND, mail)
        if row is None:
            return None
        id_, kind, language, handle, to_sealed, about, made_at, expires_at = row
        return Outgoing(
            id_,
            Kind(kind),
            language,
            handle,
            to_sealed,
            about,
            to_ms(made_at),
            to_ms(expires_at),
        )

    async def claim(self, mail: UUID, address_blind: bytes) -> Claimed | None:
        row = await self._database.fetchrow(_CLAIM, mail, address_blind)
        if row is None:
            await self._database.execute(_DROP, mail)
            return None
        return Claimed(*row)

    async def sent(self, mail: UUID) -> None:
        await self._database.execute(_SENT, mail)

    async def failed(self, mail: UUID, why: str) -> None:
        await self._database.execute(_FAILED, mail, why)
