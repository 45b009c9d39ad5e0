"""Promise 7: a crash, a stop (SIGSTOP) or a restart of any one process loses nothing and needs no hand."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress
from pathlib import Path
from uuid import UUID

import httpx
import pytest

from loadtest.stack import Stack
from tests.walk.people import Person, people

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(90)]

MARKS = {
    "hub": b"realtime",
    "api": b"api",
    "redis": b"redis-server",
    "postgres": b"postgres",
}
STOPPED_S = 4.0
POSTS = 60


def processes_of(stack: Stack, name: str) -> list[int]:
    """The pids of this kind of child that run just now, the newest last."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            parent = (process / "stat").read_text().rpartition(")")[2].split()[1]
            command = (process / "cmdline").read_bytes()
            if int(parent) == stack.found.pid and MARKS[name] in command:
                found.append(int(process.name))
    return sorted(found)


async def hit(stack: Stack, name: str, number: signal.Signals) -> None:
    """The fault: once for KILL and TERM; STOP is lifted after a while."""
    pid = processes_of(stack, name)[0]
    os.kill(pid, number)
    if number is signal.SIGSTOP:
        loop = asyncio.get_running_loop()
        lifted = asyncio.Event()
        loop.call_later(STOPPED_S, lifted.set)
        await lifted.wait()
        os.kill(pid, signal.SIGCONT)


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("hub", signal.SIGKILL),
        ("hub", signal.SIGSTOP),
        ("hub", signal.SIGTERM),
        ("api", signal.SIGKILL),
        ("redis", signal.SIGKILL),
        ("redis", signal.SIGSTOP),
        ("postgres", signal.SIGKILL),
        ("postgres", signal.SIGSTOP),
    ],
    ids=lambda value: value if isinstance(value, str) else value.name,
)
async def test_people_go_on_talking_whatever_process_goes(
    stack: Stack, name: str, number: signal.Signals
) -> None:
    """Two on each hub, posting throughout; in the end all have everything, each author's posts in order."""
    async with people(stack, "ada", "bob", "cyd", "dan") as everybody:
        room = (await everybody[0].rest.create_room("public", "walk")).id
        for person in everybody[1:]:
            await person.rest.join(room)
        for person in everybody:
            await person.has_room(room)

        async def talk(person: Person, place: int) -> None:
            for n in range(POSTS):
                await person.says(room, f"{place}-{n}")

        async with asyncio.TaskGroup() as tasks:
            for place, person in enumerate(everybody):
                tasks.create_task(talk(person, place))
            tasks.create_task(hit(stack, name, number))
        await everybody[0].says(room, "the end")
        for person in everybody:
            await until_told(person, room, "the end")
            check(person, room, len(everybody))
    await whole(stack)


async def whole(stack: Stack) -> None:
    """Every door is open again: phones can do without one of them, the next test may not."""
    async with httpx.AsyncClient(timeout=5.0) as http, asyncio.timeout(30):
        for url in (stack.api_url, *(url.replace("ws", "http", 1) for url in stack.hub_urls)):
            while not await _is_open(http, url):
                pass


async def _is_open(http: httpx.AsyncClient, url: str) -> bool:
    with suppress(httpx.TransportError):
        return (await http.get(f"{url}/readyz")).status_code == 200
    return False


async def until_told(person: Person, room: UUID, text: str) -> None:
    """Recovery by itself may take a few restarts; it may not take for ever."""
    for _ in range(4):
        with suppress(TimeoutError):
            await person.has(room, text)
            return
    await person.has(room, text)


def check(person: Person, room: UUID, authors: int) -> None:
    texts = person.texts(room)
    for place in range(authors):
        said = [text for text in texts if text.startswith(f"{place}-")]
        assert said == [f"{place}-{n}" for n in range(POSTS)]
    assert person.seqs(room) == sorted(set(person.seqs(room)))
    assert not person.phone.rooms.positions.faults
