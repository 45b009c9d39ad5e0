"""The streams of one HTTP/2 connection: exchanges on their way, by `h2`.

    open(exchange) --> bytes to send            bytes received --> ends of exchanges, told to `ended`

Owns what h2 leaves to its user: how many streams there may be (one, until an answer has shown that our credentials
are good, where the provider wants that), bodies that wait for a window, and GOAWAY: streams after the last one it
names end as `Unsent`, those before are waited for. No socket and no clock. Must never open a stream whose header it
could not follow by its body in time: a body that finds no window waits its turn, and everything has its deadline.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import (
    DataReceived,
    Event,
    PingAckReceived,
    RemoteSettingsChanged,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    WindowUpdated,
)

from pushers.http2.exchange import End, Exchange, Unsent
from pushers.http2.fields import FieldEncoder
from pushers.http2.goaway import Cut, GoAway

BODY_MOST: Final = 32_768
"""Of an answer; providers' have a few hundred bytes. Beyond it the stream is cut."""

LAST_STREAM: Final = 2**31 - 10_001
"""Ids run out; the connection is replaced before."""

_SWEEP_EVERY: Final = 128
_WINDOW: Final = 1 << 24

Ended = Callable[[Exchange, End], None]


class _H2(H2Connection):
    """h2 counts its streams for every new one; we count them ourselves, and let it sweep now and then."""

    # Beyond it a frame of a stream that we reset would end the connection: some round trips' worth are enough.
    MAX_CLOSED_STREAMS = 8_192

    def __init__(self) -> None:
        super().__init__(
            H2Configuration(
                client_side=True,
                header_encoding=None,
                validate_outbound_headers=False,
                normalize_outbound_headers=False,
            )
        )
        self.encoder = FieldEncoder()
        self.ours = 0
        self._asked = 0

    @property
    def open_outbound_streams(self) -> int:
        """How many streams of ours are open."""
        self._asked += 1
        if self._asked % _SWEEP_EVERY == 0:
            return super().open_outbound_streams
        return self.ours


