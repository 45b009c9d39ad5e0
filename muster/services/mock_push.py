"""Owns how the mocks of APNs and FCM are run as a child, and which files a push worker is configured from.

It never imports them: they are of loadtest, which stands above. They listen on this machine alone.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from muster.config import Settings
from muster.services.child import Program, ServiceFailedError
from muster.services.door import Door
from muster.services.ports import LOOPBACK, why_not_free

NAME: Final = "mock push"
MODULE: Final = "loadtest.mocks"
_PORTS: Final = 5
_STOP_WITHIN_S: Final = 5.0


class MockPush(Door):
    """A service of the keeper: a door that takes five ports in a row."""

    async def program(self) -> Program:
        for port in range(self.port, self.port + _PORTS):
            taken = why_not_free(self.host, port)
            if taken is not None:
                raise ServiceFailedError(
                    f"{self.name} cannot listen on {self.host}:{port} ({taken}):"
                    f" stop that program or set {self.port_setting}."
                )
        return await Door.program(self)


def mock_push(settings: Settings, inherited: Mapping[str, str]) -> MockPush:
    """The mocks as `settings` have them; what a worker needs stands in `settings.mock_push_path` once it is ready."""
    return MockPush(
        name=NAME,
        module=MODULE,
        host=LOOPBACK,
        port=settings.mock_push_port,
        port_setting="MUSTER_MOCK_PUSH_PORT",
        env={**inherited, **settings.to_env()},
        drain_within_s=_STOP_WITHIN_S,
    )


def as_mocked(settings: Settings) -> Settings:
    """Settings by which pushers speak to the mocks, which are ready. Raises `ServiceFailedError`."""
    files = worker_files(settings)
    try:
        kit = json.loads((files / "mock-push.json").read_text())
        return replace(
            settings,
            push_ca=files / kit["ca"],
            apns_url=kit["apns_url"],
            apns_sandbox_url=kit["apns_sandbox_url"],
            apns_key=files / kit["apns_key"],
            apns_key_id=kit["apns_key_id"],
            apns_team_id=kit["apns_team_id"],
            fcm_url=kit["fcm_url"],
            fcm_account=files / kit["service_account"],
        )
    except (OSError, ValueError, KeyError) as error:
        raise ServiceFailedError(
            f"the mocks of push providers left no files ({type(error).__name__})"
        ) from error


def page_url(settings: Settings) -> str:
    """Where people look."""
    return f"http://{LOOPBACK}:{settings.mock_push_port}"


def worker_files(settings: Settings) -> Path:
    """mock-push.json in this directory names the others: CA, Apple's key, Google's account, addresses."""
    return settings.mock_push_path
