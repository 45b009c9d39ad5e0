"""A Postgres whose disk is full.

Owns this scenario and the small file system it needs, which only root can mount.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Final

from loadtest.torture.mount import cannot_mount
from loadtest.torture.scenario import Scenario, Stage
from loadtest.torture.world import Shape

SIZE_MIB: Final = 384
LEFT_FREE: Final = 256 * 1024
FULL_WITHIN_S: Final = 30.0
FULL_S: Final = 3.0
_CHUNK: Final = bytes(1 << 20)


async def _filled(stage: Stage) -> None:
    home = stage.world.directory / "postgres" / "postgres"
    log = stage.world.directory / "postgres" / "postgres.log"
    ballast = home / "ballast"
    refused_before = _refused(log)
    async with stage.fault("disk_full", "postgres") as ended:
        await asyncio.to_thread(_fill, ballast)
        await stage.until(lambda: _refused(log) > refused_before, FULL_WITHIN_S)
        await asyncio.sleep(FULL_S)
        ended.proof["writes_refused"] = _refused(log) - refused_before
        ballast.unlink()
        if not stage.world.postgres.up:  # it panics where its own log has no place
            await stage.world.postgres.ended()
            await stage.world.postgres.start()


def _fill(ballast: Path) -> None:
    """All but a little: what is asked for next does not fit."""
    try:
        with ballast.open("wb") as file:
            while True:
                file.write(_CHUNK)
                file.flush()
    except OSError:
        os.truncate(ballast, max(0, ballast.stat().st_size - LEFT_FREE))


def _refused(log: Path) -> int:
    return log.read_text(errors="replace").count("No space left on device")


SCENARIOS: Final = (
    Scenario(
        "disk_full",
        "Postgres' disk is full for seconds",
        _filled,
        Shape(postgres_mib=SIZE_MIB),
        fresh=True,
        needs=cannot_mount,
    ),
)
