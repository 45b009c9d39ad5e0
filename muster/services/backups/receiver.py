"""pg_receivewal as a child: the log as it is written, into files of a directory.

It goes through a replication slot, so the server keeps what was not received yet. It ends with its connection: whoever
owns it starts it again. Owns that child. Must never touch what it wrote (shipping.py does).
"""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Final

from muster.config import Settings
from muster.services.backups.programs import connection, program
from muster.services.child import Child, Program
from muster.stores.postgres.backups import APPLICATION, SLOT

_NAME: Final = "pg_receivewal"


class Receiver:
    """One at a time, into this directory."""

    def __init__(self, settings: Settings, directory: Path) -> None:
        self._settings = settings
        self.directory = directory
        self._child: Child | None = None

    @property
    def runs(self) -> bool:
        """Whether it is there; not whether it receives."""
        return self._child is not None and self._child.exit_code is None

    def waiting_bytes(self) -> int:
        """What it wrote that is still here."""
        return sum(path.stat().st_size for path in self.directory.glob("*"))

    def received(self) -> list[str]:
        """The names of the files that are here."""
        return [path.name for path in self.directory.glob("*")]

    async def start(self) -> None:
        """Unless it runs. Raises `BackupError`, `OSError`."""
        if self.runs:
            return
        self.directory.mkdir(0o700, parents=True, exist_ok=True)
        dsn, environment = connection(self._settings.database_url, APPLICATION)
        argv = (
            program(self._settings, _NAME), f"--directory={self.directory}", f"--slot={SLOT}",
            "--status-interval=1", "--no-loop", "--no-password", f"--dbname={dsn}",
        )  # fmt: skip
        self._child = await Child.start(
            Program(
                name=_NAME,
                argv=argv,
                env=environment,
                log=self._settings.backup_spool / f"{_NAME}.log",
                stop_signal=signal.SIGINT,  # it writes down what it has
            )
        )

    async def stop(self) -> None:
        """It has written down what it had."""
        if self.runs and self._child is not None:
            await self._child.stop()
