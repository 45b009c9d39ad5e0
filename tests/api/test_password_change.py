"""Passwords, as a client sees them: which may be taken, and what changing one ends."""

import asyncio
import hashlib
import secrets
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from muster.ids import SessionId, device_of
from muster.sessions import Install, NewSession
from muster.stores.postgres.sessions import PostgresSessions
from tests.api.door import PASSWORD, Door, Someone
from tests.api.opening import open_door

NEW = "another horse, another battery"


async def _change(one: Someone, old: str, new: str) -> httpx.Response:
    return await one.ask("PUT", "/v1/me/password", json={"password": old, "new_password": new})


async def _enters(door: Door, handle: str, password: str) -> int:
    body = {"handle": handle, "password": password, "install": "other"}
    return (await door.client.post("/v1/sessions", json=body)).status_code


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("short 7", "8 to 128"),
        ("x" * 129, "8 to 128"),
        ("password1", "easily guessed"),
        ("Qwertyuiop", "easily guessed"),
        ("adalovelace99!", "easily guessed"),
        ("2026-11-22", "easily guessed"),
    ],
)
async def test_passwords_that_nobody_may_take(door: Door, password: str, why: str) -> None:
    """Too short, too long, what is tried first, one's own handle; at registering and at changing alike."""
    body = {"handle": "ada.lovelace", "password": password}
    refused = await door.client.post("/v1/people", json=body)
    assert refused.status_code == 400
    assert why in refused.json()["detail"]
    ada = await door.register("ada.lovelace")
    changed = await _change(ada, PASSWORD, password)
    assert (changed.status_code, changed.json()["detail"]) == (400, refused.json()["detail"])
    assert await _enters(door, "ada.lovelace", PASSWORD) == 201


async def test_no_letter_of_a_password_is_cut_off(door: Door) -> None:
    """Of 128 letters all count, also those that take four bytes."""
    long = "🐴" * 10 + "a" * 50 + "Ω" * 67
    for password in (f"{long}1", f"{long}2"):
        body = {"handle": f"ada{password[-1]}", "password": password}
        assert (await door.client.post("/v1/people", json=body)).status_code == 201
    assert await _enters(door, "ada1", f"{long}1") == 201
    for other in (f"{long}2", long, f"{long}1 "):
        assert await _enters(door, "ada1", other) == 401


async def test_a_taken_handle_costs_what_a_free_one_does(database_url: str, redis_url: str) -> None:
    """Handles are public and may be told; that somebody's password is being hashed may not differ by it."""
    async with open_door(
        database_url, redis_url, password_memory_kib=19_456, password_passes=4
    ) as door:
        await door.register("ada")
        costs: dict[int, list[float]] = {201: [], 409: []}
        for number in range(3):
            for handle, status in ((f"free{number}", 201), ("ada", 409)):
                began = time.process_time()
                body = {"handle": handle, "password": PASSWORD}
                assert (await door.client.post("/v1/people", json=body)).status_code == status
                costs[status].append(time.process_time() - began)
    assert 0.5 < min(costs[201]) / min(costs[409]) < 2


async def test_a_list_of_breached_passwords(
    database_url: str, redis_url: str, tmp_path: Path
) -> None:
    """Whose hash stands in the file is refused; without the file it would do."""
    stolen = "a sentence that was stolen elsewhere"
    path = tmp_path / "pwned.txt"
    lines = sorted(
        hashlib.sha1(one.encode(), usedforsecurity=False).hexdigest().upper()
        for one in (stolen, *(f"other {number}" for number in range(100)))
    )
    path.write_text("\n".join(f"{line}:3" for line in lines) + "\n", encoding="ascii")
    async with open_door(database_url, redis_url, breached_file=path) as door:
        body = {"handle": "ada", "password": stolen}
        assert (await door.client.post("/v1/people", json=body)).status_code == 400
        ada = await door.register("ada")
        assert (await _change(ada, PASSWORD, stolen)).status_code == 400
        assert door.counted("muster_identity_events_total", event="password_refused") == 2