class Streams:
    """What is on its way on one connection."""

    def __init__(self, ended: Ended, most: int, *, proven: bool, unproven: frozenset[int]) -> None:
        """`most` streams at once, whatever the server allows. Not `proven`: one, until a status not `unproven`."""
        self._ended = ended
        self._most = most
        self._proven = proven
        self._unproven = unproven
        self._h2 = _H2()
        self._cut = Cut()
        self._open: dict[int, Exchange] = {}
        self._parked: dict[int, Exchange] = {}
        self._next = 1
        self._allowed = 0  # until the server's settings are there
        self.settled = False
        self.draining = False
        self.said = b""
        self.pongs = 0

    def __len__(self) -> int:
        return len(self._open)

    @property
    def proven(self) -> bool:
        """Whether it may have more than one stream."""
        return self._proven

    @property
    def room(self) -> int:
        """How many more may be opened now."""
        if self.draining:
            return 0
        return (self._allowed if self._proven else min(1, self._allowed)) - len(self._open)

    def begin(self) -> None:
        """The first bytes of a connection."""
        self._h2.initiate_connection()
        self._h2.increment_flow_control_window(_WINDOW)

    def open(self, exchange: Exchange, now_s: float) -> None:
        """Send it; there must be room."""
        stream = self._next
        self._next = stream + 2
        if stream > LAST_STREAM:
            self.draining = True
        exchange.start(stream, now_s)
        self._h2.ours = len(self._open)
        self._h2.send_headers(stream, exchange.fields, end_stream=not exchange.body)
        self._open[stream] = exchange
        if not exchange.body:
            exchange.sent = True
        elif not self._push(exchange):
            self._parked[stream] = exchange

    def receive(self, data: bytes) -> None:
        """What came. Raises h2's ProtocolError: the connection is of no use any more."""
        passed, goaways = self._cut.feed(data)
        for event in self._h2.receive_data(passed):
            self._take(event)
        for goaway in goaways:
            self._go_away(goaway)

    def outgoing(self) -> bytes:
        """What is to be sent now."""
        return self._h2.data_to_send()

    def ping(self) -> None:
        """Ask for a sign of life; `pongs` counts the answers."""
        self._h2.ping(b"muster!!")

    def retire(self) -> None:
        """Open nothing more here."""
        self.draining = True

    def farewell(self) -> None:
        """Say that we are going."""
        self._h2.close_connection()

    def overdue(self, now_s: float) -> int:
        """End what has waited too long; how many that were."""
        late = [one for one in self._open.values() if one.deadline_s <= now_s]
        for one in late:
            self._drop(one, one.cut("deadline"))
        return len(late)

    def forget(self, exchange: Exchange) -> None:
        """Nobody waits for it any more."""
        if self._open.get(exchange.stream) is exchange:
            self._drop(exchange, exchange.cut("cancelled"))

    def lost(self, reason: str) -> None:
        """The connection is gone: everything on it ends."""
        self.draining = True
        exchanges = list(self._open.values())
        self._open.clear()
        self._parked.clear()
        for one in exchanges:
            self._ended(one, one.cut(reason))

    def _take(self, event: Event) -> None:
        if isinstance(event, ResponseReceived):
            exchange = self._open.get(event.stream_id)
            if exchange is not None:
                exchange.heard = event.headers
                exchange.status = _status(event.headers)
        elif isinstance(event, DataReceived):
            self._data(event)
        elif isinstance(event, StreamEnded):
            self._finish(event.stream_id)
        elif isinstance(event, StreamReset):
            self._reset(event)
        elif isinstance(event, WindowUpdated):
            self._pump()
        elif isinstance(event, RemoteSettingsChanged):
            self.settled = True
            self._allowed = min(self._most, self._h2.remote_settings.max_concurrent_streams)
            self._pump()
        elif isinstance(event, PingAckReceived):
            self.pongs += 1

    def _data(self, event: DataReceived) -> None:
        exchange = self._open.get(event.stream_id)
        if event.flow_controlled_length:
            self._h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        if exchange is None:
            return
        exchange.parts.append(event.data)
        if len(exchange.parts) > 1:
            whole = b"".join(exchange.parts)
            exchange.parts = [whole]
        if len(exchange.parts[0]) > BODY_MOST:
            self._drop(exchange, exchange.cut("endless"))

    def _finish(self, stream: int) -> None:
        exchange = self._open.pop(stream, None)
        if exchange is None:
            return
        if not exchange.sent:  # answered before it was heard out: nothing more needs to be said
            self._parked.pop(stream, None)
            self._cancel(stream)
        if exchange.status not in self._unproven:
            self._proven = True
        self._ended(exchange, exchange.answer(whole=True))

    def _reset(self, event: StreamReset) -> None:
        exchange = self._open.pop(event.stream_id, None)
        if exchange is None:
            return
        self._parked.pop(event.stream_id, None)
        refused = event.error_code == ErrorCodes.REFUSED_STREAM
        self._ended(exchange, Unsent("refused") if refused else exchange.cut("reset"))

    def _go_away(self, goaway: GoAway) -> None:
        self.draining = True
        self.said = goaway.said
        for stream in [stream for stream in self._open if stream > goaway.last_stream]:
            self._parked.pop(stream, None)
            self._ended(self._open.pop(stream), Unsent("goaway"))

    def _drop(self, exchange: Exchange, end: End) -> None:
        """Give a stream up, and tell the server."""
        del self._open[exchange.stream]
        self._parked.pop(exchange.stream, None)
        self._cancel(exchange.stream)
        self._ended(exchange, end)

    def _cancel(self, stream: int) -> None:
        if not self._is_closed(stream):
            self._h2.reset_stream(stream, ErrorCodes.CANCEL)

    def _is_closed(self, stream: int) -> bool:
        """Whether h2 has seen its end: also by a frame whose event is still to come."""
        known = self._h2.streams.get(stream)
        return known is None or known.closed

    def _pump(self) -> None:
        """Bodies that wait, in the order in which they came; one that is stuck by its own window holds up none."""
        for stream, exchange in list(self._parked.items()):
            if self._push(exchange):
                del self._parked[stream]
            elif self._h2.outbound_flow_control_window <= 0:
                return

    def _push(self, exchange: Exchange) -> bool:
        """Send of the body what the windows allow; whether that was all."""
        h2, stream = self._h2, exchange.stream
        if self._is_closed(stream):
            return True
        while True:
            left = exchange.left
            fits = min(h2.local_flow_control_window(stream), h2.max_outbound_frame_size)
            if fits >= len(left):
                h2.send_data(stream, left, end_stream=True)
                exchange.sent, exchange.left = True, b""
                return True
            if fits <= 0:
                return False
            h2.send_data(stream, left[:fits])
            exchange.left = left[fits:]


def _status(fields: object) -> int:
    """Of no status, or of one that is no number: 0 would mean none came, so it is 1."""
    for name, value in fields:  # type: ignore[attr-defined]  # h2 gives pairs
        if name == b":status":
            return int(value) if value.isdigit() and len(value) == 3 else 1
    return 1
