"""Promise 1 and 2 under the worst: Postgres killed in the middle of posting, and brought back."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from loadtest.torture.link import linked
from muster.errors import Refused
from muster.services.child import Child
from muster.services.postgres import EmbeddedPostgres
from muster.stores.migrate import migrate
from muster.writer import SUBMIT_WITHIN_S, Writer
from proto.codes import Code
from tests.vocabulary import log_of, person, post, room_of, writing

pytestmark = pytest.mark.timeout(60)
POSTS = 600
REPEATED_WITHIN_S = 20.0


@asynccontextmanager
async def postgres(data: Path) -> AsyncIterator[tuple[Child, str]]:
    """A Postgres on this directory: a new one, or the one that was killed."""
    service = EmbeddedPostgres(data, print)
    child = await Child.start(await service.program())
    try:
        await child.until_ready(service.ready, service.ready_within_s)
        await service.finish()
        yield child, service.url
    finally:
        await child.stop()


async def test_what_was_acked_outlives_a_killed_postgres_and_a_retry_is_one_row(
    tmp_path: Path,
) -> None:
    """Every ack before the kill names the row that stands after it; every unknown outcome, retried, one row."""
    acked: dict[str, int] = {}
    unknown: list[str] = []
    refusals: set[Code] = set()
    half = asyncio.Event()

    async def say(writer: Writer, client_id: str) -> None:
        try:
            acked[client_id] = (await writer.submit(post(ada, room, client_id))).seq
        except Refused as refused:
            refusals.add(refused.code)
            unknown.append(client_id)
        if len(acked) >= POSTS // 2:
            half.set()

    async def all_of_them(writer: Writer) -> None:
        """A few at a time, so that the kill finds batches under way and posts not sent yet."""
        for start in range(0, POSTS, 100):
            await asyncio.gather(*(say(writer, f"m{n:03}") for n in range(start, start + 100)))

    async with postgres(tmp_path) as (child, url):
        await migrate(url)
        async with (
            linked(url) as (link, through),
            writing(through, within_s=SUBMIT_WITHIN_S) as writer,
        ):
            connection = await asyncpg.connect(url)
            ada = await person(connection)
            room = await room_of(writer, ada)
            async with asyncio.TaskGroup() as tasks:
                sending = tasks.create_task(all_of_them(writer))
                await half.wait()
                os.kill(child.pid, signal.SIGKILL)
                await sending
            connection.terminate()
            before = dict(acked)
            assert refusals == {Code.unavailable}
            assert unknown, "the kill came too late to hit anything"
            async with postgres(tmp_path) as (_, again):
                link.redirect(urlsplit(again).port or 0)
                link.mend()
                connection = await asyncpg.connect(again)
                stands = {row["client_id"]: row["seq"] for row in await log_of(connection, room)}
                assert before.items() <= stands.items()
                async with asyncio.timeout(REPEATED_WITHIN_S):
                    while unknown:  # the writer may still be pausing before it connects again
                        retried, unknown[:] = unknown[:], []
                        await asyncio.gather(*(say(writer, client_id) for client_id in retried))
                log = await log_of(connection, room)
                await connection.close()
    assert [row["seq"] for row in log] == list(range(1, POSTS + 2))
    assert {row["client_id"]: row["seq"] for row in log[1:]} == acked
    assert before.items() <= acked.items()
