"""Every table, column, family of keys and area of the depot has a rule for what becomes of somebody's."""

from __future__ import annotations

import re
from pathlib import Path

import asyncpg

from muster import depot
from muster.held_rows import BY_NAME, ROWS
from muster.holdings import DEPOT, REDIS, Fate, Find
from muster.stores.postgres.erasing import whose
from muster.stores.postgres.exporting import select

_SOURCES = Path(__file__).parents[3] / "muster" / "stores" / "redis"
_NAMED = re.compile(r'b":([a-z0-9:]+)"|b":([a-z:]+):"')
_COLUMNS = """
    SELECT c.table_name::text, array_agg(c.column_name::text ORDER BY c.column_name) FROM information_schema.columns c
    WHERE c.table_schema = 'public' AND c.table_name NOT IN (
        SELECT i.inhrelid::regclass::text FROM pg_inherits i) GROUP BY 1
"""


async def test_every_column_of_every_table_has_a_rule(database_url: str) -> None:
    """Whoever adds one says here what a copy holds of it and what an erasure does with it."""
    connection = await asyncpg.connect(database_url)
    real = {row[0]: row[1] for row in await connection.fetch(_COLUMNS)}
    await connection.close()
    assert sorted(BY_NAME) == sorted(real)
    for rule in ROWS:
        assert sorted(rule.columns) == real[rule.name], rule.name


def test_every_rule_says_how_or_why() -> None:
    """What is kept or emptied has a reason; what is found by a column names one; what is closed is not read."""
    for rule in ROWS:
        assert rule.why or rule.fate in (Fate.delete, Fate.nobody), rule.name
        if rule.find in (Find.own, Find.room):
            assert whose(rule) is not None, rule.name
            assert rule.mine, rule.name
        if rule.find is not Find.none and rule.name != "entries":
            read = select(rule).split(" FROM ", 1)[1].split(" ORDER BY ")[0]
            listed = read.split(" FROM ")[0]
            assert all(f"t.{column}," not in f"{listed}," for column in rule.closed.split()), rule


async def test_every_statement_of_the_rules_runs(database_url: str) -> None:
    """Those that read a page of somebody's rows, of nobody here."""
    connection = await asyncpg.connect(database_url)
    nobody = await connection.fetchval("SELECT gen_random_uuid()")
    for rule in ROWS:
        if rule.find is not Find.none and rule.name != "entries":
            assert await connection.fetch(select(rule), nobody, 0) == [], rule.name
    await connection.close()


def test_every_family_of_keys_in_redis_has_a_rule() -> None:
    """Keys are named by a word between colons, in the modules that own them."""
    named = {"lane", "epoch"}  # of the lanes, in muster/lanes.py
    for path in _SOURCES.glob("*.py"):
        for whole, begun in _NAMED.findall(path.read_text()):
            named.add((whole or begun).strip(":"))
    lanes = (Path(depot.__file__).parent / "lanes.py").read_text()
    assert set(re.findall(r'}}}:([a-z]+)"', lanes)) == {"lane", "epoch"}
    assert {rule.name for rule in REDIS} == named - {""}


def test_every_area_of_the_depot_has_a_rule() -> None:
    """As the pattern of keys names them."""
    areas = re.match(r"\(([a-z|]+)\)/", depot.KEY.pattern)
    assert areas is not None
    assert {rule.name for rule in DEPOT} == set(areas[1].split("|"))
