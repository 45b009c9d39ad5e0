"""Keys are rotated while people log in and register phones: no read fails, and all rows end under the new key.

Everybody has a second factor and a phone. In turn each logs in with a code, which opens their sealed secret, and
registers the phone anew, which seals a token. Meanwhile an operator says `muster keys data rotate`. (Keys that sign
tokens are rotated only when the next has been published for a while: tests move the clock for that.)
Owns this run. Must never look into Postgres but for how many rows lie under which key.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import secrets
import sys
from collections import Counter
from time import monotonic, time
from typing import Any, Final

import asyncpg
import httpx
import pyotp
from msgspec import Struct

from loadtest.bench.figures import end
from loadtest.progress import Progress
from loadtest.stack import ROOMY, Stack, muster_up
from muster.stores.postgres.sealed import read_seals

STEP_S: Final = 30.0
"""Of a code of a second factor, which is good once."""

AT_ONCE: Final = 16
TIMEOUT_S: Final = 30.0
LOOK_EVERY_S: Final = 2.0
AFTERWARDS_S: Final = 20.0


class _Person(Struct):
    """Somebody, and what they came by so far."""

    handle: str
    password: str
    codes: pyotp.TOTP | None = None
    access: str = ""
    refresh: str = ""
    step: int = -1


class _Tally(Struct):
    """What was answered, by what was asked."""

    done: Counter[str]
    failed: Counter[str]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """See `python -m loadtest rotation --help`."""
    parser.add_argument("--people", type=int, default=400, help="with a second factor and a phone")
    parser.add_argument(
        "--within", type=float, default=300.0, help="seconds in which all rows must follow"
    )


def run(args: argparse.Namespace) -> int:
    """Rotate, print the figures; the exit code is 1 where something failed or stayed under an old key."""
    figures = asyncio.run(_run(args))
    end(figures, as_json=args.json)
    return 0 if not figures["failed"] and not figures["rows_under_older_keys"] else 1


async def _run(args: argparse.Namespace) -> dict[str, Any]:
    progress, tally = Progress(), _Tally(Counter(), Counter())
    people = [
        _Person(f"keys_{secrets.token_hex(4)}", secrets.token_urlsafe(18))
        for _ in range(args.people)
    ]
    async with muster_up(2, ROOMY) as stack, _http(stack) as http:
        await _each(people, lambda one: _arrive(http, one))
        progress.show(1, 4, "everybody has a second factor")
        database = await asyncpg.connect(stack.found.database_url)
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_live(http, people, tally, stop))
            before = await _newest(database)
            await _muster(stack, "keys", "data", "rotate")
            began = monotonic()
            progress.show(2, 4, "waiting for the rows")
            took_s, older, rows = await _followed(database, before, began + args.within)
            progress.show(3, 4, "a while with new keys alone")
            await asyncio.sleep(AFTERWARDS_S)
            stop.set()
        await database.close()
    progress.end()
    return {
        "people": args.people,
        "done": dict(tally.done),
        "failed": dict(tally.failed),
        "rows": rows,
        "rows_under_older_keys": older,
        "followed_after_s": round(took_s - began, 1),
    }


def _http(stack: Stack) -> httpx.AsyncClient:
    limits = httpx.Limits(max_connections=AT_ONCE, max_keepalive_connections=AT_ONCE)
    return httpx.AsyncClient(base_url=stack.api_url, limits=limits, timeout=TIMEOUT_S)


async def _each(people: list[_Person], do: Any) -> None:
    waiting = list(people)

    async def work() -> None:
        while waiting:
            await do(waiting.pop())

    async with asyncio.TaskGroup() as tasks:
        for _ in range(AT_ONCE):
            tasks.create_task(work())


async def _arrive(http: httpx.AsyncClient, one: _Person) -> None:
    """Register, set up the factor, register the phone."""
    who = {"handle": one.handle, "password": one.password}
    (await http.post("/v1/people", json=who)).raise_for_status()
    grant = (await http.post("/v1/sessions", json={**who, "install": "phone"})).raise_for_status()
    one.access, one.refresh = grant.json()["access_token"], grant.json()["refresh_token"]
    factor = "/v1/me/second-factor"
    mine = {"Authorization": f"Bearer {one.access}"}
    begun = await http.post(factor, json={"password": one.password}, headers=mine)
    one.codes = pyotp.TOTP(begun.raise_for_status().json()["secret"])
    now = time()
    one.step = int(now // STEP_S)
    said = await http.post(f"{factor}/confirm", json={"code": one.codes.at(int(now))}, headers=mine)
    said.raise_for_status()
    (await http.put("/v1/me/push", json=_phone(), headers=mine)).raise_for_status()


async def _live(
    http: httpx.AsyncClient, people: list[_Person], tally: _Tally, stop: asyncio.Event
) -> None:
    """Everybody in turn, whoever has a code that was not used."""
    while not stop.is_set():
        step = int(time() // STEP_S)
        ready = [one for one in people if one.step < step]
        await _each(ready[: len(people) // 10], lambda one: _turn(http, one, tally))
        if not ready:
            await asyncio.sleep(LOOK_EVERY_S / 4)


async def _turn(http: httpx.AsyncClient, one: _Person, tally: _Tally) -> None:
    def kept(what: str, answer: httpx.Response) -> Any:
        if answer.is_success:
            tally.done[what] += 1
            return answer.json() if answer.content else {}
        tally.failed[f"{what} {answer.status_code} {answer.json().get('name')}"] += 1
        return None

    def mine() -> dict[str, str]:
        return {"Authorization": f"Bearer {one.access}"}

    assert one.codes is not None, "everybody has a factor before"
    kept("asked", await http.get("/v1/me", headers=mine()))
    refreshed = kept(
        "refreshed",
        await http.post("/v1/sessions/refresh", json={"refresh_token": one.refresh}),
    )
    who = {"handle": one.handle, "password": one.password, "install": "phone"}
    half = kept("half a login", await http.post("/v1/sessions", json=who))
    if half is None or refreshed is None:
        return
    now = time()
    one.step = int(now // STEP_S)
    code = {"mfa_token": half["mfa_token"], "code": one.codes.at(int(now)), "install": "phone"}
    grant = kept("opened a secret", await http.post("/v1/sessions/second-step", json=code))
    if grant is not None:
        one.access, one.refresh = grant["access_token"], grant["refresh_token"]
        kept("sealed a token", await http.put("/v1/me/push", json=_phone(), headers=mine()))


def _phone() -> dict[str, Any]:
    return {
        "install": "phone",
        "provider": "apns",
        "environment": "sandbox",
        "topic": "com.example.events",
        "token": secrets.token_hex(32),
        "locale": "en",
        "zone": "Europe/Berlin",
        "app_version": "1.0.0",
        "privacy": "sender",
        "shows_local": True,
    }


async def _muster(stack: Stack, *words: str) -> None:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MUSTER_")}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "muster",
        *words,
        env={**environment, "MUSTER_DATA": str(stack.data)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    told, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"muster {' '.join(words)}: {told.decode()}")


async def _newest(database: asyncpg.Connection) -> int:
    facts = await read_seals(database)
    assert facts is not None, "a Muster that is up has these tables"
    return max(key.id for key in facts.keys if key.purpose == "seal")


async def _followed(
    database: asyncpg.Connection, before: int, until: float
) -> tuple[float, int, dict[str, int]]:
    """When no row was left under `before` or older, or the last look; how many are; how many rows there are."""
    while True:
        facts = await read_seals(database)
        assert facts is not None, "as above"
        rows = {column: sum(under.values()) for column, under in facts.rows.items()}
        older = sum(
            count for under in facts.rows.values() for key, count in under.items() if key <= before
        )
        now = monotonic()
        if not older or now > until:
            return now, older, rows
        await asyncio.sleep(LOOK_EVERY_S)
