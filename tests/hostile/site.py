"""A whole Muster to be attacked: with pushers, and with a mail server and a login service that are away.

Owns what it is told. It logs whatever it may.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, NamedTuple

from loadtest.ports import reserved_ports
from loadtest.replay import MOCK_PORTS, PUSHERS
from loadtest.stack import ROOMY, Stack, muster_up
from tests.hostile.canaries import MARK

AUTH_WITHIN_S: Final = "2"


class Site(NamedTuple):
    """A whole Muster, and the first port of its pushers."""

    stack: Stack
    pushers: int


@asynccontextmanager
async def open_site() -> AsyncIterator[Site]:
    """Two hubs, the api, both pushers and their mocks. What the operator keeps secret is a canary, too."""
    with (
        reserved_ports(MOCK_PORTS) as mocks,
        reserved_ports(PUSHERS) as pushers,
        reserved_ports(1) as away,
    ):
        service = {"name": "acme", "client_id": "muster", "client_secret": f"{MARK} secret"}
        service["issuer"] = f"http://127.0.0.1:{away}"
        settings = {
            **ROOMY,
            "MUSTER_LOG_LEVEL": "debug",
            "MUSTER_AUTH_WITHIN_S": AUTH_WITHIN_S,
            "MUSTER_PUSHES": "mock",
            "MUSTER_MOCK_PUSH_PORT": str(mocks),
            "MUSTER_PUSHER_PORT": str(pushers),
            "MUSTER_PUBLIC_URL": "http://localhost:9",
            "MUSTER_SMTP_HOST": "127.0.0.1",
            "MUSTER_SMTP_PORT": str(away),
            "MUSTER_SMTP_USER": "muster",
            "MUSTER_SMTP_PASSWORD": f"{MARK} secret",
            "MUSTER_MAIL_FROM": "Muster <no-reply@muster.invalid>",
            "MUSTER_OAUTH": json.dumps([service]),
            "MUSTER_EGRESS_NETWORKS": "127.0.0.0/8",
        }
        async with muster_up(2, settings) as running:
            yield Site(running, pushers)
