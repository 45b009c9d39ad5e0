"""Service keys that sign: one request each, by the key alone, and none twice."""

import asyncio
import json
import secrets
from typing import Any
from uuid import UUID

import httpx
import pytest

from muster.permission import Scope
from muster.service_keys import FIELD, FRESH_S, NewKey, new_key
from muster.signed_request import APART_MS, Asked, sign
from muster.stores.postgres import service_keys
from tests.api.door import Door

PERSON = "/v1/service/people/user%2042"
BODY = b'{"name": "Ada"}'


class Signer:
    """One of the app's servers, which signs."""

    def __init__(self, door: Door, new: NewKey) -> None:
        self.new = new
        self._door = door

    def header(self, method: str, target: str, body: bytes = b"", **other: Any) -> dict[str, str]:
        at_ms = other.get("at_ms", self._door.clock.now_ms())
        nonce = other.get("nonce", secrets.token_urlsafe(16))
        key = other.get("key", (self.new.id, self.new.signing_key))
        signed = sign(Asked(method, target.encode()), body, key, at_ms, nonce)
        return {"Authorization": signed, "Content-Type": "application/json"}

    async def send(self, method: str, target: str, body: bytes = b"", **other: Any) -> int:
        header = self.header(method, target, body, **other)
        return await sent(self._door, method, target, header, body)


async def sent(door: Door, method: str, target: str, header: dict[str, str], body: bytes) -> int:
    answer = await door.client.request(method, target, headers=header, content=body)
    if answer.status_code >= 400:
        assert answer.json()["detail"]
    return answer.status_code


async def signer(door: Door, *scopes: Scope) -> Signer:
    """A server whose key signs."""
    new = new_key(door.clock.now_ms(), door.ground.random)
    sealed = door.ground.sealer.seal(new.signing_key, FIELD, new.id.bytes)
    assert await service_keys.add(door.database, new, "signs", scopes, None, sealed)
    door.clock.ahead_s += FRESH_S
    return Signer(door, new)


async def test_a_signed_request_is_done(door: Door) -> None:
    """With a body and without, path and query as they are sent; its use is noted."""
    server = await signer(door, Scope.people)
    assert await server.send("PUT", PERSON, BODY) == 201
    assert await server.send("GET", PERSON) == 200
    assert await server.send("GET", f"{PERSON}?x=%41") == 200
    used = "SELECT used_at IS NOT NULL FROM service_keys"
    assert await door.database.fetchval(used)


async def test_a_copy_of_it_is_not(door: Door) -> None:
    """Of ten who send it at once one is heard, and later nobody."""
    server = await signer(door, Scope.people)
    header = server.header("PUT", PERSON, BODY)
    sending = (sent(door, "PUT", PERSON, header, BODY) for _ in range(10))
    statuses = sorted(await asyncio.gather(*sending))
    assert statuses == [201] + [401] * 9
    assert await sent(door, "PUT", PERSON, header, BODY) == 401
    assert door.counted("muster_identity_events_total", event="signature_replayed") == 10


async def test_nothing_of_it_can_be_changed(door: Door) -> None:
    """Not the method, the address, the body or the time; a body that was not signed changes nothing."""
    server = await signer(door, Scope.people)
    await server.send("PUT", PERSON, BODY)
    other = "/v1/service/people/user%2043"
    assert await sent(door, "PUT", other, server.header("PUT", PERSON, BODY), BODY) == 401
    assert await sent(door, "GET", PERSON, server.header("PUT", PERSON, BODY), b"") == 401
    forged = b'{"name": "Eve"}'
    assert await sent(door, "PUT", PERSON, server.header("PUT", PERSON, BODY), forged) == 401
    names = "SELECT array_agg(DISTINCT name) FROM people"
    assert await door.database.fetchval(names) == ["Ada"]
    now = door.clock.now_ms()
    for at_ms in (now - APART_MS - 5_000, now + APART_MS + 5_000):
        assert await server.send("GET", PERSON, at_ms=at_ms) == 401
    for at_ms in (now - APART_MS + 5_000, now + APART_MS - 5_000):
        assert await server.send("GET", PERSON, at_ms=at_ms) == 200


async def test_keys_of_others_and_of_nobody(door: Door) -> None:
    """A wrong secret, an unknown id, a key that is shown instead: none of them signs."""
    server, other = await signer(door, Scope.people), await signer(door, Scope.people)
    shown = await door.service(Scope.people)
    for key in (
        (server.new.id, other.new.signing_key),
        (UUID(int=1), server.new.signing_key),
        (shown.key, server.new.signing_key),
        (server.new.id, server.new.secret_hash),
    ):
        assert await server.send("GET", PERSON, key=key) == 401
    assert door.counted("muster_identity_events_total", event="signature_wrong") == 2


async def test_a_key_that_signs_is_never_shown(door: Door) -> None:
    """Its word, sent as a token, lets nobody in; what is kept of it is sealed to its row."""
    server = await signer(door, Scope.people)
    bearer = {"Authorization": f"Bearer {server.new.word}"}
    refused = await door.client.get(PERSON, headers=bearer)
    assert refused.status_code == 401
    assert "never send it" in refused.json()["detail"]
    hashed = await door.database.fetchval("SELECT secret_hash FROM service_keys")
    assert hashed != server.new.secret_hash  # which the release before would believe
    kept = await door.database.fetchval("SELECT signing_sealed FROM service_keys")
    assert server.new.signing_key not in kept
    other = await signer(door, Scope.people)
    moved = "UPDATE service_keys SET signing_sealed = $1 WHERE key_id = $2"
    await door.database.execute(moved, kept, other.new.id)
    door.clock.ahead_s += FRESH_S
    assert await other.send("GET", PERSON) == 503


async def test_its_bounds_are_those_of_any_key(door: Door) -> None:
    """A scope for each route, an end, no person, no socket, no other key."""
    server = await signer(door, Scope.post)
    assert await server.send("PUT", PERSON, BODY) == 403
    assert await server.send("GET", "/v1/me") == 403
    expire = "UPDATE service_keys SET expires_at = now() + interval '1 minute' WHERE key_id = $1"
    people = await signer(door, Scope.people)
    await door.database.execute(expire, people.new.id)
    door.clock.ahead_s += FRESH_S
    assert await people.send("PUT", PERSON, BODY) == 201
    door.clock.ahead_s += 61
    assert await people.send("PUT", PERSON, BODY) == 401
    revoked = await signer(door, Scope.people)
    assert await service_keys.revoke(door.database, revoked.new.id)
    door.clock.ahead_s += FRESH_S
    assert await revoked.send("PUT", PERSON, BODY) == 401


@pytest.mark.parametrize("header", ["Muster-HMAC", "Muster-HMAC key=1, at=2", "muster-hmac \xff"])
async def test_half_a_signature_is_none(door: Door, header: str) -> None:
    """A sentence that says what is missing."""
    await signer(door, Scope.people)
    answer: httpx.Response = await door.client.get(
        PERSON, headers={b"Authorization": header.encode("latin-1")}
    )
    assert answer.status_code == 401
    assert "signature=" in json.loads(answer.text)["detail"]
