"""Firebase Cloud Messaging, HTTP v1: the words in which a push is said to it.

Owns headers and address of a request to FCM; the body comes ready in `Push.body`, target, collapsing and urgency
included. Must never read a reason (fcm_reasons.py) or log a token.
"""

from __future__ import annotations

import re
from typing import Final

from muster.bucket import Rate
from muster.clock import Clock
from pushers import fcm_reasons
from pushers.carriage import Carriage, Way
from pushers.gate import Gate, Rates
from pushers.http2.client import Client, Manner
from pushers.http2.exchange import Fields
from pushers.minting import Tokens
from pushers.outcome import Outcome, Rejected
from pushers.push import Push

HOST: Final = "https://fcm.googleapis.com"
MANNER: Final = Manner(within_s=15.0)
"""Google asks for a patience of at least 10 seconds."""

RATES: Final = Rates(device=Rate(5_000 / 3_600, 240.0), app=Rate(10_000.0, 10_000.0))
"""240 a minute and 5,000 an hour for a device of Android, 600,000 a minute for a project."""

_PROJECT: Final = re.compile(r"[a-z0-9:.\-]{4,60}")


class Fcm:
    """A `Carrier`; `run` keeps its connections."""

    def __init__(self, client: Client, tokens: Tokens, gate: Gate, clock: Clock) -> None:
        self.client = client
        self.tokens = tokens
        self.gate = gate
        self._carriage = Carriage(tokens, gate, clock)

    async def send(self, push: Push) -> Outcome:
        """See `Carrier.send`."""
        project = push.device.topic
        if not _PROJECT.fullmatch(project):
            return Rejected("BadProject", mistoken=True)

        def fields(token: str) -> Fields:
            return _fields(project, self.client.authority, token, len(push.body))

        return await self._carriage.send(push, Way(self.client, project, fields, fcm_reasons.read))

    async def run(self) -> None:
        """Open connections when they are wanted, until cancelled."""
        await self.client.run()

    async def close(self) -> None:
        """See `Carrier.close`."""
        await self.client.close()


def _fields(project: str, authority: bytes, token: str, size: int) -> Fields:
    return [
        (b":method", b"POST"),
        (b":scheme", b"https"),
        (b":authority", authority),
        (b":path", b"/v1/projects/" + project.encode() + b"/messages:send"),
        (b"authorization", b"Bearer " + token.encode()),
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % size),
    ]
