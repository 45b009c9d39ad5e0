"""Both carriers against a scripted server: what is said to a provider, and what becomes of each push."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from hpack.hpack import decode_integer

from muster.clock import SystemClock
from muster.push_device import Environment, Privacy, Provider, PushDevice, TargetKind
from muster.token_shelf import OwnShelf
from pushers import apns, fcm
from pushers.apns import Apns
from pushers.fcm import Fcm
from pushers.gate import Gate
from pushers.http2.client import Manner
from pushers.http2.connection import Life
from pushers.minting import Account, Minted, Tokens, Unminted
from pushers.outcome import CredentialFault, Delivered, Rejected, TokenDead, TryLater
from pushers.push import Carrier, Kind, Push
from tests.pushers.asking import client_of, until
from tests.pushers.peer import REFUSED, Asked, Peer, listening

TOKEN = "ab" * 32
EXPIRES_MS = 4_000_000_000_500


class Clock(SystemClock):
    """Runs, and can be moved on."""

    ahead_s = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.ahead_s


class World:
    """A carrier, its peer and its clock."""

    def __init__(self, carrier: Carrier, peer: Peer, clock: Clock, gate: Gate) -> None:
        self.carrier = carrier
        self.peer = peer
        self.clock = clock
        self.gate = gate
        self.minted = 0


async def mint_never() -> Minted:
    """An account that is refused."""
    raise Unminted("invalid_grant", fault=True)


@asynccontextmanager
async def world(
    directory: Path, provider: Provider, manner: Manner | None = None
) -> AsyncIterator[World]:
    """Of one provider; tokens are `provider token 1` and so on."""
    life = Life(60.0, 1.0)
    is_apns = provider is Provider.apns
    clock = Clock()
    chosen = (manner or (apns.MANNER if is_apns else fcm.MANNER))._replace(within_s=2.0, life=life)
    async with listening(directory) as peer, client_of(peer, chosen) as client:

        async def mint() -> Minted:
            made.minted += 1
            return Minted(f"provider.token.{made.minted}", 3_000.0)

        tokens = Tokens(Account("a", 3_000.0, 300.0, 0.0), mint, OwnShelf(clock), clock)
        gate = Gate(apns.RATES if is_apns else fcm.RATES, clock, random.Random(1))
        carrier: Carrier
        if is_apns:
            carrier = Apns(dict.fromkeys(Environment, client), tokens, gate, clock)
        else:
            carrier = Fcm(client, tokens, gate, clock)
        made = World(carrier, peer, clock, gate)
        yield made


def push_to(
    provider: Provider, token: str = TOKEN, *, topic: str = "", device: UUID | None = None
) -> Push:
    """An alert for a device of its own."""
    to = PushDevice(
        device=device or uuid4(),
        provider=provider,
        environment=Environment.production,
        topic=topic or ("example.muster" if provider is Provider.apns else "muster-test"),
        token=token,
        target_kind=TargetKind.token,
        locale="en",
        zone="UTC",
        app_version="1",
        privacy=Privacy.full,
        shows_local=False,
        registered_ms=0,
    )
    return Push(uuid4(), to, Kind.alert, b'{"aps":{"badge":1}}', "room", EXPIRES_MS, urgent=True)


APNS, FCM = push_to(Provider.apns), push_to(Provider.fcm)


async def test_what_is_said_to_apple(tmp_path: Path) -> None:
    """Every header, for an alert and for a silent push; the body as it was given."""
    silent = APNS._replace(
        kind=Kind.silent, collapse="", device=APNS.device._replace(token=TOKEN.upper())
    )
    async with world(tmp_path, Provider.apns) as made:
        for push in (APNS, silent):
            assert await made.carrier.send(push) == Delivered()
        first, second = made.peer.asked
        assert first.body == APNS.body
        assert first.fields == {
            ":method": "POST",
            ":scheme": "https",
            ":authority": made.peer.url.removeprefix("https://"),
            ":path": f"/3/device/{TOKEN}",
            "authorization": "bearer provider.token.1",
            "apns-topic": "example.muster",
            "apns-push-type": "alert",
            "apns-priority": "10",
            "apns-id": str(APNS.id),
            "apns-expiration": "4000000000",
            "apns-collapse-id": "room",
        }
        assert second.fields[":path"] == f"/3/device/{TOKEN}"
        assert (second.fields["apns-push-type"], second.fields["apns-priority"]) == (
            "background",
            "5",
        )
        assert "apns-collapse-id" not in second.fields


async def test_what_is_said_to_google(tmp_path: Path) -> None:
    """The project is in the path, everything else in the body."""
    async with world(tmp_path, Provider.fcm) as made:
        assert await made.carrier.send(FCM) == Delivered()
        [asked] = made.peer.asked
        assert asked.body == FCM.body
        assert asked.fields[":path"] == "/v1/projects/muster-test/messages:send"
        assert asked.fields["authorization"] == "Bearer provider.token.1"
        assert asked.fields["content-length"] == str(len(FCM.body))


def forms(block: bytes) -> list[tuple[int, bytes]]:
    """Each field of a header block as it was written: its form (0x80 indexed, 0x40 kept, 0x10 never kept, 0x00 not
    kept) and its bytes. Read here by hand, so that nothing depends on a library's opinion.
    """
    found = []
    while block:
        first = block[0]
        form = next((bit for bit in (0x80, 0x40, 0x20, 0x10) if first & bit), 0)
        bits = {0x80: 7, 0x40: 6, 0x20: 5}.get(form, 4)
        index, at = decode_integer(block, bits)
        if form not in (0x80, 0x20):
            for _ in range(1 if index else 2):
                length, used = decode_integer(block[at:], 7)
                at += used + length
        found.append((form, block[:at]))
        block = block[at:]
    return found


async def test_no_secret_is_ever_indexed(tmp_path: Path) -> None:
    """In the bytes themselves: path and authorization are marked never to be indexed, in every request; what varies is
    not kept from the second one on; the rest is one byte."""
    async with world(tmp_path, Provider.apns) as made:
        for number in range(3):
            await made.carrier.send(push_to(Provider.apns, f"{number:064x}"))
        for number, asked in enumerate(made.peer.asked):
            secret = [data for form, data in forms(asked.block) if form == 0x10]
            assert len(secret) == 2
            assert f"/3/device/{number:064x}".encode() in secret[0]
            assert b"bearer provider.token.1" in secret[1]
        for asked in made.peer.asked[1:]:
            written = forms(asked.block)
            assert [len(data) for form, data in written if form == 0x80] == [1] * 6
            assert [form for form, _ in written].count(0x00) == 3  # id, expiration, collapse id
            assert len(written) == 11


@pytest.mark.parametrize(
    ("changed", "outcome"),
    [
        ({"token": "../../x"}, Rejected("BadDeviceToken", mistoken=True)),
        ({"token": "ab\r\nx: y"}, Rejected("BadDeviceToken", mistoken=True)),
        ({"token": ""}, Rejected("BadDeviceToken", mistoken=True)),
        ({"topic": "a b"}, Rejected("BadTopic", mistoken=True)),
        ({"topic": "a\r\nb"}, Rejected("BadTopic", mistoken=True)),
        ({"collapse": "x" * 65}, Rejected("BadCollapseId")),
        ({"collapse": "é" * 33}, Rejected("BadCollapseId")),
        ({"collapse": "a\nb"}, Rejected("BadCollapseId")),
        ({"expires_ms": 1}, Rejected("expired")),
    ],
)
async def test_what_could_be_no_request_never_leaves(
    tmp_path: Path, changed: dict[str, object], outcome: Rejected
) -> None:
    """A token is part of a path and a topic a header: neither breaks out of it."""
    push = APNS
    for name, value in changed.items():
        if name in ("token", "topic"):
            push = push._replace(device=push.device._replace(**{name: value}))  # type: ignore[arg-type]  # by name
        else:
            push = push._replace(**{name: value})  # type: ignore[arg-type]  # by name
    async with world(tmp_path, Provider.apns) as made:
        assert await made.carrier.send(push) == outcome
        assert made.peer.asked == []


async def test_a_project_that_is_none_never_leaves(tmp_path: Path) -> None:
    """It is part of a path."""
    async with world(tmp_path, Provider.fcm) as made:
        for topic in ("a/../b", "A b", "x"):
            outcome = await made.carrier.send(push_to(Provider.fcm, topic=topic))
            assert outcome == Rejected("BadProject", mistoken=True)
        assert made.peer.asked == []


async def test_a_dead_token_has_its_moment(tmp_path: Path) -> None:
    """As Apple says it, although the answer comes in pieces."""
    body = b'{"reason":"Unregistered","timestamp":1700000000000}'
    async with world(tmp_path, Provider.apns) as made:
        made.peer.script = lambda asked: asked.reply(410, body, split=7)
        assert await made.carrier.send(APNS) == TokenDead("Unregistered", 1_700_000_000_000)


@pytest.mark.parametrize(
    ("provider", "status", "body"),
    [(Provider.apns, 403, b'{"reason":"ExpiredProviderToken"}'), (Provider.fcm, 401, b"{}")],
)
async def test_a_token_that_is_over_is_replaced_once(
    tmp_path: Path, provider: Provider, status: int, body: bytes
) -> None:
    """The push goes out with the next one; if that is over too, our credentials are at fault."""
    over = {"bearer provider.token.1", "Bearer provider.token.1"}

    def script(asked: Asked) -> None:
        asked.reply(status, body) if asked.fields["authorization"] in over else asked.reply()

    async with world(tmp_path, provider) as made:
        made.peer.script = script
        assert await made.carrier.send(push_to(provider)) == Delivered()
        assert (made.minted, len(made.peer.asked)) == (2, 2)
        over |= {f"{word} provider.token.{n}" for word in ("bearer", "Bearer") for n in (2, 3)}
        assert isinstance(await made.carrier.send(push_to(provider)), CredentialFault)
        assert len(made.peer.asked) == 4
        assert isinstance(await made.carrier.send(push_to(provider)), CredentialFault)
        assert len(made.peer.asked) == 4  # held back


async def test_a_credential_fault_holds_back_and_recovers(tmp_path: Path) -> None:
    """One request finds out, the others wait; after a pause one probe goes, and when it succeeds all go."""
    fault = CredentialFault("InvalidProviderToken")
    async with world(tmp_path, Provider.apns) as made:
        made.peer.script = lambda asked: asked.reply(403, b'{"reason":"InvalidProviderToken"}')
        assert await made.carrier.send(APNS) == fault
        assert [await made.carrier.send(push_to(Provider.apns)) for _ in range(20)] == [fault] * 20
        assert len(made.peer.asked) == 1
        made.peer.script = lambda asked: asked.reply()
        made.clock.ahead_s += 15.0
        assert [await made.carrier.send(push_to(Provider.apns)) for _ in range(20)] == [
            Delivered()
        ] * 20
        await until(
            lambda: made.peer.lines[0].closed
        )  # the connection that knew the old key is not used any more


async def test_an_account_that_is_refused_is_a_credential_fault(tmp_path: Path) -> None:
    """Nothing is sent without a token."""
    clock = Clock()
    async with listening(tmp_path) as peer, client_of(peer) as client:
        tokens = Tokens(Account("a", 1.0, 0.0, 0.0), mint_never, OwnShelf(clock), clock)
        carrier = Fcm(client, tokens, Gate(fcm.RATES, clock, random.Random(1)), clock)
        assert await carrier.send(FCM) == CredentialFault("invalid_grant")
        assert peer.asked == []


async def test_retry_after_is_a_pause_for_everybody(tmp_path: Path) -> None:
    """Of the whole carrier, not of the push that heard it."""
    body = json.dumps({"error": {"status": "UNAVAILABLE", "details": []}}).encode()
    async with world(tmp_path, Provider.fcm) as made:
        made.peer.script = lambda asked: asked.reply(503, body, retry_after="30")
        assert await made.carrier.send(FCM) == TryLater("UNAVAILABLE", 30.0, "provider")
        later = await made.carrier.send(push_to(Provider.fcm))
        assert isinstance(later, TryLater)
        assert (later.reason, later.scope, len(made.peer.asked)) == ("paused", "provider", 1)
        made.clock.ahead_s += 30.0
        made.peer.script = lambda asked: asked.reply()
        assert await made.carrier.send(push_to(Provider.fcm)) == Delivered()


async def test_a_device_that_rings_too_often_waits_alone(tmp_path: Path) -> None:
    """The rest is told without being sent."""
    async with world(tmp_path, Provider.apns) as made:
        device = uuid4()
        burst = [await made.carrier.send(push_to(Provider.apns, device=device)) for _ in range(61)]
        assert burst[:60] == [Delivered()] * 60
        assert isinstance(burst[60], TryLater)
        assert burst[60].scope == "device"
        assert await made.carrier.send(push_to(Provider.apns)) == Delivered()


async def test_silence_after_a_whole_request_is_ambiguous(tmp_path: Path) -> None:
    """And what was refused again and again is not."""
    async with world(tmp_path, Provider.apns, apns.MANNER) as made:
        assert await made.carrier.send(APNS) == Delivered()
        made.peer.script = lambda asked: asked.line.transport.abort()
        assert await made.carrier.send(APNS) == TryLater("closed", ambiguous=True)
        made.peer.script = lambda asked: asked.line.reset(asked, REFUSED)
        assert await made.carrier.send(APNS) == TryLater("refused")


async def test_a_push_that_is_cancelled_leaves_nothing_behind(tmp_path: Path) -> None:
    """No stream, no probe that nobody waits for."""
    async with world(tmp_path, Provider.apns) as made:
        made.peer.script = lambda asked: None  # noqa: ARG005  # no answer
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await made.carrier.send(APNS)
        await until(lambda: made.peer.lines and not made.peer.lines[0].open)
        made.peer.script = lambda asked: asked.reply()
        assert await made.carrier.send(APNS) == Delivered()
