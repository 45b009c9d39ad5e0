"""The claims of sealed columns: rows change keys while people write, and nobody reads what was moved."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from typing import NamedTuple
from uuid import UUID, uuid4

import asyncpg
import pytest_asyncio
from prometheus_client import CollectorRegistry

from muster.data_keys import SPREAD_S, DataKeys
from muster.envelope import key_of
from muster.ids import DeviceId, PersonId, SessionId
from muster.push_device import TOKEN, Environment, Privacy, Provider, TargetKind
from muster.registration import Registration
from muster.resealing import BATCH, Resealing
from muster.sealer import Field
from muster.stores.postgres.data_keys import data_keys
from muster.stores.postgres.owed import PostgresOwed
from muster.stores.postgres.pool import Database, open_database
from muster.stores.postgres.push_devices import PostgresPushDevices
from muster.stores.postgres.sealed import SEALED, PostgresSealed, read_seals
from muster.token_sealing import TokenSealing
from tests.fixtures.sealing import MASTERS, JumpingClock
from tests.stores.postgres.debtors import ground, register
from tests.vocabulary import new_id, person, room_of, say

SCAN = "SELECT device_id, token, token_sealed FROM push_devices"


class Process(NamedTuple):
    """One that seals, with what it measures."""

    keys: DataKeys
    registry: CollectorRegistry
    devices: PostgresPushDevices
    pool: Database
    clock: JumpingClock

    def resealing(self) -> Resealing:
        """Its rounds."""
        return Resealing(PostgresSealed(self.pool), SEALED, self.keys.sealer, self.clock)

    def filling(self) -> TokenSealing:
        """Its rounds for what lies plain."""
        return TokenSealing(self.devices, self.keys.sealer, self.clock)

    def unopened(self, why: str) -> float:
        """How many seals did not open."""
        return self.registry.get_sample_value("muster_seals_unopened_total", {"why": why}) or 0.0

    def token(self, row: asyncpg.Record) -> str:
        """A row's, which only lies sealed."""
        return self.keys.sealer.open(row["token_sealed"], TOKEN, row["device_id"].bytes).decode()


async def _process(pool: Database, clock: JumpingClock) -> Process:
    registry = CollectorRegistry()
    keys = data_keys(pool, MASTERS, clock, registry)
    await keys.begin()
    return Process(keys, registry, PostgresPushDevices(pool, keys.sealer), pool, clock)


class World(NamedTuple):
    """A Postgres and two processes that see the same clock."""

    database: asyncpg.Connection
    one: Process
    two: Process

    async def session(self, device: UUID, owner: UUID) -> SessionId:
        """One to register with."""
        session: UUID = await self.database.fetchval(
            "INSERT INTO sessions (session_id, person_id, device_id, expires_at)"
            " VALUES (gen_random_uuid(), $1, $2, now() + interval '7 days') RETURNING session_id",
            owner,
            device,
        )
        return SessionId(session)

    async def register(self, process: Process, device: UUID, owner: UUID, token: str) -> None:
        """As the api does."""
        session = await self.session(device, owner)
        made = await process.devices.register(
            DeviceId(device), PersonId(owner), session, phone(token)
        )
        assert made is not None

    async def register_before(self, device: UUID, owner: UUID, token: str) -> None:
        """As the release before does."""
        await self.database.execute(
            "SELECT register_push_v1($1, $2, $3, 'i', 'apns', 'production', 'app', $4, 'token', 'en', 'UTC', '1.0',"
            " 'full', false, 20)",
            device,
            owner,
            await self.session(device, owner),
            token,
        )


def phone(token: str) -> Registration:
    """An app's registration."""
    kind, shown = TargetKind.token, Privacy.full
    return Registration(
        "i", Provider.apns, Environment.production, "app", token, kind, "en", "UTC", "1", shown, False
    )  # fmt: skip


@pytest_asyncio.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    database = await asyncpg.connect(database_url)
    pool = await open_database(database_url, "test", 4, lambda _: None)
    clock = JumpingClock()
    yield World(database, await _process(pool, clock), await _process(pool, clock))
    await pool.close()
    await database.close()


async def _both(database: asyncpg.Connection) -> None:
    """This installation had the release before."""
    await database.execute(
        "INSERT INTO installation (lanes, generation, timeline, push_tokens) VALUES (4, gen_random_uuid(), 1, 'both')"
    )


