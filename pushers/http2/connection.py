"""One connection to a provider: a socket, its streams and its clock.

Owns reading and writing (one write per turn of the loop, whatever was asked in it), the deadlines of what is on its
way, and signs of life: after silence it pings, and a connection that does not answer a ping is over. Must never decide
where a request goes or whether it is sent again (client.py).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, NamedTuple, cast

from h2.exceptions import ProtocolError

from muster.telemetry import get_logger
from pushers.http2.exchange import Exchange
from pushers.http2.streams import Streams

TICK_S: Final = 0.25
"""How exact deadlines are."""

_log = get_logger()


class Life(NamedTuple):
    """After `idle_s` of silence a ping; without an answer within `ping_within_s` it is over."""

    idle_s: float = 300.0
    ping_within_s: float = 5.0


class Connection(asyncio.Protocol):
    """See above. `changed` is called when there may be room, or when it is over."""

    def __init__(self, streams: Streams, life: Life, changed: Callable[[Connection], None]) -> None:
        """`ready` is done when the server's settings have come, or it is `over`."""
        self._streams = streams
        self._life = life
        self._changed = changed
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._ticking: asyncio.TimerHandle | None = None
        self._flushing = False
        self._stuffed = False
        self._heard_s = self._loop.time()
        self._pinged_s: float | None = None
        self._pongs = 0
        self.ready: asyncio.Future[None] = self._loop.create_future()
        self.over = False

    def __len__(self) -> int:
        return len(self._streams)

    @property
    def room(self) -> int:
        """How many more requests it takes now."""
        return 0 if self._stuffed or self.over else self._streams.room

    @property
    def usable(self) -> bool:
        """Whether it will take requests, now or when some have ended."""
        return not self.over and not self._streams.draining

    @property
    def proven(self) -> bool:
        """Whether our credentials were seen to be good here."""
        return self._streams.proven

    def send(self, exchange: Exchange) -> None:
        """Send it; there must be room. Its end is told to who made the streams."""
        if not len(self._streams):
            self._tick_within(TICK_S)
        self._streams.open(exchange, self._loop.time())
        self._soon()

    def forget(self, exchange: Exchange) -> None:
        """Nobody waits for it any more."""
        self._streams.forget(exchange)
        self._after()

    def retire(self) -> None:
        """Take nothing more, and go when all is answered."""
        self._streams.retire()
        self._after()

    def abort(self) -> None:
        """Go at once."""
        if self._transport is not None:
            self._transport.abort()
        self._end("closed")

    # What the loop tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by name
        self._heard_s = self._loop.time()
        self._streams.begin()
        self._flush()
        self._tick_within(TICK_S)

    def data_received(self, data: bytes) -> None:
        self._heard_s = self._loop.time()
        if self.over:
            return
        try:
            self._streams.receive(data)
        except ProtocolError:
            _log.warning("a provider does not speak HTTP/2 as it should")
            self._flush()
            self.abort()
            return
        if not self.ready.done() and self._streams.settled:
            self.ready.set_result(None)
        self._after()

    def pause_writing(self) -> None:
        self._stuffed = True

    def resume_writing(self) -> None:
        self._stuffed = False
        self._changed(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # how it went says nothing more
        self._end("closed")

    # By ourselves

    def _soon(self) -> None:
        if not self._flushing:
            self._flushing = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._flushing = False
        out = self._streams.outgoing()
        if out and self._transport is not None and not self._transport.is_closing():
            self._transport.write(out)

    def _after(self) -> None:
        """Something was received or ended."""
        if self.over:
            return
        self._flush()
        if self._streams.draining and not len(self._streams):
            self._streams.farewell()
            self._flush()
            if self._transport is not None:
                self._transport.close()
            self._end("closed")
        else:
            self._changed(self)

    def _end(self, reason: str) -> None:
        if self.over:
            return
        self.over = True
        if self._ticking is not None:
            self._ticking.cancel()
        if not self.ready.done():
            self.ready.set_result(None)
        self._streams.lost(reason)
        self._changed(self)

    def _tick_within(self, within_s: float) -> None:
        due_s = self._loop.time() + within_s
        if self._ticking is not None:
            if self._ticking.when() <= due_s and not self._ticking.cancelled():
                return
            self._ticking.cancel()
        self._ticking = self._loop.call_at(due_s, self._tick)

    def _tick(self) -> None:
        self._ticking = None
        now_s = self._loop.time()
        late = self._streams.overdue(now_s)
        silent_s = now_s - self._heard_s
        if self._streams.pongs != self._pongs:
            self._pongs, self._pinged_s = self._streams.pongs, None
        if self._pinged_s is not None and now_s - self._pinged_s >= self._life.ping_within_s:
            self.abort()
            return
        # Answers that are late on a connection that is silent too: is anybody there?
        suspect = late and silent_s >= self._life.ping_within_s
        if self._pinged_s is None and (suspect or silent_s >= self._life.idle_s):
            self._pinged_s = now_s
            self._streams.ping()
        if late:
            self._after()
        else:
            self._flush()
        if not self.over:
            busy = len(self._streams) or self._pinged_s is not None
            quiet_s = self._life.idle_s - (self._loop.time() - self._heard_s)
            self._tick_within(TICK_S if busy else max(TICK_S, quiet_s))
