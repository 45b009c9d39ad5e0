"""Requests to one provider over a few connections.

    ask --> a connection with room --> Answer
        or it waits, bounded and in order, until there is room, or its deadline
    run: opens connections, one at a time, when those there are cannot take what waits

Owns which connection takes a request, how many are on their way at once (limit.py), what is sent again: only what
surely was not acted on, a few times, before its deadline; and how often is connected: with backoff and jitter, since
providers take hasty reconnecting for an attack. Must never send again what may have been acted on, or keep anything
of a request that has ended.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from typing import Final, NamedTuple, NoReturn

from muster.backoff import pause_s
from muster.telemetry import get_logger
from pushers.http2.connection import TICK_S, Connection, Life
from pushers.http2.dial import Dial, Unreachable
from pushers.http2.exchange import Answer, End, Exchange, Fields, Unanswered, Unsent
from pushers.http2.limit import Limit
from pushers.http2.streams import Streams

TRIES_MOST: Final = 5
REFUSED_FIRST_S: Final = 0.02
REFUSED_MOST_S: Final = 1.0
DIAL_FIRST_S: Final = 0.25
DIAL_MOST_S: Final = 30.0
RENEWED_S: Final = 60.0
"""Connections are replaced on purpose at most this often."""

_log = get_logger()


class Manner(NamedTuple):
    """How a provider is to be spoken to.

    `probes`: one stream per connection until an answer whose status is not `unproven`. `pressed`: statuses that say
    that it has too much. `slow_s`: an answer that took longer says so too. `within_s`: a request's time, waiting and
    all. `waiting`: requests that may wait for room.
    """

    probes: bool = False
    unproven: frozenset[int] = frozenset({401, 403, 429, 500, 503})
    pressed: frozenset[int] = frozenset({429, 500, 503})
    within_s: float = 10.0
    slow_s: float = 3.0
    connections: int = 4
    streams: int = 500
    waiting: int = 4_000
    life: Life = Life()


class Client:
    """See above; without `run` it opens no connection."""

    def __init__(self, dial: Dial, manner: Manner, rng: random.Random) -> None:
        self._dial = dial
        self._manner = manner
        self._rng = rng
        self.limit = Limit(manner.connections * manner.streams)
        self._connections: list[Connection] = []
        self._on: dict[Exchange, Connection] = {}
        self._waiting: deque[Exchange] = deque()
        self._wanted = asyncio.Event()
        self._idle = asyncio.Event()
        self._sweeping = False
        self._closing = False
        self._fruitless = 0  # connections opened, or not, since the last answer
        self._renewed_s = float("-inf")

    @property
    def authority(self) -> bytes:
        """What `:authority` is to say."""
        return self._dial.to.authority

    @property
    def within_s(self) -> float:
        """A request's time, if nothing else is said."""
        return self._manner.within_s

    @property
    def in_flight(self) -> int:
        """Requests on their way."""
        return len(self._on)

    @property
    def waiting(self) -> int:
        """Requests that wait for room."""
        return len(self._waiting)

    @property
    def connections(self) -> int:
        """Connections there are, also those that only wait for their last answers."""
        return len(self._connections)

    async def ask(self, fields: Fields, body: bytes, within_s: float | None = None) -> Answer:
        """The answer, of whatever status. Raises `Unsent` and `Unanswered`, the latest after its deadline."""
        loop = asyncio.get_running_loop()
        now_s = loop.time()
        deadline_s = now_s + (self._manner.within_s if within_s is None else within_s)
        exchange = Exchange(fields, body, loop.create_future(), deadline_s)
        self._place(exchange, now_s)
        try:
            return await exchange.done
        finally:
            if exchange.done.cancelled():
                on = self._on.get(exchange)
                if on is not None:
                    on.forget(exchange)

    async def run(self) -> NoReturn:
        """Open connections when they are wanted, until cancelled."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            if not self._is_short():
                continue
            try:
                await self._connect()
            except Unreachable as unreachable:
                reason, attempt = str(unreachable), self._fruitless
                _log.warning("a provider is out of reach", reason=reason, attempt=attempt)
                self._wanted.set()
            self._fruitless += 1
            await asyncio.sleep(
                pause_s(self._fruitless, self._rng, first_s=DIAL_FIRST_S, most_s=DIAL_MOST_S)
            )

    def renew(self) -> None:
        """Ask nothing more on the connections there are; what is on its way is waited for. Not twice in a minute."""
        now_s = asyncio.get_running_loop().time()
        if now_s >= self._renewed_s + RENEWED_S:
            self._renewed_s = now_s
            for connection in list(self._connections):
                connection.retire()

    async def close(self, within_s: float = 2.0) -> None:
        """Take nothing more; wait a little for what is on its way; end all connections."""
        self._closing = True
        while self._waiting:
            self._fail(self._waiting.popleft(), Unsent("closing"))
        for connection in list(self._connections):
            connection.retire()
        try:
            async with asyncio.timeout(within_s):
                while self._on:
                    self._idle.clear()
                    await self._idle.wait()
        except TimeoutError:
            pass
        for connection in list(self._connections):
            connection.abort()

    async def _connect(self) -> None:
        manner = self._manner

        def made() -> Connection:
            streams = Streams(
                self._ended, manner.streams, proven=not manner.probes, unproven=manner.unproven
            )
            return Connection(streams, manner.life, self._changed)

        connection = await self._dial.open(made)
        ready = False
        try:
            # Its settings say how many streams it takes: nothing is sent before.
            async with asyncio.timeout(manner.life.ping_within_s):
                await connection.ready
            ready = not connection.over
        except TimeoutError:
            raise Unreachable("settings") from None
        finally:
            if not ready:
                connection.abort()
        if not ready:
            raise Unreachable("closed")
        self._connections.append(connection)
        self._changed(connection)

    # Placing

    def _place(self, exchange: Exchange, now_s: float) -> None:
        if self._closing:
            self._fail(exchange, Unsent("closing"))
            return
        if not self._waiting and len(self._on) < self.limit.now:
            connection = self._roomy()
            if connection is not None:
                self._on[exchange] = connection
                connection.send(exchange)
                return
        if len(self._waiting) >= self._manner.waiting:
            self._fail(exchange, Unsent("busy"))
            return
        self._wait(exchange, now_s)

    def _wait(self, exchange: Exchange, now_s: float, *, first: bool = False) -> None:
        (self._waiting.appendleft if first else self._waiting.append)(exchange)
        if self._is_short():
            self._wanted.set()
        if not self._sweeping:
            self._sweeping = True
            asyncio.get_running_loop().call_at(now_s + TICK_S, self._sweep)

    def _roomy(self) -> Connection | None:
        """The connection with the fewest requests of those that have room."""
        best = None
        for connection in self._connections:
            if connection.room > 0 and (best is None or len(connection) < len(best)):
                best = connection
        return best

    def _serve(self) -> None:
        now_s = asyncio.get_running_loop().time()
        while self._waiting and len(self._on) < self.limit.now:
            connection = self._roomy()
            if connection is None:
                break
            exchange = self._waiting.popleft()
            if exchange.deadline_s <= now_s:
                self._fail(exchange, Unsent("waiting"))
            elif not exchange.done.done():
                self._on[exchange] = connection
                connection.send(exchange)
        if self._waiting and self._is_short():
            self._wanted.set()

    def _is_short(self) -> bool:
        """Whether what waits waits for want of a connection."""
        usable = [connection for connection in self._connections if connection.usable]
        if not self._waiting or len(usable) >= self._manner.connections:
            return False
        full = all(connection.room <= 0 and connection.proven for connection in usable)
        return full and len(self._on) < self.limit.now

    def _sweep(self) -> None:
        """Those whose time ran out while they waited. In order of arrival, so almost of deadlines."""
        loop = asyncio.get_running_loop()
        now_s = loop.time()
        late = [one for one in self._waiting if one.deadline_s <= now_s]
        if late:
            self._waiting = deque(one for one in self._waiting if one.deadline_s > now_s)
            for one in late:
                self._fail(one, Unsent("waiting"))
        self._sweeping = bool(self._waiting)
        if self._sweeping:
            loop.call_later(TICK_S, self._sweep)

    # What connections tell

    def _changed(self, connection: Connection) -> None:
        if connection.over and connection in self._connections:
            self._connections.remove(connection)
        if self._waiting:
            self._serve()

    def _ended(self, exchange: Exchange, end: End) -> None:
        self._on.pop(exchange, None)
        if not self._on:
            self._idle.set()
        if exchange.done.done():  # nobody waits for it any more
            return
        now_s = asyncio.get_running_loop().time()
        if isinstance(end, Answer):
            self._fruitless = 0
            if end.status in self._manner.pressed or now_s - exchange.began_s > self._manner.slow_s:
                self.limit.bad(now_s)
            else:
                self.limit.good(len(self._on) + 1)
            exchange.done.set_result(end)
        elif isinstance(end, Unsent):
            self._again(exchange, end, now_s)
        else:
            self.limit.bad(now_s)
            self._fail(exchange, end)

    def _again(self, exchange: Exchange, end: Unsent, now_s: float) -> None:
        exchange.tries += 1
        if exchange.tries >= TRIES_MOST or exchange.deadline_s <= now_s or self._closing:
            self._fail(exchange, end)
            return
        if end.reason != "refused":
            self._wait(exchange, now_s, first=True)
            return
        self.limit.bad(now_s)
        pause = pause_s(exchange.tries, self._rng, first_s=REFUSED_FIRST_S, most_s=REFUSED_MOST_S)
        asyncio.get_running_loop().call_later(pause, self._return, exchange)

    def _return(self, exchange: Exchange) -> None:
        """It was refused, and its pause is over."""
        if not exchange.done.done():
            now_s = asyncio.get_running_loop().time()
            if self._closing or exchange.deadline_s <= now_s:
                self._fail(exchange, Unsent("refused"))
                return
            self._wait(exchange, now_s, first=True)
            self._serve()

    def _fail(self, exchange: Exchange, why: Unsent | Unanswered) -> None:
        if not exchange.done.done():
            exchange.done.set_exception(why)
