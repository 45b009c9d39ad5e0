"""Restores of every kind, on a real Postgres: to a moment, along timelines, and from archives that lack something.

Each test restores more than once, so this is for `make prove`.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from muster.backups import BackupError
from muster.config import Settings
from muster.services.backups.opening import open_vault
from muster.services.backups.recovery import Order, Restored, restore
from tests.fixtures.backups import CANARY, Place, generation_of, muster, running, words

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(180),
    pytest.mark.prove,
]


async def test_the_log_is_archived_all_the_time_and_restored_to_a_moment(
    place: Place, tmp_path: Path
) -> None:
    """Exactly: what was committed before it is there, what was committed after it is not."""
    async with place.rounds() as metrics:
        await place.until(lambda: metrics("muster_backup_base_bytes") > 0)
        await place.says("before")
        moment = await place.moment()
        await place.says("after")
    # The rounds are over: what was committed while they ran is in the archive, without any wait for it.
    restored = await restore(place.settings, place.vault, Order(tmp_path / "then", moment), print)
    assert restored.reached
    async with running(tmp_path / "then") as url:
        assert await words(url) & {"before", "after"} == {"before"}


async def test_a_moment_that_nothing_was_committed_after_is_all_there_is(
    place: Place, tmp_path: Path
) -> None:
    """It is brought back, and said so; one before the oldest base is refused."""
    await place.base()
    order = Order(tmp_path / "late", await place.moment() + 3_600_000)
    restored = await restore(place.settings, place.vault, order, print)
    assert not restored.reached
    assert not restored.hole
    with pytest.raises(BackupError, match="before the end of the oldest"):
        await restore(place.settings, place.vault, Order(tmp_path / "early", 1000), print)


async def test_a_restored_server_is_backed_up_and_restored_again(
    place: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Along its own timeline, from its own base and from one before; what the first restore gave up is there still."""
    async with place.apart(tmp_path / "apart") as apart:
        await _restored_again(apart, tmp_path, capsys)


async def _restored_again(place: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with place.rounds() as metrics:
        await place.until(lambda: metrics("muster_backup_base_bytes") > 0)
        await place.says("kept")
        moment = await place.moment()
        await place.says("given up")
        given_up = await place.moment()
        await place.says("last on the first timeline")
    first = await restore(place.settings, place.vault, Order(tmp_path / "one", moment), print)
    async with _served(place, tmp_path / "one") as second:
        async with second.rounds() as metrics:
            await second.until(lambda: metrics("muster_backup_base_bytes") > 0)
            await second.says("new")
            await second.covered(metrics)
        label = (await second.vault.holding()).labels[-1]
        assert label.timeline == first.timeline
        generation = await generation_of(second.settings.database_url)

    found, again = await _words(place, Order(tmp_path / "two", None))
    assert {"kept", "new"} <= found
    assert "given up" not in found
    assert (again.label, again.followed) == (label, first.timeline)
    assert again.timeline > first.timeline
    assert again.generation not in (generation, first.generation)

    # Without that base, from the one before: along both timelines.
    shutil.copytree(place.archive, tmp_path / "less", copy_function=os.link)
    shutil.rmtree(tmp_path / "less" / label.system / "base" / label.id)
    settings = replace(place.settings, backup_dir=tmp_path / "less")
    found, longer = await _words(place, Order(tmp_path / "three", None), settings)
    assert {"kept", "new"} <= found
    assert "given up" not in found
    assert (longer.label, longer.followed) == (first.label, first.timeline)

    # A moment that the first restore gave up is one of the timeline it left.
    found, back = await _words(place, Order(tmp_path / "four", given_up))
    assert {"kept", "given up"} <= found
    assert not found & {"new", "last on the first timeline"}
    assert back.followed == first.followed

    shell = {**place.shell, "MUSTER_MASTER_KEY_FILE": str(place.settings.master_path)}
    into = str(tmp_path / "five")
    assert await muster(shell, "restore", "--timeline", "1", "--into", into) == 0
    said = capsys.readouterr().out
    assert "the master key that is known here opens its sealed fields" in said
    assert "out of 1," in said


async def test_a_hole_in_the_log_is_told_and_never_leapt_over(
    place: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What was committed before it is brought back, nothing of what came after it, and the exit code is no success."""
    async with place.apart(tmp_path / "torn") as apart:
        async with apart.rounds() as metrics:
            await apart.until(lambda: metrics("muster_backup_base_bytes") > 0)
            await apart.covered(metrics)
            for number in range(4):
                await apart.says(f"in file {number}")
                await apart.sql("SELECT pg_switch_wal()")
            await apart.covered(metrics)
        shell, system = apart.shell, (await apart.base()).system
        log = (apart.archive / system / "wal").iterdir()
        full = sorted(path for path in log if len(path.name) == 24)
    full[-2].unlink()
    assert await muster(shell, "backup", "check") == 1
    assert "1 file(s) of the log are missing" in capsys.readouterr().out
    assert await muster(shell, "restore", "--into", str(tmp_path / "short")) == 1
    assert f"before {full[-1].name} is not there" in capsys.readouterr().err
    async with running(tmp_path / "short") as url:
        found = await words(url)
    assert {CANARY, "in file 0", "in file 1"} <= found
    assert "in file 3" not in found


async def test_a_damaged_piece_or_file_is_never_restored(
    place: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whichever byte it is; and `check --into` holds the newest base to its manifest."""
    async with place.apart(tmp_path / "copy") as apart:
        async with apart.rounds() as metrics:
            await apart.until(lambda: metrics("muster_backup_base_bytes") > 0)
            await apart.covered(metrics)
        label, shell, archive = (await apart.base()), apart.shell, apart.archive
    assert await muster(shell, "backup", "check", "--into", str(tmp_path / "look")) == 0
    assert "are what its manifest says" in capsys.readouterr().out
    piece = archive / label.system / "base" / label.id / "000000"
    wal = next((archive / label.system / "wal").iterdir())
    for file in (piece, wal):
        whole = file.read_bytes()
        for wrong in (whole[:-1], whole[: len(whole) // 2], whole[:100] + b"!" + whole[101:], b""):
            file.write_bytes(wrong)
            assert await muster(shell, "backup", "check") == 1
            assert (label.id if file is piece else wal.name) in capsys.readouterr().out
            assert await muster(shell, "restore", "--into", str(tmp_path / "never")) == 1
            assert not (tmp_path / "never" / "postgres" / "cluster").exists()
            shutil.rmtree(tmp_path / "never")
        file.write_bytes(whole)


@asynccontextmanager
async def _served(place: Place, data: Path) -> AsyncIterator[Place]:
    """What was restored there, running, and backed up into the same archive."""
    async with (
        running(data) as url,
        place.apart(data, database_url=url, backup_dir=place.archive) as served,
    ):
        yield served


async def _words(
    place: Place, order: Order, settings: Settings | None = None
) -> tuple[set[str], Restored]:
    settings = settings or place.settings
    async with open_vault(settings) as vault:
        restored = await restore(settings, vault, order, print)
    async with running(order.into) as url:
        return await words(url), restored
