"""Limits over several processes, with Redis and without it, and what is said of them."""

from __future__ import annotations

import asyncio
import re
import secrets
from contextlib import AsyncExitStack

import httpx
import pytest

from api.limits import LOG_IN
from muster.attempts import ACCOUNT, ADDRESS, PAIR
from tests.api.door import PASSWORD, Door, Someone
from tests.api.opening import open_door
from tests.fixtures.restartable import RestartableRedis


async def _write(one: Someone) -> int:
    """A write that does nothing; its status."""
    return (await one.ask("POST", "/v1/rooms", json={})).status_code


async def test_fifty_at_once_on_two_processes_are_let_in_up_to_the_burst(
    database_url: str, redis_url: str
) -> None:
    """Exactly as many as one process would have let in: half of thirty writes come by each."""
    async with AsyncExitStack() as stack:
        shared = f"test-{secrets.token_hex(4)}"
        doors = [
            await stack.enter_async_context(
                open_door(
                    database_url, redis_url, tolls=shared, rate_limits=True, writes_per_s=10 / 3
                )
            )
            for _ in range(2)
        ]
        ada = await doors[0].someone()
        there = Someone(doors[1], ada.id, ada.handle, ada.token)
        began = asyncio.get_running_loop().time()
        statuses = await asyncio.gather(*(_write(one) for one in (ada, there) * 25))
        elapsed_s = asyncio.get_running_loop().time() - began
        let_in = statuses.count(400)
        assert 10 <= let_in <= 10 + elapsed_s * 10 / 3 + 1
        assert statuses.count(429) == 50 - let_in
        if elapsed_s < 0.3:
            assert let_in == 10


async def test_where_one_stands_is_told(database_url: str, redis_url: str) -> None:
    """RateLimit says how many are left and RateLimit-Policy of how many; Retry-After agrees when there are none."""
    async with open_door(database_url, redis_url, rate_limits=True, writes_per_s=1.0) as door:
        ada = await door.someone()
        for left in (2, 1, 0):
            answer = await ada.ask("POST", "/v1/rooms", json={})
            assert answer.status_code == 400
            assert answer.headers["ratelimit"] == f'"writes";r={left};t={3 - left}'
        answer = await ada.ask("POST", "/v1/rooms", json={})
        assert answer.status_code == 429
        assert answer.headers["ratelimit-policy"] == '"writes";q=3;w=3'
        told = re.fullmatch(r'"writes";r=0;t=(\d)', answer.headers["ratelimit"])
        assert told is not None
        assert told[1] == answer.headers["retry-after"] == "1"
        answer = await (await door.someone()).ask("GET", "/v1/me")
        assert answer.headers["ratelimit-policy"] == '"reads";q=250;w=5'
        assert re.fullmatch(r'"reads";r=24\d;t=1', answer.headers["ratelimit"])
        assert _refused(door, "writes") == 1


async def test_without_redis_each_process_limits_by_itself(
    database_url: str, redis_url: str, restartable_redis: RestartableRedis
) -> None:
    """Neither open nor closed, and at once; when Redis is back the bucket is shared again."""
    async with AsyncExitStack() as stack:
        shared = f"test-{secrets.token_hex(4)}"
        doors = [
            await stack.enter_async_context(
                open_door(
                    database_url,
                    restartable_redis.url,
                    tolls=shared,
                    page_cache_mib=0,
                    rate_limits=True,
                    writes_per_s=0.1,
                )
            )
            for _ in range(2)
        ]
        ada = await doors[0].someone()
        ones = [ada, Someone(doors[1], ada.id, ada.handle, ada.token)]
        assert [await _write(one) for one in ones] == [400, 429]
        await restartable_redis.kill()
        bob = await doors[0].someone()
        ones = [bob, Someone(doors[1], bob.id, bob.handle, bob.token)]
        for one in ones:
            assert [await _write(one) for _ in range(3)] == [400, 429, 429]
        assert all(door.counted("muster_limit_shared") == 0 for door in doors)
        await restartable_redis.start()
        async with asyncio.timeout(20):
            while not all(door.counted("muster_limit_shared") for door in doors):  # noqa: ASYNC110  # nobody tells
                await asyncio.sleep(0)
        eve = await doors[0].someone()
        ones = [eve, Someone(doors[1], eve.id, eve.handle, eve.token)]
        assert [await _write(one) for one in ones] == [400, 429]


