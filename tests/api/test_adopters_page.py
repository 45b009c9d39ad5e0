"""docs/adopters.md does what it says: its commands run, as they stand, against a running door."""

import asyncio
import json
import re
import socket
from asyncio.subprocess import PIPE
from pathlib import Path
from typing import Any

import uvicorn
from prometheus_client import CollectorRegistry

from api.assembly import assemble
from muster.permission import Scope
from muster.tidings import EventType
from tests.api.opening import open_door
from tests.api.test_exchange import ISSUERS, token

PAGE = (Path(__file__).parents[2] / "docs" / "adopters.md").read_text("utf-8")


async def test_the_commands_of_the_page_run(database_url: str, redis_url: str) -> None:
    """Each block in the order of the page, in one shell; every answer is one of success."""
    issuers = json.dumps(ISSUERS)
    async with open_door(database_url, redis_url, trusted_issuers=issuers) as door:
        key = (await door.service(*Scope)).word
        listener = socket.create_server(("127.0.0.1", 0))
        api = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
        blocks = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
        script = f"api={api} key={key} token={token(door, 'u-1')}\nset -e\n"
        script += "".join(block.replace("curl -s", "curl -sfw '\\n'") for block in blocks)
        config = uvicorn.Config(
            assemble(door.ground._replace(registry=CollectorRegistry())),
            lifespan="off",
            log_config=None,
            ws="none",
        )
        server = uvicorn.Server(config)
        async with asyncio.TaskGroup() as tasks:
            serving = tasks.create_task(server._serve([listener]))
            shell = await asyncio.create_subprocess_exec("sh", stdin=PIPE, stdout=PIPE, stderr=PIPE)
            told, complained = await shell.communicate(script.encode())
            server.should_exit = True
            await serving
        assert shell.returncode == 0, (told, complained)
        answers: list[Any] = [json.loads(line) for line in told.splitlines() if line.strip()]
        assert len(blocks) == 7
        assert answers[0]["access_token"]
        assert answers[1]["handle"] == "ada"
        assert answers[-1]["queued"] == 0
        assert answers[-2]["webhooks"][0]["url"].startswith("https://hooks.example.org")
        assert await door.database.fetchval("SELECT count(*) FROM webhooks") == 0
        posted = "SELECT body ->> 'sender' FROM entries WHERE kind = 'post'"
        assert await door.database.fetchval(posted) == "Box office"


def test_every_event_and_scope_is_told() -> None:
    """A new one that the page does not name fails here."""
    for word in (*EventType, *Scope):
        assert f"`{word.value}`" in PAGE or f"--scope {word.value}" in PAGE
