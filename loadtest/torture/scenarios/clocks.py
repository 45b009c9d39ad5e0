"""A hub whose clock jumps an hour, there and back.

Owns this scenario and the library it needs (Debian's libfaketime): the wall clock of one process moves, its monotonic
clock does not.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from loadtest.torture.scenario import Scenario, Stage
from loadtest.torture.world import Shape

HOUR_S: Final = 3_600
_LIBRARIES: Final = tuple(
    Path("/usr/lib").glob("*/faketime/libfaketime.so.1") if Path("/usr/lib").exists() else ()
)
_OFFSET: Final = "faketime.txt"


def _missing() -> str | None:
    return None if _LIBRARIES else "libfaketime is not installed"


async def _jumped(stage: Stage) -> None:
    """Tokens seem to have ended or not begun there: phones renew or go elsewhere; order is Postgres' alone."""
    offset = stage.world.directory / _OFFSET
    hub = stage.world.hubs[0]
    for jump_s in stage.random.sample((HOUR_S, -HOUR_S), 2):
        async with stage.fault("clock", hub.name) as ended:
            maps = _maps(hub.pid)
            offset.write_text(f"{jump_s:+d}\n")
            await stage.acks(300)
            ended.proof["jumped_s"] = jump_s if "libfaketime" in maps else 0
            offset.write_text("+0\n")
        await stage.acks(100)


def _maps(pid: int) -> str:
    return Path(f"/proc/{pid}/maps").read_text()


SCENARIOS: Final = (
    Scenario(
        "clock_jump",
        "the clock of one hub jumps an hour",
        _jumped,
        Shape(
            preload={
                "LD_PRELOAD": str(next(iter(_LIBRARIES), "")),
                "FAKETIME_TIMESTAMP_FILE": "{directory}/" + _OFFSET,
                "FAKETIME_NO_CACHE": "1",
                "DONT_FAKE_MONOTONIC": "1",
            }
        ),
        needs=_missing,
    ),
)
