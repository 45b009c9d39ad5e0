"""Backups that go on: after Postgres or the archive was away, and after a part of the log was lost.

Each takes bases and most restore what was saved, so this is for `make prove`.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from muster.backups import missing
from muster.services.backups.recovery import Order, restore
from tests.fixtures.backups import WITHIN_S, Place, running, words

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(120),
    pytest.mark.prove,
]


async def test_backups_go_on_after_postgres_and_the_archive_were_away(
    place: Place, tmp_path: Path
) -> None:
    """What was committed meanwhile is in the archive afterwards: the slot keeps it."""
    aside = tmp_path / "aside"
    async with place.rounds() as metrics:
        await place.until(lambda: metrics("muster_backup_base_bytes") > 0)
        place.archive.rename(aside)
        place.archive.touch()  # no directory can be made there
        await place.says("while the archive was away")
        await place.until(lambda: metrics("muster_backup_failures_total") > 0)
        place.archive.unlink()
        aside.rename(place.archive)
        await place.server.kill()
        await place.server.start()
        await place.says("after the crash")
        await place.covered(metrics)
    await restore(place.settings, place.vault, Order(tmp_path / "whole", None), print)
    async with running(tmp_path / "whole") as url:
        assert {"while the archive was away", "after the crash"} <= await words(url)


async def test_a_log_that_was_lost_is_made_up_for_by_a_base(place: Place, tmp_path: Path) -> None:
    """When Postgres kept it for us no longer: a base is taken at once, though none is due."""
    async with place.rounds() as metrics:
        await place.until(lambda: metrics("muster_backup_base_bytes") > 0)
        await place.covered(metrics)
    before = (await place.vault.holding()).labels
    await place.sql("SELECT pg_drop_replication_slot('muster_backup')")
    for _ in range(4):
        await place.says("fills a file")
        await place.sql("SELECT pg_switch_wal()")
    await place.sql("CHECKPOINT")
    async with place.rounds() as metrics:
        await place.until(lambda: metrics("muster_backup_wal_files_total") > 0)
        async with asyncio.timeout(WITHIN_S):
            while len((await place.vault.holding()).labels) == len(before):
                await place.sql("SELECT pg_sleep(0.02)")
        await place.covered(metrics)
    holding = await place.vault.holding()
    assert missing(holding)
    restored = await restore(place.settings, place.vault, Order(tmp_path / "on", None), print)
    assert restored.label == holding.labels[-1] != before[-1]
    assert not restored.hole


async def test_rounds_go_on_after_somebody_else_had_received_the_log(
    place: Place, tmp_path: Path
) -> None:
    """Another process took the slot over for a while: ours ends before what Postgres keeps, so a base is taken."""
    async with place.rounds() as metrics:
        await place.until(lambda: metrics("muster_backup_base_bytes") > 0)
        await place.covered(metrics)
    before = (await place.vault.holding()).labels
    async with place.apart(tmp_path) as other, other.rounds() as metrics:
        for _ in range(3):
            await other.says("received elsewhere")
            await other.sql("SELECT pg_switch_wal()")
        await other.covered(metrics)
        await place.sql("CHECKPOINT")
    async with place.rounds() as metrics:
        await place.until(lambda: metrics("muster_backup_wal_files_total") > 0)
        async with asyncio.timeout(WITHIN_S):
            while len((await place.vault.holding()).labels) == len(before):
                await place.sql("SELECT pg_sleep(0.02)")
        await place.covered(metrics)
