"""Apple's push service: the words in which a push is said to it.

Owns headers and address of a request to APNs; the body comes ready in `Push.body`. Each of Apple's two worlds has
connections of its own, both the same tokens. What could not be a header is refused here: a token of a device is part
of the path. Must never read a reason (apns_reasons.py) or log a token.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import Final

from muster.bucket import Rate
from muster.clock import Clock
from muster.push_device import Environment, PushDevice
from pushers import apns_reasons
from pushers.carriage import Carriage, Way
from pushers.gate import Gate, Rates
from pushers.http2.client import Client, Manner
from pushers.http2.exchange import Fields
from pushers.minting import Tokens
from pushers.outcome import Outcome, Rejected
from pushers.push import Kind, Push

HOSTS: Final[Mapping[Environment, str]] = {
    Environment.production: "https://api.push.apple.com",
    Environment.sandbox: "https://api.sandbox.push.apple.com",
}
MANNER: Final = Manner(probes=True, pressed=frozenset({500, 503}))
"""429 speaks of one device; a fresh connection carries one request until our token was seen to be good."""

RATES: Final = Rates(device=Rate(1.0, 60.0), app=Rate(20_000.0, 20_000.0))
"""Apple names no numbers: a device that rings more often than this has a sender gone wild."""

COLLAPSE_BYTES: Final = 64
_TOKEN: Final = re.compile(r"(?:[0-9a-fA-F]{2}){8,100}")
_TOPIC: Final = re.compile(r"[A-Za-z0-9.\-]{1,200}")
_VISIBLE: Final = re.compile(rb"[\x21-\x7e\x80-\xff]*")
_KINDS: Final[Mapping[Kind, tuple[bytes, bytes]]] = {
    Kind.alert: (b"alert", b"10"),
    Kind.silent: (b"background", b"5"),
}


class Apns:
    """A `Carrier`; `run` keeps its connections."""

    def __init__(
        self, clients: Mapping[Environment, Client], tokens: Tokens, gate: Gate, clock: Clock
    ) -> None:
        self.clients = clients
        self.tokens = tokens
        self.gate = gate
        self._carriage = Carriage(tokens, gate, clock)

    async def send(self, push: Push) -> Outcome:
        """See `Carrier.send`."""
        device, collapse = push.device, push.collapse.encode()
        if not _TOKEN.fullmatch(device.token):
            return Rejected("BadDeviceToken", mistoken=True)
        if not _TOPIC.fullmatch(device.topic):
            return Rejected("BadTopic", mistoken=True)
        if len(collapse) > COLLAPSE_BYTES or not _VISIBLE.fullmatch(collapse):
            return Rejected("BadCollapseId")
        client = self.clients[device.environment]

        def fields(token: str) -> Fields:
            return _fields(push, client.authority, token)

        app = (device.environment, device.topic)
        return await self._carriage.send(push, Way(client, app, fields, apns_reasons.read))

    async def run(self) -> None:
        """Open connections when they are wanted, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for client in self.clients.values():
                tasks.create_task(client.run())

    async def close(self) -> None:
        """See `Carrier.close`."""
        await asyncio.gather(*(client.close() for client in self.clients.values()))


def _fields(push: Push, authority: bytes, token: str) -> Fields:
    device: PushDevice = push.device
    kind, priority = _KINDS[push.kind]
    fields = [
        (b":method", b"POST"),
        (b":scheme", b"https"),
        (b":authority", authority),
        (b":path", b"/3/device/" + device.token.lower().encode()),
        (b"authorization", b"bearer " + token.encode()),
        (b"apns-topic", device.topic.encode()),
        (b"apns-push-type", kind),
        (b"apns-priority", priority),
        (b"apns-id", str(push.id).encode()),
        (b"apns-expiration", b"%d" % (push.expires_ms // 1000)),
    ]
    if push.collapse:
        fields.append((b"apns-collapse-id", push.collapse.encode()))
    return fields
