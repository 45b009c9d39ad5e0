"""One socket: frames out, answers to requests and pushes in.

Owns request ids, deadlines and the end of the socket. `on_frame` is called for every frame as it is
read, answers too and before whoever waits for them: what follows on the wire may rest on it. Must
never reconnect (phone.py does) or know what a frame means.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import count
from typing import Final

from msgspec.structs import replace
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from proto import limits
from proto.codec import CODECS, BadFrame, Codec
from proto.frames import Client, Error, Goaway, ServerFrame

PATH: Final = "/v1/socket"
OPEN_WITHIN_S: Final = 10.0
ANSWER_WITHIN_S: Final = 5.0
MAX_BYTES: Final = 4 * 1_048_576
"""Of one frame from the server: the states of 1,000 rooms, with room to spare."""


class Refusal(Exception):
    """The server answered a request with an Error frame."""

    def __init__(self, error: Error) -> None:
        super().__init__(f"{error.code}: {error.message}")
        self.error = error


class Closed(Exception):
    """The socket ended; `code` is None where it broke, `goaway` what the server said before.

    `retry_after_ms`: when to come back, by the goaway or by the refusal of the handshake.
    """

    def __init__(
        self,
        code: int | None,
        reason: str,
        goaway: Goaway | None,
        retry_after_ms: int | None = None,
    ) -> None:
        super().__init__(f"closed with {code}: {reason}")
        self.code = code
        self.reason = reason
        self.goaway = goaway
        self.retry_after_ms = goaway.retry_after_ms if goaway is not None else retry_after_ms

    @classmethod
    def refused(cls, failure: Exception) -> Closed:
        """There never was a socket."""
        retry_after_ms = None
        if isinstance(failure, InvalidStatus):
            seconds = failure.response.headers.get("Retry-After", "")
            retry_after_ms = int(seconds) * 1_000 if seconds.isdigit() else None
        return cls(None, f"no connection: {failure!r}", None, retry_after_ms)


class Connection:
    """An open socket. `read` must run for anything to be answered."""

    def __init__(
        self, socket: ClientConnection, codec: Codec, on_frame: Callable[[ServerFrame], None]
    ) -> None:
        self._socket = socket
        self._codec = codec
        self._on_frame = on_frame
        self._ids = count(1)
        self._waiting: dict[int, asyncio.Future[ServerFrame]] = {}
        self._goaway: Goaway | None = None
        self.heard_at = 0.0

    @classmethod
    async def open(
        cls,
        url: str,
        on_frame: Callable[[ServerFrame], None],
        subprotocol: str = limits.SUBPROTOCOL_MSGPACK,
    ) -> Connection:
        """Connect to the hub at `url`, a URL without a path. Raises what `connect` raises."""
        socket = await connect(
            url + PATH,
            subprotocols=[Subprotocol(subprotocol)],
            compression=None,
            ping_interval=None,
            open_timeout=OPEN_WITHIN_S,
            close_timeout=1.0,
            max_size=MAX_BYTES,
            proxy=None,
        )
        return cls(socket, CODECS[subprotocol], on_frame)

    async def read(self) -> Closed:
        """Take frames until the socket ends; returns how it did. All requests fail with it."""
        closed = await self._read_to_end()
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(closed)
                future.exception()  # whoever waits sees it; nobody may be waiting
        self._waiting.clear()
        return closed

    async def _read_to_end(self) -> Closed:
        loop = asyncio.get_running_loop()
        while True:
            try:
                data = await self._socket.recv(decode=False)
            except ConnectionClosed as ended:
                code = ended.rcvd.code if ended.rcvd else None
                return Closed(code, ended.rcvd.reason if ended.rcvd else "", self._goaway)
            self.heard_at = loop.time()
            try:
                frame = self._codec.decode_server(data)
            except BadFrame as unknown:
                if unknown.known is None:
                    raise
                continue  # a kind from a later version: the protocol says to pass over it
            self._take(frame)

    async def ask(self, frame: Client) -> asyncio.Future[ServerFrame]:
        """Send a request; the future is its answer. Requests leave in the order of the calls."""
        request = next(self._ids)
        future: asyncio.Future[ServerFrame] = asyncio.get_running_loop().create_future()
        self._waiting[request] = future
        await self.send(replace(frame, id=request))
        return future

    async def request(self, frame: Client, within_s: float = ANSWER_WITHIN_S) -> ServerFrame:
        """Send a request and wait. Raises `Refusal`, `Closed` or TimeoutError."""
        return await self.answer(await self.ask(frame), within_s)

    @staticmethod
    async def answer(
        future: asyncio.Future[ServerFrame], within_s: float = ANSWER_WITHIN_S
    ) -> ServerFrame:
        """Wait for what `ask` promised. Raises `Refusal`, `Closed` or TimeoutError."""
        async with asyncio.timeout(within_s):
            answer = await future
        if isinstance(answer, Error):
            raise Refusal(answer)
        return answer

    async def send(self, frame: Client) -> None:
        """Send a frame that asks for no answer."""
        try:
            await self._socket.send(self._codec.encode(frame), text=self._codec.text)
        except ConnectionClosed:
            raise Closed(None, "the socket is gone", self._goaway) from None

    async def close(self, code: int = 1000) -> None:
        """Say goodbye: 1000 and 1001 mean that this device is offline on purpose."""
        await self._socket.close(code)

    def abort(self) -> None:
        """Drop the socket without a word, as a phone in a tunnel does."""
        self._socket.transport.abort()

    def _take(self, frame: ServerFrame) -> None:
        if isinstance(frame, Goaway):
            self._goaway = frame
        self._on_frame(frame)
        future = self._waiting.pop(frame.id, None) if frame.id else None
        if future is not None and not future.done():
            future.set_result(frame)