async def test_a_room_is_written_into_so_often_by_all_together(
    database_url: str, redis_url: str
) -> None:
    """Each within their own bounds; another room is free."""
    async with open_door(database_url, redis_url, rate_limits=True, room_per_s=1.0) as door:
        ada, bob = await door.someone(), await door.someone()
        room, other = await ada.room(), await ada.room()
        path = f"/v1/rooms/{room}/messages"
        statuses = [
            (await one.ask("POST", path, json={"client_id": f"c{i}", "text": "."})).status_code
            for i, one in enumerate([ada, bob] * 4)
        ]
        assert statuses[:5] == [201, 404, 201, 404, 201]
        assert 429 in statuses[5:]
        assert await ada.post(other, "elsewhere")
        assert _refused(door, "room") >= 1


# Passwords


async def _try(door: Door, handle: str, password: str, address: str = "") -> httpx.Response:
    headers = {"X-Forwarded-For": address} if address else {}
    wanted = {"handle": handle, "password": password, "install": "phone"}
    return await door.client.post("/v1/sessions", json=wanted, headers=headers)


async def test_wrong_passwords_make_the_next_wait_longer_known_or_not(
    database_url: str, redis_url: str
) -> None:
    """The same answers for an account and for none; the right one waits as well, and then all is forgotten."""
    async with open_door(database_url, redis_url, rate_limits=True, anonymous_per_min=1e4) as door:
        await door.register("ada")
        for handle in ("ada", "nobody"):
            answers = [await _try(door, handle, "a wrong password") for _ in range(7)]
            told = [(one.status_code, one.json()["detail"]) for one in answers]
            assert [status for status, _ in told] == [401] * PAIR.free + [429] * 2
            assert told[-1][1] == "too many tries; wait before the next"
            assert answers[-1].headers["Retry-After"] == "1"
        refused = await _try(door, "ada", PASSWORD)
        assert refused.status_code == 429
        await _passed(door, "ada")
        assert (await _try(door, "ada", "a wrong password")).status_code == 401
        assert (await _try(door, "ada", PASSWORD)).status_code == 201
        assert _refused(door, "account_and_address") >= 5


async def _passed(door: Door, handle: str) -> None:
    """Log in as soon as one may."""
    async with asyncio.timeout(20):
        while (await _try(door, handle, PASSWORD)).status_code != 201:  # noqa: ASYNC110  # time alone helps
            await asyncio.sleep(0)


async def test_guesses_from_many_addresses_do_not_lock_somebody_out_of_their_own(
    database_url: str, redis_url: str
) -> None:
    """Twenty strangers with wrong passwords; the right one from elsewhere is let in."""
    async with open_door(
        database_url, redis_url, rate_limits=True, trusted_proxies=("127.0.0.1",)
    ) as door:
        await door.register("ada")
        for i in range(20):
            assert (await _try(door, "ada", "wrong", f"198.51.100.{i}")).status_code == 401
        assert (await _try(door, "ada", PASSWORD, "203.0.113.9")).status_code == 201


async def test_strangers_who_go_on_keep_nobody_out_of_the_phone_they_have(
    database_url: str, redis_url: str
) -> None:
    """Past what is free for an account, which `tests/muster/test_attempts.py` tries in full."""
    async with open_door(
        database_url, redis_url, rate_limits=True, trusted_proxies=("127.0.0.1",)
    ) as door:
        await door.register("ada")
        assert (await _try(door, "ada", PASSWORD, "203.0.113.9")).status_code == 201
        attempts = door.ground.guards.attempts
        for i in range(ACCOUNT.free):
            await attempts.begin(LOG_IN, "ada", f"198.51.100.{i}", "theirs")
        assert (await _try(door, "ada", PASSWORD, "203.0.113.7")).status_code == 201