async def test_a_new_password_ends_every_other_session(door: Door) -> None:
    """The one that asks goes on, refresh token and all; a phone that was stolen does not."""
    mine = await door.register("ada")
    stolen, tablet = await door.log_in("ada", "stolen"), await door.log_in("ada", "tablet")
    assert (await _change(mine, PASSWORD, NEW)).status_code == 204
    await door.heard()
    for other in (stolen, tablet):
        assert (await other.ask("GET", "/v1/me")).status_code == 401
        refresh = {"refresh_token": other.refresh_token}
        assert (await door.client.post("/v1/sessions/refresh", json=refresh)).status_code == 401
    assert (await mine.ask("GET", "/v1/me")).status_code == 200
    refresh = {"refresh_token": mine.refresh_token}
    assert (await door.client.post("/v1/sessions/refresh", json=refresh)).status_code == 200
    assert await _enters(door, "ada", PASSWORD) == 401
    assert await _enters(door, "ada", NEW) == 201


async def test_a_stolen_token_cannot_change_the_password(door: Door) -> None:
    """The old one is asked for, and a wrong one is no reason to log anybody out."""
    ada = await door.register("ada")
    refused = await _change(ada, "not her password", NEW)
    assert (refused.status_code, refused.json()["name"]) == (403, "permission_denied")
    assert await _enters(door, "ada", PASSWORD) == 201


async def test_guessing_with_a_stolen_token_is_bounded(database_url: str, redis_url: str) -> None:
    """As slow as at the front door."""
    async with open_door(database_url, redis_url, rate_limits=True) as door:
        ada = await door.register("ada")
        answers = [await _change(ada, f"guess number {n}", NEW) for n in range(12)]
        assert {answer.status_code for answer in answers} == {403, 429}
        assert answers[-1].status_code == 429


async def test_a_login_beside_a_change_leaves_no_session_of_the_old_password(door: Door) -> None:
    """Whichever comes first: afterwards nobody is in by the old password but who changed it."""
    for number in range(6):
        ada = await door.register(f"ada{number}")
        body = {"handle": ada.handle, "password": PASSWORD, "install": "thief"}
        entering = [door.client.post("/v1/sessions", json=body) for _ in range(4)]
        *entered, changed = await asyncio.gather(*entering, _change(ada, PASSWORD, NEW))
        assert changed.status_code == 204
        assert {answer.status_code for answer in entered} <= {201, 401, 403}
        left: list[dict[str, Any]] = (await ada.done("GET", "/v1/me/sessions"))["sessions"]
        assert [session["current"] for session in left] == [True]


async def test_a_login_that_a_change_overtook_is_refused(door: Door) -> None:
    """Its password was judged before, its session would begin after: by the count of changes it is told."""
    ada = await door.register("ada")
    assert (await _change(ada, PASSWORD, NEW)).status_code == 204
    store = PostgresSessions(door.ground.primary)

    def late(password_no: int | None) -> NewSession:
        ends_ms = door.clock.now_ms() + 60_000
        return NewSession(
            SessionId(uuid4()),
            ada.id,
            device_of(ada.id, "late"),
            Install("late"),
            ends_ms,
            secrets.token_bytes(32),
            ends_ms,
            password_no,
        )

    assert not await store.add(late(0))
    assert await store.add(late(1))
    assert await store.add(late(None))  # by no password at all: a grant, a trusted issuer


async def test_two_changes_at_once_are_one(door: Door) -> None:
    """The second was proven by a password that is no longer the one in force."""
    ada = await door.register("ada")
    both = await asyncio.gather(
        _change(ada, PASSWORD, NEW), _change(ada, PASSWORD, f"{NEW}, another day")
    )
    statuses = sorted(answer.status_code for answer in both)
    assert statuses in ([204, 409], [204, 403])


async def test_a_device_is_logged_out_with_all_its_sessions(door: Door) -> None:
    """By the id that the list of sessions tells; a device of somebody else's is nobody's to end."""
    phone = await door.register("ada")
    tablets = [await door.log_in("ada", "tablet") for _ in range(2)]
    eve = await door.register("eve")
    listed: list[dict[str, Any]] = (await phone.done("GET", "/v1/me/sessions"))["sessions"]
    [device] = {one["device"] for one in listed if not one["current"]}
    await eve.done("DELETE", f"/v1/me/devices/{device}")
    await door.heard()
    assert (await tablets[0].ask("GET", "/v1/me")).status_code == 200
    await phone.done("DELETE", f"/v1/me/devices/{device}")
    await door.heard()
    assert {(await one.ask("GET", "/v1/me")).status_code for one in tablets} == {401}
    assert (await phone.ask("GET", "/v1/me")).status_code == 200
