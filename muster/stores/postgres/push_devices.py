"""Devices registered for pushes, and what people want of pushes, in Postgres.

Owns the SQL of muster.registration.DeviceStore, muster.stale_devices.StaleStore, muster.push_wishes.WishesReader and
muster.token_sealing.TokenStore, and that a token lies sealed: plain, too, only for processes of the release before.
Must never give a token to anybody but who sends (the store of what is owed).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from muster.ids import DeviceId, PersonId, SessionId
from muster.push_device import TOKEN, Environment, Provider, TargetKind
from muster.push_wishes import PushWishes
from muster.registration import DEVICES_MOST, Registered, Registration, hashed
from muster.sealer import Sealer
from muster.stores.postgres.moments import to_ms
from muster.stores.postgres.pool import Database
from muster.token_sealing import PlainToken, SealedToken

_REGISTER: Final = "SELECT register_push_v2($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)"
_REGISTERED: Final = """
    SELECT provider, environment, topic, target_kind, locale, zone, app_version, privacy, shows_local, registered_at
    FROM push_devices WHERE device_id = $1 AND person_id = $2
"""
_PHASE: Final = "SELECT push_tokens FROM installation"
_REMOVE: Final = "DELETE FROM push_devices WHERE device_id = $1 AND person_id = $2"
_STANDS: Final = "SELECT true FROM push_devices WHERE device_id = $1 AND session_id = $2"
_WISHES: Final = """
    SELECT level, quiet_from_min, quiet_to_min, urgent_through FROM push_wishes WHERE person_id = $1
"""
_PLAIN: Final = """
    SELECT device_id, token FROM push_devices WHERE token_sealed IS NULL AND device_id > $1 ORDER BY device_id LIMIT $2
"""
_PUT_SEALED: Final = "SELECT seal_push_v1($1::uuid[], $2::text[], $3::bytea[], $4::bytea[])"
_EMPTY: Final = """
    WITH held AS (
        SELECT device_id FROM push_devices WHERE token IS NOT NULL AND token_sealed IS NOT NULL
            AND NOT EXISTS (SELECT FROM installation WHERE push_tokens = 'both')
        ORDER BY device_id LIMIT $1 FOR NO KEY UPDATE SKIP LOCKED
    )
    UPDATE push_devices d SET token = NULL FROM held h WHERE d.device_id = h.device_id
"""
_FORGET: Final = """
    WITH stale AS (
        SELECT device_id FROM push_devices WHERE seen_at < now() - make_interval(days => $1)
        ORDER BY seen_at LIMIT $2 FOR UPDATE SKIP LOCKED
    ), gone AS (
        DELETE FROM push_devices d USING stale s WHERE d.device_id = s.device_id RETURNING 1
    ) SELECT count(*) FROM gone
"""


class PostgresPushDevices:
    """See the contracts named above."""

    def __init__(self, database: Database, sealer: Sealer) -> None:
        self._database = database
        self._sealer = sealer
        self._sealed_alone = False

    async def register(
        self, device: DeviceId, person: PersonId, session: SessionId, wanted: Registration
    ) -> int | None:
        plain = wanted.token.encode()
        row = await self._database.fetchrow(
            _REGISTER,
            device,
            person,
            session,
            hashed(wanted.install),
            wanted.provider,
            wanted.environment,
            wanted.topic,
            await self._plain(wanted.token),
            self._sealer.seal(plain, TOKEN, device.bytes),
            self._sealer.blind(plain, TOKEN),
            wanted.target_kind,
            wanted.locale,
            wanted.zone,
            wanted.app_version,
            wanted.privacy,
            wanted.shows_local,
            DEVICES_MOST,
        )
        return None if row is None or row[0] is None else to_ms(row[0])

    async def _plain(self, token: str) -> str | None:
        """What Postgres is given besides the seal: nothing, once no process of the release before needs it."""
        if not self._sealed_alone:
            row = await self._database.fetchrow(_PHASE)
            self._sealed_alone = row is None or row[0] == "sealed"  # for good: it never goes back
        return None if self._sealed_alone else token

    async def registered(self, device: DeviceId, person: PersonId) -> Registered | None:
        row = await self._database.fetchrow(_REGISTERED, device, person)
        if row is None:
            return None
        provider, environment, topic, kind, locale, zone, version, privacy, shows_local, at = row
        return Registered(
            provider=Provider(provider),
            environment=Environment(environment),
            topic=topic,
            target_kind=TargetKind(kind),
            locale=locale,
            zone=zone,
            app_version=version,
            privacy=privacy,
            shows_local=shows_local,
            registered_at_ms=to_ms(at),
        )

    async def remove(self, device: DeviceId, person: PersonId) -> None:
        await self._database.execute(_REMOVE, device, person)

    async def stands(self, device: DeviceId, session: SessionId) -> bool:
        return await self._database.fetchrow(_STANDS, device, session) is not None

    async def wishes(self, person: PersonId) -> PushWishes:
        row = await self._database.fetchrow(_WISHES, person)
        return PushWishes() if row is None else PushWishes(*row)

    async def forget_stale(self, days: int, most: int) -> int:
        row = await self._database.fetchrow(_FORGET, days, most)
        return 0 if row is None else int(row[0])

    async def plain(self, after: UUID, most: int) -> list[PlainToken]:
        return [PlainToken(*row) for row in await self._database.fetch(_PLAIN, after, most)]

    async def put_sealed(self, tokens: Sequence[SealedToken]) -> int:
        row = await self._database.fetchrow(
            _PUT_SEALED,
            [each.plain.device for each in tokens],
            [each.plain.token for each in tokens],
            [each.sealed for each in tokens],
            [each.blind for each in tokens],
        )
        return 0 if row is None else int(row[0])

    async def empty(self, most: int) -> int:
        tag = await self._database.execute(_EMPTY, most)
        return int(tag.rsplit(" ", 1)[1])
