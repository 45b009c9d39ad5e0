"""Secrets of webhooks and events: sealed or nowhere, whoever of two releases wrote them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import NamedTuple
from uuid import UUID, uuid4

import asyncpg
import pytest_asyncio
from prometheus_client import CollectorRegistry

from muster.data_keys import SPREAD_S, DataKeys
from muster.envelope import key_of
from muster.resealing import Resealing
from muster.seal import SECRET_BYTES
from muster.sealing import Part
from muster.secret_sealing import PlainSecrets, SecretSealing
from muster.stores.postgres.data_keys import data_keys
from muster.stores.postgres.deliveries import PostgresDeliveries
from muster.stores.postgres.plain_secrets import PostgresSecrets
from muster.stores.postgres.pool import Database, open_database
from muster.stores.postgres.sealed import SEALED, PostgresSealed, contract, read_seals
from muster.stores.postgres.webhooks import PostgresWebhooks
from tests.fixtures.sealing import MASTERS, JumpingClock

ONE, TWO, THREE = (bytes([n]) * SECRET_BYTES for n in (1, 2, 3))
OLDER = "SELECT secret, CASE WHEN old_until > now() THEN old_secret END FROM take_webhook_v1($1, 0)"
"""How the release before takes an endpoint."""

ROW = "SELECT secret, old_secret, secrets_sealed FROM webhooks WHERE webhook_id = $1"


class World(NamedTuple):
    """A Postgres, a process of this release, and a connection as the release before has."""

    database: asyncpg.Connection
    pool: Database
    keys: DataKeys
    clock: JumpingClock
    registry: CollectorRegistry

    @property
    def webhooks(self) -> PostgresWebhooks:
        """Its endpoints."""
        return PostgresWebhooks(self.pool, self.keys.sealer)

    async def add(self, secret: bytes) -> UUID:
        """An endpoint that is owed something."""
        made = uuid4()
        assert await self.webhooks.add(made, "https://app", ["message.created"], secret)
        return await self._owed(made)

    async def add_before(self, secret: bytes) -> UUID:
        """The same, as the release before does."""
        made = uuid4()
        await self.database.fetchval(
            "SELECT add_webhook_v1($1, 'https://app', '{message.created}', $2, 20)", made, secret
        )
        return await self._owed(made)

    async def rotate_before(self, webhook: UUID, secret: bytes) -> None:
        """A new secret, as the release before writes it."""
        await self.database.execute(
            "UPDATE webhooks SET old_secret = secret, old_until = now() + interval '1 day', secret = $2"
            " WHERE webhook_id = $1",
            webhook,
            secret,
        )

    async def taken_before(self) -> tuple[bytes | None, ...]:
        """What the release before signs by."""
        [row] = await self.database.fetch(OLDER, uuid4())
        return tuple(row)

    async def _owed(self, webhook: UUID) -> UUID:
        await self.database.execute(
            "WITH e AS (INSERT INTO webhook_events (type, room_id, seq, fresh)"
            " VALUES ('message.created', gen_random_uuid(), 1, false) RETURNING event_id)"
            " INSERT INTO webhook_deliveries (webhook_id, event_id) SELECT $1, event_id FROM e",
            webhook,
        )
        return webhook

    async def signed_by(self) -> dict[UUID, list[bytes]]:
        """The secrets that deliveries to each endpoint are signed by now."""
        store, found = PostgresDeliveries(self.pool, self.keys.sealer), {}
        await self.database.execute("UPDATE webhooks SET next_at = clock_timestamp()")
        while endpoint := await store.take(uuid4(), 40.0):
            found[endpoint.id] = list(endpoint.secrets)
        return found

    async def sweep(self) -> None:
        """A round of this process."""
        parts: list[Part] = [
            SecretSealing(PostgresSecrets(self.pool), self.keys.sealer, self.clock),
            Resealing(PostgresSealed(self.pool), SEALED, self.keys.sealer, self.clock),
        ]
        for part in parts:
            assert not await part.sweep()

    async def beside(self) -> None:
        """The release before runs here."""
        await self.database.execute(
            "INSERT INTO installation (lanes, generation, timeline, push_tokens, secrets_alone_since)"
            " VALUES (4, gen_random_uuid(), 1, 'both', NULL)"
        )


@pytest_asyncio.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    database = await asyncpg.connect(database_url)
    pool = await open_database(database_url, "test", 4, lambda _: None)
    clock, registry = JumpingClock(), CollectorRegistry()
    keys = data_keys(pool, MASTERS, clock, registry)
    await keys.begin()
    yield World(database, pool, keys, clock, registry)
    await pool.close()
    await database.close()


async def test_a_new_installation_keeps_secrets_sealed_alone(world: World) -> None:
    """When they are made and when they are changed; both sign for a day, then the new one does."""
    hook = await world.add(ONE)
    assert await world.webhooks.rotate(hook, TWO)
    row = await world.database.fetchrow(ROW, hook)
    assert row is not None
    assert (row["secret"], row["old_secret"]) == (None, None)
    assert ONE not in row["secrets_sealed"]
    assert TWO not in row["secrets_sealed"]
    assert await world.signed_by() == {hook: [TWO, ONE]}
    await world.database.execute("UPDATE webhooks SET old_until = now() - interval '1 second'")
    assert await world.signed_by() == {hook: [TWO]}
    assert not await world.webhooks.rotate(uuid4(), THREE)


async def test_a_rotation_puts_them_under_the_new_key(world: World) -> None:
    """And they sign as before, then and while it goes on."""
    hook = await world.add(ONE)
    await world.webhooks.rotate(hook, TWO)
    assert await world.keys.rotate() == 3
    await world.keys.look()
    world.clock.jump(SPREAD_S + 1)
    assert await world.signed_by() == {hook: [TWO, ONE]}
    await world.sweep()
    assert key_of(await world.database.fetchval("SELECT secrets_sealed FROM webhooks")) == 3
    assert await world.signed_by() == {hook: [TWO, ONE]}


async def test_secrets_moved_to_another_endpoint_sign_nothing(world: World) -> None:
    """Who can write to the table cannot have our words signed by a secret that they know; others do not wait for it."""
    mine, theirs, third = await world.add(ONE), await world.add(TWO), await world.add(THREE)
    await world.database.execute(
        "UPDATE webhooks w SET secrets_sealed = o.secrets_sealed FROM webhooks o"
        " WHERE w.webhook_id = $1 AND o.webhook_id = $2",
        theirs,
        mine,
    )
    assert await world.signed_by() == {mine: [ONE], third: [THREE]}
    unopened = world.registry.get_sample_value("muster_seals_unopened_total", {"why": "damaged"})
    assert unopened == 1
    # A new secret makes it whole.
    assert await world.webhooks.rotate(theirs, TWO)
    assert (await world.signed_by())[theirs] == [TWO]


async def test_both_releases_sign_by_what_either_wrote(world: World) -> None:
    """Made by one and changed by the other, in both orders."""
    await world.beside()
    hook = await world.add(ONE)
    assert await world.taken_before() == (ONE, None)
    await world.rotate_before(hook, TWO)
    assert await world.signed_by() == {hook: [TWO, ONE]}
    assert await world.webhooks.rotate(hook, THREE)
    assert await world.signed_by() == {hook: [THREE, TWO]}
    await world.database.execute("UPDATE webhooks SET next_at = now()")
    assert await world.taken_before() == (THREE, TWO)
    await world.sweep()
    assert await world.taken_before() == (THREE, TWO)


async def test_what_the_release_before_wrote_is_sealed_and_then_emptied(world: World) -> None:
    """Sealed by a round; plain until somebody says that none of that release runs; then gone, and signing on."""
    await world.beside()
    hook = await world.add_before(ONE)
    await world.rotate_before(hook, TWO)
    facts = await read_seals(world.database)
    assert facts is not None
    assert (facts.plain_beside, facts.unsealed_secrets) == (True, 1)
    await world.sweep()
    row = await world.database.fetchrow(ROW, hook)
    assert row is not None
    assert (row["secret"], row["old_secret"]) == (TWO, ONE)
    assert row["secrets_sealed"] is not None
    assert await contract(world.database)
    assert not await contract(world.database)
    await world.sweep()
    row = await world.database.fetchrow(ROW, hook)
    assert row is not None
    assert (row["secret"], row["old_secret"]) == (None, None)
    assert await world.signed_by() == {hook: [TWO, ONE]}
    # What a straggler writes after that is sealed and emptied by the next round.
    await world.rotate_before(hook, THREE)
    assert await world.signed_by() == {hook: [THREE]}
    await world.sweep()
    assert await world.database.fetchval("SELECT secret FROM webhooks") is None
    assert await world.signed_by() == {hook: [THREE]}


async def test_a_secret_that_changes_meanwhile_is_not_overwritten(world: World) -> None:
    """A round puts back nothing that it read before."""
    await world.beside()
    hook = await world.add_before(ONE)
    store = PostgresSecrets(world.pool)
    [read] = await store.plain()
    await world.rotate_before(hook, TWO)
    sealing = SecretSealing(_Stale(store, read), world.keys.sealer, world.clock)
    await sealing.sweep()
    assert await world.signed_by() == {hook: [TWO, ONE]}
    assert repr(read) == f"PlainSecrets({hook})"


class _Stale(PostgresSecrets):
    """Reads what was there before."""

    def __init__(self, store: PostgresSecrets, read: PlainSecrets) -> None:
        self.__dict__ |= store.__dict__
        self._read = read

    async def plain(self) -> list[PlainSecrets]:
        return [self._read]


async def test_events_secrets_go_when_no_code_by_them_is_good_any_more(world: World) -> None:
    """Not before somebody says that none of the release before runs, nor at once."""
    await world.beside()
    await world.database.execute(
        "INSERT INTO events (room_id, visibility, doors_at, starts_at, ends_at, zone, secret)"
        " VALUES (gen_random_uuid(), 'public', now(), now(), now() + interval '1 hour', 'UTC', 'secret')"
    )
    plain = "SELECT count(*) FROM events WHERE secret IS NOT NULL"
    await world.sweep()
    await contract(world.database)
    await world.sweep()
    assert await world.database.fetchval(plain) == 1
    await world.database.execute(
        "UPDATE installation SET secrets_alone_since = now() - interval '5 minutes'"
    )
    await world.sweep()
    assert await world.database.fetchval(plain) == 0
