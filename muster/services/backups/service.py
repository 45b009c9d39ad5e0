"""How the process that makes backups is run as a child of `muster up`.

It never imports that process: it starts one, and asks GET /readyz whether it is at work.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace

from muster.config import Settings
from muster.services.backups.opening import read_keyring
from muster.services.child import Program
from muster.services.door import Door


class Backups(Door):
    """A service of the keeper. It listens, as doors do, but serves nobody."""

    async def program(self) -> Program:
        asked = await Door.program(self)
        return replace(asked, argv=(sys.executable, "-m", self.module, "backup", "run"))


def backups(settings: Settings, inherited: Mapping[str, str]) -> Backups:
    """By these settings. Raises `BackupKeyError`: better now than on the day they are needed."""
    read_keyring(settings)
    return Backups(
        name="backups",
        module="muster",
        host=settings.listen_host,
        port=settings.backup_port,
        port_setting="MUSTER_BACKUP_PORT",
        env={**inherited, **settings.to_env()},
        drain_within_s=settings.drain_within_s,
        tls=settings.tls_cert is not None,
    )
