"""One connection through a link: two ends and the bytes between.

Owns the bytes on their way: late, held, thrown away. Must never decide the weather (link.py does).
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections import deque
from typing import Final, Protocol, cast

from loadtest.torture.weather import Tally, Way, Weather

_RST: Final = struct.pack("ii", 1, 0)
_WAITING_BYTES: Final = 1 << 20
"""So much may be on its way late; then the sender is read no further."""


class Sky(Protocol):
    """What a connection asks of its link."""

    @property
    def tally(self) -> Tally:
        """Where what happens is counted."""
        ...

    def weather(self, way: Way) -> Weather:
        """What happens in this direction now."""
        ...

    def jitter(self) -> float:
        """Between -1 and 1."""
        ...

    def came(self, pair: Pair) -> bool:
        """A connection came; whether it may stay. Its other end is then connected."""
        ...

    def gone(self, pair: Pair) -> None:
        """It ended."""
        ...

    def tore(self) -> None:
        """Bytes were thrown away."""
        ...


class Pair:
    """One connection: two ends and the bytes between."""

    def __init__(self, link: Sky) -> None:
        self.link = link
        self.ends: dict[Way, End] = {}
        self.torn = False
        self._over = False

    def joined(self, end: End) -> None:
        if self._over:
            _rst(end.transport)
            return
        self.ends[end.way] = end
        if end.way is Way.asks:
            if not self.link.came(self):
                self.reset()
        else:
            for each in self.ends.values():
                each.go()

    def to(self, way: Way) -> asyncio.Transport | None:
        """Where bytes in this direction go."""
        other = self.ends.get(Way.answers if way is Way.asks else Way.asks)
        return other.transport if other is not None else None

    def weather_changed(self) -> None:
        for end in list(self.ends.values()):
            end.weather_changed()

    def half_close(self, way: Way) -> int:
        transport, end = self.to(way), self.ends.get(way)
        if transport is None or end is None or end.shut or not transport.can_write_eof():
            return 0
        end.shut = True
        transport.write_eof()
        return 1

    def reset(self) -> None:
        self._over = True
        for end in list(self.ends.values()):
            _rst(end.transport)
        self.link.gone(self)

    def lost(self, end: End, error: Exception | None) -> None:
        """One end is gone: so is the other, once what was on its way has arrived."""
        if self._over:
            return
        self._over = True
        self.link.gone(self)
        other = self.to(end.way)
        if other is None:
            return
        if error is not None:
            _rst(other)
        else:
            other.close()


class End(asyncio.Protocol):
    """One end: what comes in here leaves by the other."""

    def __init__(self, pair: Pair, way: Way) -> None:
        self.way = way
        self.shut = False
        self.transport: asyncio.Transport
        self._pair = pair
        self._link = pair.link
        self._late: deque[tuple[float, bytes]] = deque()
        self._late_bytes = 0
        self._last_due = 0.0
        self._timer: asyncio.Handle | None = None
        self._stopped: set[str] = set()
        self._ended = False

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        if (raw := transport.get_extra_info("socket")) is not None:
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._pair.joined(self)

    def data_received(self, data: bytes) -> None:
        weather = self._link.weather(self.way)
        if self.shut:
            return
        if weather.drop:
            self._link.tally.dropped_bytes += len(data)
            self._pair.torn = True
            self._link.tore()
        elif weather.late or weather.hold or self._late or self._pair.to(self.way) is None:
            self._delay(data, weather)
        else:
            self._send(data)

    def eof_received(self) -> bool:
        """The end arrives after all that was sent before it; if the weather lets anything arrive."""
        self._ended = True
        self._pump()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._pair.lost(self, exc)

    def pause_writing(self) -> None:
        self._other_stops("full")

    def resume_writing(self) -> None:
        other = self._pair.ends.get(Way.answers if self.way is Way.asks else Way.asks)
        if other is not None:
            other.unstop("full")

    # For the pair

    def go(self) -> None:
        """Both ends are there."""
        self.weather_changed()

    def weather_changed(self) -> None:
        if self._link.weather(self.way).hold:
            if "held" not in self._stopped:
                self._link.tally.held_connections += 1
            self._stop("held")
        else:
            self.unstop("held")
            self._pump()

    def unstop(self, why: str) -> None:
        if why in self._stopped:
            self._stopped.discard(why)
            if not self._stopped and not self.transport.is_closing():
                self.transport.resume_reading()

    def _stop(self, why: str) -> None:
        if not self._stopped and not self.transport.is_closing():
            self.transport.pause_reading()
        self._stopped.add(why)

    def _other_stops(self, why: str) -> None:
        other = self._pair.ends.get(Way.answers if self.way is Way.asks else Way.asks)
        if other is not None:
            other._stop(why)  # noqa: SLF001  # the same class

    def _send(self, data: bytes) -> None:
        transport = self._pair.to(self.way)
        if transport is not None and not transport.is_closing():
            self._link.tally.passed_bytes += len(data)
            transport.write(data)

    def _end(self) -> None:
        if not self.shut and not self._link.weather(self.way).drop:
            self._pair.half_close(self.way)
        if all(end._ended for end in self._pair.ends.values()):  # noqa: SLF001  # the same class
            for end in self._pair.ends.values():
                end.transport.close()

    # Bytes that arrive later

    def _delay(self, data: bytes, weather: Weather) -> None:
        tally, now = self._link.tally, asyncio.get_running_loop().time()
        if weather.late:
            tally.late_chunks += 1
        due = max(now + weather.delay_s + weather.jitter_s * self._link.jitter(), self._last_due)
        singly = data[: weather.singly]
        tally.single_bytes += len(singly)
        for piece in (*(singly[n : n + 1] for n in range(len(singly))), data[len(singly) :]):
            if piece:
                if weather.bytes_per_s:
                    due += len(piece) / weather.bytes_per_s
                self._late.append((due, piece))
        self._last_due = due
        self._late_bytes += len(data)
        if self._late_bytes > _WAITING_BYTES:
            self._stop("much is late")
        self._pump()

    def _pump(self) -> None:
        """Send one piece that is due; the next follows in a turn of its own, so that they travel apart."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        waiting = self._pair.to(self.way) is None or self._link.weather(self.way).hold
        if not self._late or waiting:
            if self._ended and not self._late:
                self._end()
            return
        loop = asyncio.get_running_loop()
        due, piece = self._late[0]
        if due <= loop.time():
            self._late.popleft()
            self._late_bytes -= len(piece)
            if self._late_bytes <= _WAITING_BYTES:
                self.unstop("much is late")
            self._send(piece)
            self._timer = loop.call_soon(self._pump)
        else:
            self._timer = loop.call_at(due, self._pump)


def _rst(transport: asyncio.Transport) -> None:
    """Close with RST: what is on its way is lost, as when a machine goes down behind a router."""
    raw = transport.get_extra_info("socket")
    if raw is not None and not transport.is_closing():
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RST)
    transport.abort()
