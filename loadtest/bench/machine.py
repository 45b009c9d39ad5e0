"""What a figure was measured on: the machine, its cores, how busy it was before, and the versions that matter.

Owns the looking. Must never name the machine or whoever runs it.
"""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Final

from msgspec import Struct

from loadtest.bench.costs import cores
from muster.services.postgres import binaries
from muster.services.redis import binary

PACKAGES: Final = ("asyncpg", "msgspec", "redis", "starlette", "uvicorn", "uvloop", "websockets")
_GIB: Final = 1 << 30


class Machine(Struct, frozen=True, kw_only=True):
    """`cores` are those that a run may use, of `cores_in_all`.

    `load` is how many processes ran or waited for a core in the minute before.
    """

    processor: str
    cores: int
    cores_in_all: int
    memory_gib: int
    kernel: str
    load: float
    versions: dict[str, str]


def look() -> Machine:
    """This one, now."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return Machine(
        processor=_processor(),
        cores=cores(),
        cores_in_all=os.cpu_count() or cores(),
        memory_gib=round(memory / _GIB),
        kernel=f"{platform.system()} {'.'.join(platform.release().split('.')[:2])}",
        load=round(os.getloadavg()[0], 1),
        versions={
            "Python": platform.python_version(),
            "PostgreSQL": _told(str(binaries() / "postgres")).split()[2],
            "Redis": _told(binary()).partition("v=")[2].split()[0],
            **{package: version(package) for package in PACKAGES},
        },
    )


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.machine()


def _told(program: str) -> str:
    return subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