async def test_every_sealed_column_is_in_the_list_and_found_by_its_key(world: World) -> None:
    """One that is not would be forgotten by a rotation."""
    columns = await world.database.fetch(
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'"
        " AND column_name LIKE '%\\_sealed'"
    )
    assert {Field(*row) for row in columns} == {column.field for column in SEALED}
    for column in SEALED:
        definitions = await world.database.fetch(
            "SELECT indexdef FROM pg_indexes WHERE tablename = $1", column.field.table
        )
        wanted = f"(seal_key_v1({column.field.column}), {column.key})"
        assert any(row[0].endswith(wanted) for row in definitions), column


async def test_rows_change_keys_while_people_write_and_read(world: World) -> None:
    """No read fails, a round that is broken off is gone on with by another process, and all end on the new key."""
    devices = [uuid4() for _ in range(3 * BATCH)]
    sealer = world.one.keys.sealer
    await world.database.executemany(
        "INSERT INTO push_devices (device_id, person_id, install, provider, environment, topic, token_sealed,"
        " token_blind, target_kind, locale, zone, session_id)"
        " VALUES ($1, $1, '', 'apns', 'production', 'app', $2, $3, 'token', 'en', 'UTC', $1)",
        [
            (d, sealer.seal(d.hex.encode(), TOKEN, d.bytes), sealer.blind(d.hex.encode(), TOKEN))
            for d in devices
        ],
    )
    await world.database.executemany(
        "INSERT INTO people (person_id, handle, handle_shown, name) VALUES ($1, $2, $2, '')",
        [(device, f"p{device.hex[:12]}") for device in devices],
    )
    assert await world.one.keys.rotate() == 3
    await world.one.keys.look()
    await world.two.keys.look()
    done = asyncio.Event()
    written: dict[UUID, str] = {}
    reads = 0

    async def write() -> None:
        """People whose apps bring another token, some of them to a process that has not heard of the time yet."""
        for number, device in enumerate(devices[:: 3 * BATCH // 60]):
            token = secrets.token_hex(32)
            process = (world.one, world.two)[number % 2]
            await world.register(process, device, device, token)
            written[device] = token

    async def read() -> None:
        nonlocal reads
        while not done.is_set():
            for row in await world.one.pool.fetch(SCAN):
                world.two.token(row)
                reads += 1

    async def change() -> None:
        world.one.clock.jump(SPREAD_S + 1)
        column = SEALED[0]
        store = PostgresSealed(world.one.pool)
        # The first process dies after one batch.
        rows = await store.under(column, 2, UUID(int=0), BATCH)
        await store.replace(column, world.one.resealing().resealed(column.field, rows))
        await asyncio.gather(world.two.resealing().sweep(), world.one.resealing().sweep())

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(read())
        writing = tasks.create_task(write())
        await change()
        await writing
        while await world.two.resealing().sweep():
            pass
        done.set()
    rows = await world.database.fetch(SCAN)
    assert {key_of(row["token_sealed"]) for row in rows} == {3}
    assert len(rows) == len(devices)
    for row in rows:
        wanted = written.get(row["device_id"], row["device_id"].hex)
        assert world.one.token(row) == wanted
    assert reads > 0
    assert world.two.unopened("unknown_key") == world.two.unopened("damaged") == 0


async def test_a_row_that_somebody_writes_is_not_overwritten(world: World) -> None:
    """What was read before is put back nowhere: neither where it was changed, nor where somebody is at it."""
    ada, eve = await person(world.database), await person(world.database)
    changed, held = uuid4(), uuid4()
    for device, owner in ((changed, ada), (held, eve)):
        await world.register(world.one, device, owner, f"old {device}")
    await world.one.keys.rotate()
    await world.one.keys.look()
    world.one.clock.jump(SPREAD_S + 1)
    store, column = PostgresSealed(world.one.pool), SEALED[0]
    rows = await store.under(column, 2, UUID(int=0), BATCH)
    again = world.one.resealing().resealed(column.field, rows)
    await world.register(world.one, changed, ada, "new")
    async with world.database.transaction():
        await world.database.execute(
            "SELECT FROM push_devices WHERE device_id = $1 FOR UPDATE", held
        )
        assert await store.replace(column, again) == 0
    assert await store.replace(column, again) == 1
    tokens = {row["device_id"]: world.one.token(row) for row in await world.database.fetch(SCAN)}
    assert tokens == {changed: "new", held: f"old {held}"}


async def test_a_token_moved_to_another_device_rings_nobody(database_url: str) -> None:
    """Sealed bytes are bound to their row: whoever can write to the table cannot turn pushes to a phone of theirs."""
    async with ground(database_url) as on:
        ada, eve = await person(on.database), await person(on.database)
        room = await room_of(on.writer, ada, eve)
        mine, theirs = await register(on.database, ada), await register(on.database, eve)
        registry = CollectorRegistry()
        keys = data_keys(on.pool, MASTERS, JumpingClock(), registry)
        await keys.begin()
        await TokenSealing(
            PostgresPushDevices(on.pool, keys.sealer), keys.sealer, JumpingClock()
        ).sweep()
        store = type(on.store)(on.pool, keys.sealer)
        at = on._replace(store=store)
        await say(on.writer, ada, room, "hello")
        [device] = (await at.one(eve, room)).devices
        assert device.token == f"token of {theirs}"
        await on.database.execute(
            "UPDATE push_devices p SET token_sealed = o.token_sealed FROM push_devices o"
            " WHERE o.device_id <> p.device_id"
        )
        assert (await at.one(eve, room)).devices == ()
        assert registry.get_sample_value("muster_seals_unopened_total", {"why": "damaged"}) == 1
        assert mine != theirs


async def test_a_provider_that_gives_a_token_up_ends_that_one_alone(world: World) -> None:
    """It is found by its blind index; a token that came in its place since stays."""
    ada, device = await person(world.database), uuid4()
    store = PostgresOwed(world.two.pool, world.two.keys.sealer)
    await world.register(world.one, device, ada, "old")
    await world.register(world.one, device, ada, "new")
    assert not await store.drop_token(device, "old", None)
    assert await store.drop_token(device, "new", None)
    assert await world.database.fetchval("SELECT count(*) FROM push_devices") == 0


async def test_both_releases_write_beside_each_other(world: World) -> None:
    """One token has one owner whoever registers it, and each reads what the other wrote."""
    await _both(world.database)
    ada, eve = await person(world.database), await person(world.database)
    phone_of_ada, phone_of_eve = uuid4(), uuid4()
    whose = "SELECT person_id, token FROM push_devices"
    for _ in range(2):
        await world.register_before(phone_of_ada, ada, "token")
        assert [tuple(row) for row in await world.database.fetch(whose)] == [(ada, "token")]
        await world.register(world.one, phone_of_eve, eve, "token")
        # The release before reads it plain.
        assert [tuple(row) for row in await world.database.fetch(whose)] == [(eve, "token")]
    await world.register_before(phone_of_eve, eve, "another")
    [row] = await world.database.fetch(SCAN)
    assert (row["token"], row["token_sealed"]) == ("another", None)
    assert await world.one.filling().sweep() is False
    [row] = await world.database.fetch(SCAN)
    assert (row["token"], world.one.token(row)) == ("another", "another")
    # What it does not change stays sealed.
    await world.register_before(phone_of_eve, eve, "another")
    [again] = await world.database.fetch(SCAN)
    assert again == row


async def test_nothing_lies_plain_once_the_release_before_is_gone(world: World) -> None:
    """What a straggler writes after that is sealed and emptied by the next round; the later of two has the token."""
    await _both(world.database)
    ada, eve = await person(world.database), await person(world.database)
    first, second, third = uuid4(), uuid4(), uuid4()
    await world.register(world.one, first, ada, "token 1")
    await world.register_before(second, eve, "token 2")
    await world.one.filling().sweep()
    assert {row["token"] for row in await world.database.fetch(SCAN)} == {"token 1", "token 2"}
    await world.database.execute("UPDATE installation SET push_tokens = 'sealed'")
    await world.one.filling().sweep()
    assert {row["token"] for row in await world.database.fetch(SCAN)} == {None}
    await world.register(world.one, first, ada, "token 3")
    await world.register_before(third, eve, "token 3")
    assert await world.database.fetchval("SELECT count(*) FROM push_devices") == 3
    await world.two.filling().sweep()
    rows = {row["device_id"]: row for row in await world.database.fetch(SCAN)}
    assert {device: world.two.token(row) for device, row in rows.items()} == {
        second: "token 2",
        third: "token 3",
    }
    assert {row["token"] for row in rows.values()} == {None}


async def test_facts_count_what_lies_under_each_key(world: World) -> None:
    """A key that is gone among them."""
    ada = await person(world.database)
    for _ in range(2):
        await world.register(world.one, uuid4(), ada, new_id().hex)
    await world.database.execute(
        "UPDATE push_devices SET token_sealed = set_byte(token_sealed, 4, 77)"
        " WHERE device_id = (SELECT min(device_id::text)::uuid FROM push_devices)"
    )
    facts = await read_seals(world.database)
    assert facts is not None
    assert facts.rows["push_devices.token_sealed"] == {2: 1, 77: 1}
    assert ([key.id for key in facts.keys], facts.unsealed) == ([1, 2], 0)
    # A round leaves it alone.
    assert await world.one.resealing().sweep() is False
