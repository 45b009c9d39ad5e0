"""The floor of fan-out: floor.c, compiled where it is needed.

Owns that it is compiled anew for each run. Must never be called a server: it keeps no promise at all.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Final

from loadtest.peers.peer import FRAME_BYTES, Absent, Dialect

COMPILERS: Final = ("cc", "gcc", "clang")
_SOURCE: Final = Path(__file__).with_name("floor.c")


class Floor:
    """The peer. Its first connection speaks, all others are members."""

    name: Final = "C floor: one send() each"
    dialect: Final = Dialect(framed=False)

    def version(self) -> str:
        """Of the compiler."""
        told = subprocess.run(
            [_compiler(), "--version"], capture_output=True, text=True, check=True
        )
        return told.stdout.partition("\n")[0]

    def command(self, port: int, directory: Path) -> list[str]:
        """After compiling it."""
        program = str(directory / "floor")
        try:
            subprocess.run([_compiler(), "-O2", "-o", program, str(_SOURCE)], check=True)
        except subprocess.CalledProcessError:
            raise Absent("floor.c does not compile here") from None
        return [program, str(port), str(FRAME_BYTES)]


def _compiler() -> str:
    for name in COMPILERS:
        if found := shutil.which(name):
            return found
    raise Absent("no C compiler found")
