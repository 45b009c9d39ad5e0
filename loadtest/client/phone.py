"""A good phone: one account on one device, always trying to hold one socket.

    run()      connect, authenticate, resume, serve; on an end that may be repaired: pause, and
    again submit()   an entry to be, kept until it is committed or refused for good, across
    sockets the app    is told what happens, see app.py

Owns what lives across sockets: rooms, sender, backoff. Must never start a task outside a TaskGroup.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from typing import Final
from uuid import UUID

import httpx
from websockets.exceptions import InvalidHandshake

from loadtest.client.app import App
from loadtest.client.backoff import Backoff
from loadtest.client.connection import Closed, Connection, Refusal
from loadtest.client.fetcher import Fetcher
from loadtest.client.hubs import Hubs
from loadtest.client.login import Login
from loadtest.client.rest import Page, RestError
from loadtest.client.rooms import Rooms
from loadtest.client.sender import Sender
from proto import frames, limits
from proto.codes import Close, may_reconnect

RESUME_WITHIN_S: Final = 10.0
CLOSE_WITHIN_S: Final = 3.0
"""After a refusal the server closes the socket; this long we wait for its code."""

TYPING_EVERY_S: Final = 3.0
RECEIVED_EVERY_S: Final = 1.0
ATTEND_AGAIN_MS: Final = 500


class Stopped(Exception):
    """The server said not to come back."""


@dataclass(frozen=True, slots=True)
class Habits:
    """What this phone does that another might not."""

    subprotocol: str = limits.SUBPROTOCOL_MSGPACK
    tells_received: bool = True
    backoff_base_s: float = 0.5


class Phone:
    """See the module. `run` must run for anything to happen."""

    def __init__(
        self, login: Login, hubs: Hubs, app: App, random: Random, habits: Habits | None = None
    ) -> None:
        self.login = login
        self.rooms = Rooms()
        self.online = asyncio.Event()
        self._hubs = hubs
        self._app = app
        self._habits = habits if habits is not None else Habits()
        self._backoff = Backoff(random, self._habits.backoff_base_s)
        self._sender = Sender(random, app.unsure)
        self._fetcher = Fetcher(login.rest, self._on_fetched, self._on_lost)
        self._connection: Connection | None = None
        self._attend = asyncio.Event()
        self._leaving = asyncio.Event()
        self._heartbeat_s = 25.0
        self._spread_ms = 0
        self._moved: dict[UUID, int] = {}
        self._typed_at: dict[UUID, float] = {}

    async def run(self) -> None:
        """Until `close`. Raises `Stopped` when the server wants no more of us."""
        async with asyncio.TaskGroup() as group:
            fetching = group.create_task(self._fetcher.run())
            try:
                stopped = await self._reconnect()
            finally:
                fetching.cancel()
        if stopped is not None:
            raise stopped

    async def submit(self, submission: frames.Submission) -> frames.Ack:
        """Commit an entry, however long it takes. Raises `Refusal` if it is refused for good."""
        return await self._sender.submit(submission)

    async def typing(self, room: UUID) -> None:
        """Somebody types here; told at most every 3 s, and only while there is a socket."""
        now = asyncio.get_running_loop().time()
        if now - self._typed_at.get(room, now - TYPING_EVERY_S) >= TYPING_EVERY_S:
            self._typed_at[room] = now
            await self._tell(frames.Typing(0, room))

    async def read(self, room: UUID, seq: int) -> None:
        """The person has read up to here."""
        await self._tell(frames.Read(0, [(room, seq)]))

    def drop(self) -> None:
        """Lose the socket without a word, as in a tunnel."""
        if self._connection is not None:
            self._connection.abort()

    async def close(self) -> None:
        """Say goodbye; `run` returns."""
        self._leaving.set()
        if self._connection is not None:
            await self._connection.close()

    async def _tell(self, frame: frames.Client) -> None:
        if self._connection is not None and self.online.is_set():
            try:
                await self._connection.send(frame)
            except Closed:
                return

    # Sockets, one after another

    async def _reconnect(self) -> Stopped | None:
        loop = asyncio.get_running_loop()
        while not self._leaving.is_set():
            started = loop.time()
            try:
                closed = await self._attempt()
            except RestError as problem:
                return Stopped(f"logging in failed: {problem.message}")
            finally:
                self.online.clear()
                self._connection = None
                self._sender.disconnected()
            if not may_reconnect(closed.code):
                return Stopped(f"the server closed for good ({closed.code}): {closed.reason}")
            if closed.code == Close.token_expired:
                self.login.expired()
            self._hubs.failed()
            pause_s = self._backoff.pause_s(
                loop.time() - started, closed.retry_after_ms, self._spread_ms
            )
            if not self._leaving.is_set():
                self._app.disconnected(closed, pause_s)
                with suppress(TimeoutError):
                    async with asyncio.timeout(pause_s):
                        await self._leaving.wait()
        return None

    async def _attempt(self) -> Closed:
        """One socket from beginning to end, or why there was none."""
        try:
            token = await self.login.token()
            connection = await Connection.open(
                self._hubs.url, self._on_frame, self._habits.subprotocol
            )
        except RestError as problem:
            if not problem.temporary:
                raise
            return Closed(None, problem.message, None)
        except (OSError, httpx.TransportError, TimeoutError, InvalidHandshake) as failure:
            return Closed.refused(failure)
        # Ended by cancelling, not by raising: a TaskGroup that fails while it is cancelled forgets
        # the latter (before Python 3.13).
        try:
            async with asyncio.TaskGroup() as group:
                reading = group.create_task(connection.read())
                serving = group.create_task(self._serve(connection, token))
                closed = await reading
                serving.cancel()
        finally:
            connection.abort()
        return closed

    async def _serve(self, connection: Connection, token: str) -> None:
        """Everything on one socket but the reading; returns when there is nothing to serve."""
        if not await _or_abort(connection, lambda: self._enter(connection, token)):
            return
        async with asyncio.TaskGroup() as group:
            for errand in (self._refresh_tokens, self._beat, self._attend_new, self._tell_received):
                group.create_task(_forever(connection, errand))
            group.create_task(_or_abort(connection, lambda: self._sender.pump(connection, group)))

    async def _enter(self, connection: Connection, token: str) -> None:
        account = self.login.account
        auth = frames.Auth(
            0, token, account.app, account.version, account.platform, account.install
        )
        ready = await connection.request(auth)
        assert isinstance(ready, frames.Ready), f"auth is answered by ready, not {ready}"
        self._heartbeat_s = ready.heartbeat_ms / 1_000
        self._spread_ms = ready.spread_ms
        known = self.rooms.generation
        self.rooms.ready(ready)
        positions = self.rooms.positions.all()[: limits.ROOMS_PER_FRAME]
        self._app.asked(positions)
        await connection.request(frames.Resume(0, known, positions), RESUME_WITHIN_S)
        self._connection = connection
        self.online.set()
        self._app.connected(ready, self._hubs.url)

    # Errands on a socket: each is repeated until it ends

    async def _refresh_tokens(self, connection: Connection) -> None:
        await asyncio.sleep(self.login.renew_in_s())
        await connection.request(frames.Refresh(0, await self.login.token()))

    async def _beat(self, connection: Connection) -> None:
        """The server pings a silent socket; that we hear nothing at all is ours to notice."""
        silent_s = asyncio.get_running_loop().time() - connection.heard_at
        if silent_s < self._heartbeat_s:
            await asyncio.sleep(self._heartbeat_s - silent_s)
        else:
            await connection.request(frames.Ping(0))

    async def _attend_new(self, connection: Connection) -> None:
        await self._attend.wait()
        self._attend.clear()
        rooms = self.rooms.wanted()[: limits.ROOMS_PER_FRAME]
        self._app.asked(rooms)
        try:
            await connection.request(frames.Attend(0, rooms), RESUME_WITHIN_S)
        except Refusal as refusal:
            if not refusal.error.temporary:
                raise
            await asyncio.sleep((refusal.error.retry_after_ms or ATTEND_AGAIN_MS) / 1_000)
            self._attend.set()

    async def _tell_received(self, connection: Connection) -> None:
        await asyncio.sleep(RECEIVED_EVERY_S)
        moved, self._moved = list(self._moved.items()), {}
        if moved and self._habits.tells_received:
            await connection.send(frames.Received(0, moved[: limits.ROOMS_PER_FRAME]))

    # What comes in

    def _on_frame(self, frame: frames.ServerFrame) -> None:
        self._app.heard(frame)
        match frame:
            case frames.Entry():
                self.rooms.entry(frame)
            case frames.RoomStates():
                self.rooms.states(frame)
            case frames.Skip():
                self.rooms.skip(frame)
            case frames.Gap():
                self.rooms.gap(frame)
            case frames.Head():
                self._app.head(frame)
            case frames.Count():
                self._app.count(frame)
            case frames.TypingNow():
                self._app.typing(frame)
            case frames.Pointer():
                self._app.pointer(frame)
            case _:
                return
        self._follow()

    def _on_fetched(self, room: UUID, after: int, page: Page) -> None:
        self._app.fetched(room, after, page)
        self.rooms.fetched(room, page.to_seq, [item.entry(room) for item in page.entries])
        self._follow()

    def _on_lost(self, room: UUID) -> None:
        self.rooms.lost(room)
        self._follow()

    def _follow(self) -> None:
        """Do what the rooms say follows."""
        todo = self.rooms.take()
        for missing in todo.fetch:
            self._fetcher.add(missing)
        for room in todo.opened:
            self._app.room_opened(room)
        for entry in todo.deliver:
            self._moved[entry.room] = entry.seq
            self._app.entry(entry)
        for room, at in todo.closed:
            self._moved.pop(room, None)
            self._app.room_closed(room, at)
        if todo.attend:
            self._attend.set()


async def _or_abort(connection: Connection, enter: Callable[[], Awaitable[None]]) -> bool:
    """Whether it was done. A refusal is followed by the server's close; silence by ours."""
    try:
        await enter()
    except Refusal as refusal:
        await asyncio.sleep(0.0 if refusal.error.temporary else CLOSE_WITHIN_S)
    except (Closed, TimeoutError):
        pass
    else:
        return True
    connection.abort()
    return False


async def _forever(connection: Connection, errand: Callable[[Connection], Awaitable[None]]) -> None:
    while await _or_abort(connection, lambda: errand(connection)):
        pass