async def test_one_address_that_tries_many_accounts_is_slowed(
    database_url: str, redis_url: str
) -> None:
    """IPv6 by its /64; another network is not."""
    async with open_door(
        database_url,
        redis_url,
        rate_limits=True,
        trusted_proxies=("127.0.0.1",),
        anonymous_per_min=1e4,
    ) as door:
        tries = (
            _try(door, f"person{i}", "wrong", f"2001:db8:1:1::{i:x}")
            for i in range(ADDRESS.free + 20)
        )
        statuses = [answer.status_code for answer in await asyncio.gather(*tries)]
        assert statuses.count(401) <= ADDRESS.free + 1
        assert 429 in statuses
        assert (await _try(door, "ada", "wrong", "2001:db8:1:2::1")).status_code == 401


async def test_tokens_that_are_none_are_slowed_by_address(
    database_url: str, redis_url: str
) -> None:
    """Somebody who guesses; a good token is read, from their address too."""
    async with open_door(
        database_url, redis_url, rate_limits=True, trusted_proxies=("127.0.0.1",)
    ) as door:
        ada = await door.someone()
        bad = {"Authorization": "Bearer nonsense", "X-Forwarded-For": "203.0.113.9"}
        asked = (door.client.get("/v1/me", headers=bad) for _ in range(150))
        statuses = [answer.status_code for answer in await asyncio.gather(*asked)]
        assert set(statuses) == {401, 429}
        good = {**bad, "Authorization": f"Bearer {ada.token}"}
        asked = (door.client.get("/v1/me", headers=bad) for _ in range(20))
        assert 429 in [answer.status_code for answer in await asyncio.gather(*asked)]
        assert (await door.client.get("/v1/me", headers=good)).status_code == 200
        assert (await ada.ask("GET", "/v1/me")).status_code == 200


# Borders


@pytest.mark.parametrize("path", ["/v1/me", "/v1/sessions", "/healthz", "/nowhere"])
async def test_from_a_denied_network_nothing_is_answered(
    database_url: str, redis_url: str, path: str
) -> None:
    """Ahead of everything, whatever is asked."""
    async with open_door(
        database_url,
        redis_url,
        deny_networks=("203.0.113.0/24",),
        trusted_proxies=("127.0.0.1",),
    ) as door:
        headers = {"X-Forwarded-For": "203.0.113.9"}
        answer = await door.client.get(path, headers=headers)
        assert (answer.status_code, answer.json()["name"]) == (403, "permission_denied")
        answer = await door.client.get(path)
        assert answer.status_code != 403
        assert _refused(door, "networks") == 1


async def test_a_forged_header_opens_nothing(database_url: str, redis_url: str) -> None:
    """Whoever is no balancer of ours speaks for themselves; whoever comes by one speaks last."""
    forged = {"X-Forwarded-For": "198.51.100.1"}
    async with open_door(database_url, redis_url, deny_networks=("127.0.0.0/8",)) as door:
        assert (await door.client.get("/healthz", headers=forged)).status_code == 403
    async with open_door(
        database_url,
        redis_url,
        allow_networks=("198.51.100.0/24",),
        trusted_proxies=("127.0.0.0/8",),
    ) as door:
        assert (await door.client.get("/healthz", headers=forged)).status_code == 200
        smuggled = [("X-Forwarded-For", "198.51.100.1"), ("x-forwarded-for", "203.0.113.9")]
        assert (await door.client.get("/healthz", headers=smuggled)).status_code == 403
        smuggled = [
            ("X-Forwarded-For", "198.51.100.1, 203.0.113.9"),
            ("Forwarded", "for=198.51.100.1"),
        ]
        smuggled += [("X-Real-IP", "198.51.100.1"), ("X-Forwarded-For ", "198.51.100.1")]
        assert (await door.client.get("/healthz", headers=smuggled)).status_code == 403


def _refused(door: Door, limit: str) -> float:
    value = door.ground.registry.get_sample_value("muster_limit_refused_total", {"limit": limit})
    return value or 0.0
