"""The mocks of a run, in a process of their own, and what a pusher has to know to take them for APNs and FCM.

Owns where they are and their files. Must never start a pusher (world.py does, as every other door).
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from loadtest.torture.doors import LaunchedDoor
from loadtest.torture.link import LOOPBACK
from muster.config import Settings
from muster.push_device import Provider
from muster.services.mock_push import MODULE, as_mocked
from muster.setting import PREFIX

_STOP_WITHIN_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Mocked:
    """`port`: of the page and the admin API, the providers' follow."""

    directory: Path
    port: int

    @property
    def admin_url(self) -> str:
        """Where they are scripted, and asked what came."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def settings(self) -> Settings:
        """Of a process beside them."""
        return replace(Settings(), data_dir=self.directory, mock_push_port=self.port)

    def told(self, provider: Provider, url: str) -> dict[str, object]:
        """What a pusher for this provider is told, once the mocks are ready; `url`: its way there."""
        mocked = as_mocked(self.settings)
        names = (
            "push_ca", "apns_url", "apns_sandbox_url", "apns_key", "apns_key_id", "apns_team_id", "fcm_url",
            "fcm_account",
        )  # fmt: skip
        told: dict[str, object] = {name: getattr(mocked, name) for name in names}
        return told | {"push_provider": provider.value, f"{provider.value}_url": url}


def provider_url(mocked: Mocked, provider: Provider) -> str:
    """Where the mock of this provider itself listens."""
    found = as_mocked(mocked.settings)
    return found.apns_url if provider is Provider.apns else found.fcm_url


def mock_door(mocked: Mocked) -> LaunchedDoor:
    """The process: `python -m loadtest.mocks`."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    return LaunchedDoor(
        name="mocks",
        module=MODULE,
        host=LOOPBACK,
        port=mocked.port,
        port_setting="",
        env=inherited | mocked.settings.to_env(),
        drain_within_s=_STOP_WITHIN_S,
        log=mocked.directory / "mocks.log",
    )
