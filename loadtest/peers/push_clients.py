"""Who can bring pushes to a provider over HTTP/2, each behind one call: ours, ours as a carrier, aioapns, httpx.

Owns that all of them send the same: another device and another id each time, one signed token, the same body, over one
connection. Must never import a peer before it is asked for: what is not installed is absent, and said so.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, NamedTuple
from uuid import UUID

import httpx
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from muster.bucket import Rate
from muster.clock import SystemClock
from muster.push_device import Environment, Privacy, Provider, PushDevice, TargetKind
from muster.token_shelf import OwnShelf
from pushers.apns import MANNER, Apns
from pushers.apns_token import provider_tokens
from pushers.gate import Gate, Rates
from pushers.http2.client import Client
from pushers.http2.dial import Dial, base, trust
from pushers.http2.exchange import Fields
from pushers.outcome import Delivered
from pushers.push import Kind, Push

TOPIC: Final = "example.muster"
BODY: Final = b"""{"aps":{"alert":{"title":"Ada","body":"I will be there at eight, shall I bring something?"},\
"badge":3,"sound":"default","thread-id":"0193c5a0"},"room":"0193c5a0-0000-7000-8000-000000000001","seq":1234}"""
_EXPIRES_MS: Final = 4_000_000_000_000
_UNBOUND: Final = Rates(Rate(1e9, 1e9), Rate(1e9, 1e9))

Send = Callable[[int], Awaitable[None]]
"""The n-th push; returns once it was answered 200."""


class Server(NamedTuple):
    """Where to, and who vouches for it."""

    host: str
    port: int
    ca: Path


class PushClient(NamedTuple):
    """`opened(server)` gives its `Send`. `needs` is what has to be installed."""

    name: str
    needs: tuple[str, ...]
    opened: Callable[[Server], Any]


def is_here(client: PushClient) -> bool:
    """Whether it can be imported."""
    return all(find_spec(name) is not None for name in client.needs)


@asynccontextmanager
async def _ours(server: Server) -> AsyncIterator[Send]:
    async with _running(server) as (client, tokens):
        token = b"bearer " + (await tokens.token()).encode()

        async def send(number: int) -> None:
            answer = await client.ask(_fields(client.authority, number, token), BODY)
            assert answer.status == 200

        yield send


@asynccontextmanager
async def _carried(server: Server) -> AsyncIterator[Send]:
    async with _running(server) as (client, tokens):
        clock = SystemClock()
        gate = Gate(_UNBOUND, clock, random.Random(1))
        carrier = Apns({Environment.production: client}, tokens, gate, clock)

        async def send(number: int) -> None:
            assert await carrier.send(_push(number)) == Delivered()

        yield send


@asynccontextmanager
async def _running(server: Server) -> AsyncIterator[tuple[Client, Any]]:
    to = base(f"https://{server.host}:{server.port}")
    client = Client(
        Dial(to, trust(server.ca)), MANNER._replace(connections=1, streams=1_000), random.Random(1)
    )
    clock = SystemClock()
    tokens = provider_tokens("TEAM123456", "KEY1234567", _key(), OwnShelf(clock), clock)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(client.run())
        try:
            yield client, tokens
        finally:
            await client.close()
            running.cancel()


@asynccontextmanager
async def _aioapns(server: Server) -> AsyncIterator[Send]:
    aioapns: Any = importlib.import_module("aioapns")
    connection: Any = importlib.import_module("aioapns.connection")
    # It has no setting for where Apple is.
    connection.APNsProductionClientProtocol.APNS_SERVER = server.host
    connection.APNsTLSClientProtocol.APNS_PORT = server.port
    pem = _key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    client = aioapns.APNs(
        key=pem,
        key_id="KEY1234567",
        team_id="TEAM123456",
        topic=TOPIC,
        max_connections=1,
        ssl_context=trust(server.ca),
    )
    message = json.loads(BODY)

    async def send(number: int) -> None:
        request = aioapns.NotificationRequest(
            device_token=_device(number),
            message=message,
            notification_id=str(_id(number)),
            priority=10,
            time_to_live=3_600,
            collapse_key="room",
        )
        answer = await client.send_notification(request)
        assert answer.is_successful

    yield send
    client.pool.close()


@asynccontextmanager
async def _httpx(server: Server) -> AsyncIterator[Send]:
    limits = httpx.Limits(max_connections=1, max_keepalive_connections=1)
    to = f"https://{server.host}:{server.port}"
    tokens = provider_tokens(
        "TEAM123456", "KEY1234567", _key(), OwnShelf(SystemClock()), SystemClock()
    )
    token = b"bearer " + (await tokens.token()).encode()
    async with httpx.AsyncClient(
        http1=False, http2=True, verify=trust(server.ca), limits=limits, trust_env=False, timeout=30
    ) as client:

        async def send(number: int) -> None:
            fields = [pair for pair in _fields(b"", number, token) if not pair[0].startswith(b":")]
            answer = await client.post(
                f"{to}/3/device/{_device(number)}", content=BODY, headers=fields
            )
            assert answer.status_code == 200

        yield send


OURS: Final = PushClient("ours", (), _ours)
CARRIED: Final = PushClient("ours, as a carrier", (), _carried)
PEERS: Final = (
    PushClient("aioapns", ("aioapns",), _aioapns),
    PushClient("httpx", ("h2",), _httpx),
)


def _key() -> Any:
    return generate_private_key(SECP256R1())


def _device(number: int) -> str:
    return f"{number * 2_654_435_761 % 2**256:064x}"


def _id(number: int) -> UUID:
    return UUID(int=number)


def _fields(authority: bytes, number: int, token: bytes) -> Fields:
    return [
        (b":method", b"POST"),
        (b":scheme", b"https"),
        (b":authority", authority),
        (b":path", b"/3/device/" + _device(number).encode()),
        (b"authorization", token),
        (b"apns-topic", TOPIC.encode()),
        (b"apns-push-type", b"alert"),
        (b"apns-priority", b"10"),
        (b"apns-id", str(_id(number)).encode()),
        (b"apns-expiration", b"4000000000"),
        (b"apns-collapse-id", b"room"),
    ]


def _push(number: int) -> Push:
    device = PushDevice(
        device=_id(number),
        provider=Provider.apns,
        environment=Environment.production,
        topic=TOPIC,
        token=_device(number),
        target_kind=TargetKind.token,
        locale="en",
        zone="UTC",
        app_version="1",
        privacy=Privacy.full,
        shows_local=False,
        registered_ms=0,
    )
    return Push(_id(number), device, Kind.alert, BODY, "room", _EXPIRES_MS, urgent=False)
