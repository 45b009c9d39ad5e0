"""The bare twin of the REST api: Starlette and asyncpg, the same queries, and none of our rules.

No tokens, permission, limits, idempotency, validation, ids in logs or headers; a write is one call of the commit
function on its own. Owns what those rules cost, by not having them. Must never be exposed: it believes `X-Person`.

    python -m loadtest.peers.twin DATABASE_URL PORT      prints "ready"
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final
from uuid import UUID, uuid4

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from muster.batch import Lease
from muster.history import Way
from muster.ids import PersonId, RoomId
from muster.op import Op
from muster.stores.postgres.batch import PostgresBatchConnection
from muster.stores.postgres.history import PostgresHistory
from muster.stores.postgres.pool import Database, Replica, open_database
from muster.stores.postgres.rooms import PostgresRooms
from muster.submit import of_frame
from proto import frames

READERS: Final = 4
WRITERS: Final = 2
"""Together as many connections as an api process has."""

_NEWEST: Final = 2**53


class Twin:
    """The four things that the benchmark asks."""

    def __init__(self, database: Database, url: str) -> None:
        reads = Replica(database, None)
        self._history = PostgresHistory(reads)
        self._rooms = PostgresRooms(database, reads)
        self._writer = uuid4()
        self._idle: asyncio.Queue[PostgresBatchConnection] = asyncio.Queue()
        for _ in range(WRITERS):
            self._idle.put_nowait(PostgresBatchConnection(url, "muster-twin"))

    async def history(self, request: Request) -> object:
        """A page of a room."""
        limit = int(request.query_params["limit"])
        return await self._history.page(_room(request), _me(request), Way.before, _NEWEST, limit)

    async def mine(self, request: Request) -> object:
        """My rooms."""
        limit = int(request.query_params["limit"])
        return await self._rooms.of_person(_me(request), None, limit)

    async def post(self, request: Request) -> object:
        """A message."""
        body = msgspec.json.decode(await request.body())
        frame = frames.Post(1, _room(request), body["client_id"], body["text"])
        return await self._commit(of_frame(_me(request), frame))

    async def react(self, request: Request) -> object:
        """An emoji."""
        seq, emoji = int(request.path_params["seq"]), request.path_params["emoji"]
        frame = frames.React(1, _room(request), str(uuid4()), seq, emoji)
        return await self._commit(of_frame(_me(request), frame))

    async def _commit(self, op: Op) -> object:
        connection = await self._idle.get()
        try:
            rows = await connection.commit(Lease(self._writer, []), [op])
        finally:
            self._idle.put_nowait(connection)
        return {"seq": rows[0].seq}


def _me(request: Request) -> PersonId:
    return PersonId(UUID(request.headers["x-person"]))


def _room(request: Request) -> RoomId:
    return RoomId(UUID(request.path_params["room"]))


def _answering(
    handler: Callable[[Request], Awaitable[object]],
) -> Callable[..., Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        said = msgspec.json.encode(await handler(request))
        return Response(said, media_type="application/json")

    return answer


async def serve(database_url: str, port: int) -> None:
    """Until terminated."""
    database = await open_database(database_url, "muster-twin", READERS, lambda _: None)
    twin = Twin(database, database_url)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        print("ready", flush=True)
        yield

    room = "/v1/rooms/{room}"
    routes = [
        Route(room + "/history", _answering(twin.history)),
        Route("/v1/me/rooms", _answering(twin.mine)),
        Route(room + "/messages", _answering(twin.post), methods=["POST"]),
        Route(room + "/messages/{seq}/reactions/{emoji}", _answering(twin.react), methods=["PUT"]),
    ]
    app = Starlette(routes=routes, lifespan=lifespan)
    config = uvicorn.Config(
        app, port=port, loop="uvloop", http="httptools", access_log=False, log_level="warning"
    )
    await uvicorn.Server(config).serve()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], int(sys.argv[2])))
