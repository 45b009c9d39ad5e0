"""A door started in a way of the run's own: through a launcher, with its output in a file.

Owns the command line. Must never be what `muster up` starts: what is tested differs from it by nothing but this.
"""

from __future__ import annotations

import dataclasses
import sys
from dataclasses import dataclass
from pathlib import Path

from muster.services.child import Program
from muster.services.door import Door


@dataclass(frozen=True, slots=True)
class LaunchedDoor(Door):
    """`python -m LAUNCHER... MODULE`."""

    launcher: tuple[str, ...] = ()
    log: Path | None = None

    async def program(self) -> Program:
        """The door's own program, so started."""
        program = await Door.program(self)
        argv = (sys.executable, "-m", *self.launcher, self.module)
        return dataclasses.replace(program, argv=argv, log=self.log)
