"""A restore drill: people talk, the machine is lost, a backup comes back as it was at a moment, and they talk on.

Everything is real: `muster up` with its backups, SIGKILL, the data directory removed, `muster restore`, `muster up` on
what it made. Redis is another machine's here, so it outlives the disaster and knows entries that no longer are.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from uuid import UUID

import asyncpg
import httpx
import pytest
import redis.asyncio as redis
from prometheus_client.parser import text_string_to_metric_families

from loadtest.client.connection import Connection
from loadtest.ports import reserved_ports
from loadtest.stack import ROOMY, Stack, muster_on
from muster import master
from proto import limits
from proto.entry import EntryKind
from proto.frames import Auth, Entry, Resume, RoomStates, ServerFrame
from tests.fixtures.backups import KEY
from tests.services.up import gone
from tests.walk.people import Person, people

pytestmark = pytest.mark.timeout(180)

_MOMENT = "SELECT clock_timestamp() FROM pg_sleep(0.02)"
WITHIN_S = 30.0
COUNT = 5


def _settings(port: int, archive: Path, redis_url: str) -> dict[str, str]:
    return {
        **ROOMY,
        "MUSTER_HUBS": "1",
        "MUSTER_API_PORT": str(port),
        "MUSTER_HUB_PORT": str(port + 1),
        "MUSTER_BACKUP_PORT": str(port + 2),
        "MUSTER_REDIS_URL": redis_url,
        "MUSTER_BACKUP_DIR": str(archive),
        "MUSTER_BACKUP_KEY": KEY,
        "MUSTER_BACKUP_SIGNING_KEYS": "1",
        "MUSTER_BACKUP_WAL_S": "0.3",
    }


@pytest.mark.parametrize(
    "flushed", [False, pytest.param(True, marks=pytest.mark.prove)], ids=["redis stale", "flushed"]
)
async def test_people_come_through_a_restore(
    tmp_path: Path, fresh_redis_url: str, *, flushed: bool
) -> None:
    """To a moment: what was acked before is there, what came after is not, and everybody is told so by a gap.

    The master key is in no backup: the operator kept a copy of it, as the restore asks for it by its name.
    """
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    with reserved_ports(3) as port:
        settings = _settings(port, tmp_path / "archive", fresh_redis_url)
        async with muster_on(first, settings) as stack, people(stack, "ada", "bob") as (ada, bob):
            room = (await ada.rest.create_room("public", "drill")).id
            await bob.rest.join(room)
            await _talk(ada, bob, room, "early")
            await _measured(stack, port + 2, lambda told: told["muster_backup_base_bytes"] > 0)
            await _talk(ada, bob, room, "kept")
            before = ada.phone.rooms.generation
            position = ada.phone.rooms.positions.at(room) or 0
            moment = await _moment(stack)
            lost = await _talk(ada, bob, room, "lost")
            await _archived(stack, port + 2)

            shutil.copy(first / "keys" / "master.key", tmp_path / "kept-apart")
            await _disaster(stack, first)
            said = await _restore(second, moment, settings)
            [asked] = re.findall(r"put master key ([0-9a-f]{16}) into (\S+),", said)
            assert asked[0] == master.load(tmp_path / "kept-apart", "").current
            shutil.copy(tmp_path / "kept-apart", asked[1])
            if flushed:
                async with redis.Redis.from_url(fresh_redis_url) as client:
                    await client.flushall()

            async with muster_on(second, settings) as again:
                await _back(ada, bob, before)
                new = await _talk(ada, bob, room, "new")
                # The claim bites: the same numbers were given to other words.
                assert set(new) & set(lost)
                told = await _resumed(again, ada, room, before, position)
                assert told == "gap"
                page = await bob.rest.history(room)
                texts = [item.body.text for item in page.entries if item.kind is EntryKind.post]
                assert texts == [f"{w} {n}" for w in ("early", "kept", "new") for n in range(COUNT)]
                for person in (ada, bob):
                    _no_seq_means_two_things(person.frames)


async def _talk(ada: Person, bob: Person, room: UUID, word: str) -> list[int]:
    """They say some things and hear each other; the seqs."""
    seqs = []
    for number in range(COUNT):
        speaker, listener = (ada, bob) if number % 2 == 0 else (bob, ada)
        seqs.append((await speaker.says(room, f"{word} {number}")).seq)
        await listener.has(room, f"{word} {number}")
    return seqs


async def _archived(stack: Stack, port: int) -> None:
    """Return once all that is committed by now is in the archive."""
    loop = asyncio.get_running_loop()
    since = loop.time()
    await _measured(
        stack, port, lambda told: told["muster_backup_wal_age_seconds"] < loop.time() - since
    )


async def _measured(stack: Stack, port: int, holds: Callable[[Mapping[str, float]], bool]) -> None:
    """Return once the metrics of the backups say so; asked at the pace of Postgres' answers."""
    connection = await asyncpg.connect(stack.found.database_url, timeout=WITHIN_S)
    try:
        async with httpx.AsyncClient() as http, asyncio.timeout(WITHIN_S):
            while True:
                page = (await http.get(f"http://127.0.0.1:{port}/metrics")).text
                families = text_string_to_metric_families(page)
                if holds({one.name: one.value for family in families for one in family.samples}):
                    return
                await connection.execute("SELECT pg_sleep(0.1)")
    finally:
        await connection.close()


