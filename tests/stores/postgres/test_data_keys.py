"""The claims of data keys: made once, known to all processes before they seal, never in Postgres unwrapped."""

from collections.abc import AsyncIterator
from typing import NamedTuple

import asyncpg
import pytest
import pytest_asyncio
from prometheus_client import CollectorRegistry

from muster.data_keys import SPREAD_S, DataKeys
from muster.ids import SystemRandom
from muster.keys import KeysError
from muster.master import Masters
from muster.sealer import Field, Unsealable
from muster.stores.postgres.data_keys import data_keys
from muster.stores.postgres.pool import Database, open_database
from tests.fixtures.sealing import MASTERS, JumpingClock

FIELD, ROW = Field("people", "email_sealed"), b"r" * 16


class World(NamedTuple):
    """A Postgres, and processes that have keys from there."""

    database: asyncpg.Connection
    pool: Database
    clock: JumpingClock

    def process(self, masters: Masters = MASTERS) -> DataKeys:
        """One that knows no key yet."""
        return data_keys(self.pool, masters, self.clock, CollectorRegistry())


@pytest_asyncio.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    database = await asyncpg.connect(database_url)
    pool = await open_database(database_url, "test", 2, lambda _: None)
    yield World(database, pool, JumpingClock())
    await pool.close()
    await database.close()


async def test_every_process_finds_the_same_keys_and_the_first_makes_them(world: World) -> None:
    """What one seals the other opens, and both look for the same blind value."""
    one, two = world.process(), world.process()
    await one.begin()
    await two.begin()
    sealed = one.sealer.seal(b"value", FIELD, ROW)
    assert two.sealer.open(sealed, FIELD, ROW) == b"value"
    assert one.sealer.blind(b"value", FIELD) == two.sealer.blind(b"value", FIELD)
    assert await world.database.fetchval("SELECT count(*) FROM data_keys") == 2


async def test_a_new_key_is_known_to_all_before_it_seals(world: World) -> None:
    """Whoever looks in between can open what is sealed under it from then on."""
    one, two = world.process(), world.process()
    await one.begin()
    await two.begin()
    assert await one.rotate() == 3
    await one.look()
    await two.look()
    assert (one.sealer.current, two.sealer.current) == (2, 2)
    world.clock.jump(SPREAD_S + 1)
    sealed = one.sealer.seal(b"value", FIELD, ROW)
    assert (one.sealer.current, two.sealer.open(sealed, FIELD, ROW)) == (3, b"value")


async def test_a_rotation_before_anything_was_sealed_leaves_a_key_that_seals(world: World) -> None:
    """Whoever starts next seals at once."""
    assert await world.process().rotate() == 3
    one = world.process()
    await one.begin()
    assert one.sealer.current == 2


async def test_the_database_alone_opens_nothing(world: World) -> None:
    """Another master key is refused at start, and a key moved to another id does not unwrap."""
    one = world.process()
    await one.begin()
    with pytest.raises(KeysError, match="which is not here"):
        await world.process(Masters([b"x" * 32])).begin()
    await one.rotate()
    await world.database.execute(
        "UPDATE data_keys a SET wrapped = b.wrapped FROM data_keys b WHERE a.key_id = 3 AND b.key_id = 2"
    )
    with pytest.raises(KeysError, match="does not open"):
        await world.process().begin()
    # Who runs already goes on with what it has.
    await one.look()
    world.clock.jump(SPREAD_S + 1)
    assert one.sealer.current == 2


async def test_a_new_master_key_wraps_all_at_the_next_rotation(world: World) -> None:
    """Afterwards the old one is needed no more, and nothing was sealed anew for it."""
    old, new = b"m" * 32, b"n" * 32
    before = world.process(Masters([old]))
    await before.begin()
    sealed = before.sealer.seal(b"value", FIELD, ROW)
    after = world.process(Masters([new, old]))
    await after.begin()
    await after.rotate()
    alone = world.process(Masters([new]))
    await alone.begin()
    assert alone.sealer.open(sealed, FIELD, ROW) == b"value"
    with pytest.raises(KeysError):
        await world.process(Masters([old])).begin()


async def test_no_key_lies_there_unwrapped(world: World) -> None:
    """The bytes that seal are nowhere in the row."""
    one = world.process()
    await one.begin()
    for row in await world.database.fetch("SELECT key_id, purpose, wrapped FROM data_keys"):
        plain = MASTERS.unwrap(
            row["wrapped"], MASTERS.current, f"data key {row['key_id']} ({row['purpose']})"
        )
        assert len(plain) == 32
        assert plain not in row["wrapped"]
    assert MASTERS.wrap(b"k" * 32, "a", SystemRandom()) != MASTERS.wrap(
        b"k" * 32, "a", SystemRandom()
    )


async def test_a_key_that_is_missing_is_looked_for_and_then_given_up(world: World) -> None:
    """A row of a key that nobody has does not open, ever."""
    one, two = world.process(), world.process()
    await one.begin()
    await two.begin()
    await one.rotate()
    await one.look()
    world.clock.jump(SPREAD_S + 1)
    sealed = one.sealer.seal(b"value", FIELD, ROW)
    await world.database.execute("DELETE FROM data_keys WHERE key_id = 3")
    await two.look()
    with pytest.raises(Unsealable):
        two.sealer.open(sealed, FIELD, ROW)
