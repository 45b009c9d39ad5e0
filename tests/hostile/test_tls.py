"""What a whole Muster that ends TLS itself speaks, and that its certificates change while sockets are open."""

import asyncio
import os
import signal
import ssl
from pathlib import Path

from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from loadtest.stack import ROOMY, muster_up
from proto import limits
from tests.fixtures.tls import VERSIONS, make, shown, speaking, spoken, suites

WITHIN_S = 20.0
SEALED_AT_ONCE = [
    "TLS_AES_128_GCM_SHA256",
    "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256",
]


async def test_both_doors_speak_tls_1_3_alone_and_take_a_new_certificate(tmp_path: Path) -> None:
    """A client of each version: only 1.3 gets in. SIGHUP after a renewal: new ones see it, the open socket stays."""
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    first = make(chain, key)
    settings = {
        **ROOMY,
        "MUSTER_TLS_CERT": str(chain),
        "MUSTER_TLS_KEY": str(key),
        "MUSTER_AUTH_WITHIN_S": "60",
    }
    async with muster_up(1, settings) as stack:
        [hub] = (int(url.rpartition(":")[2]) for url in stack.hub_urls)
        api = int(stack.api_url.rpartition(":")[2])
        for port in (hub, api):
            said = [await spoken(port, version) for version in VERSIONS]
            assert said == [None, None, None, "TLSv1.3"]
            assert await suites(port) == SEALED_AT_ONCE
            assert await shown(port) == first
        async with connect(
            f"{stack.hub_urls[0]}/v1/socket",
            ssl=speaking(ssl.TLSVersion.TLSv1_3),
            subprotocols=[Subprotocol(limits.SUBPROTOCOL_JSON)],
        ) as client:
            renewed = make(chain, key)
            for name, pid in stack.found.children.items():
                if name.startswith(("hub", "api")):
                    os.kill(pid, signal.SIGHUP)
            async with asyncio.timeout(WITHIN_S):
                for port in (hub, api):
                    while await shown(port) != renewed:
                        pass
            await asyncio.wait_for(await client.ping(), WITHIN_S)