async def _moment(stack: Stack) -> datetime:
    """Now, by Postgres' clock."""
    connection = await asyncpg.connect(stack.found.database_url, timeout=WITHIN_S)
    try:
        found = await connection.fetchval(_MOMENT)
        assert isinstance(found, datetime)
        return found
    finally:
        await connection.close()


async def _disaster(stack: Stack, data: Path) -> None:
    """Every process is killed, and the disk is gone."""
    children = list(stack.found.children.values())
    await stack.kill()
    await gone(children)
    await asyncio.to_thread(shutil.rmtree, data)


async def _restore(into: Path, moment: datetime, settings: Mapping[str, str]) -> str:
    """By the command, with nothing but the archive and the key; what it says."""
    told = {k: v for k, v in settings.items() if k.startswith("MUSTER_BACKUP")}
    told |= {k: v for k, v in os.environ.items() if k.startswith("PYTHON")}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "muster", "restore"),
        *("--to", moment.isoformat(), "--into", str(into)),
        env={"PATH": os.defpath, "MUSTER_DATA": str(into.with_name("elsewhere")), **told},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()
    return said.decode()


async def _back(ada: Person, bob: Person, before: UUID | None) -> None:
    """Both have a socket again, in a new generation; they came back by themselves."""
    async with asyncio.timeout(WITHIN_S):
        for person in (ada, bob):
            await person.phone.online.wait()
            assert person.phone.rooms.generation not in (None, before)


async def _resumed(
    stack: Stack, ada: Person, room: UUID, generation: UUID | None, position: int
) -> str:
    """What an app is told that resumes by what it held before the disaster."""
    account = ada.phone.login.account
    async with asyncio.TaskGroup() as tasks:
        connection = await Connection.open(
            stack.hub_urls[0], lambda _: None, limits.SUBPROTOCOL_MSGPACK
        )
        reading = tasks.create_task(connection.read())
        token = await ada.phone.login.token()
        await connection.request(
            Auth(0, token, account.app, account.version, account.platform, "another install")
        )
        states = await connection.request(Resume(0, generation, [(room, position)]), WITHIN_S)
        assert isinstance(states, RoomStates)
        await connection.close()
        await reading
    [state] = [state for state in states.rooms if state.room == room]
    return state.status


def _no_seq_means_two_things(frames: Iterable[ServerFrame]) -> None:
    """Unless a new generation was told in between: then all that was held is void."""
    generation: UUID | None = None
    held: dict[tuple[UUID, int], Entry] = {}
    generations = 0
    for frame in frames:
        if isinstance(frame, RoomStates) and frame.generation != generation:
            generation, held = frame.generation, {}
            generations += 1
        elif isinstance(frame, Entry):
            known = held.setdefault((frame.room, frame.seq), frame)
            assert (known.client_id, known.body) == (frame.client_id, frame.body)
    assert generations == 2
