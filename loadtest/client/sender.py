"""Commits what a phone writes, across sockets.

Owns who waits for which submission, and the pump that sends what `outgoing` says is due and acts
on the answers. Must never decide the order (outgoing.py does).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from random import Random
from typing import Final
from uuid import UUID

from loadtest.client.connection import Closed, Connection, Refusal
from loadtest.client.outgoing import Outgoing
from proto.frames import Ack, ServerFrame, Submission

ANSWER_WITHIN_S: Final = 5.0
"""The server promises an answer within 2 s; later than this, the outcome counts as unknown."""

AGAIN_AFTER_S: Final = 0.5


class Sender:
    """Submissions and the futures of their answers."""

    def __init__(self, random: Random, unsure: Callable[[Submission, str], None]) -> None:
        """`unsure` is told of every attempt whose outcome is unknown."""
        self._random = random
        self._unsure = unsure
        self._outgoing = Outgoing()
        self._answers: dict[tuple[UUID, str], asyncio.Future[Ack]] = {}
        self._wake = asyncio.Event()

    async def submit(self, submission: Submission) -> Ack:
        """Commit, however long it takes. Raises `Refusal` if it is refused for good."""
        key = (submission.room, submission.client_id)
        future = self._answers.get(key)
        if future is None:
            future = asyncio.get_running_loop().create_future()
            self._answers[key] = future
            self._outgoing.add(submission)
            self._wake.set()
        return await asyncio.shield(future)

    def disconnected(self) -> None:
        """The socket is gone: what had no answer is sent again on the next."""
        self._outgoing.disconnected()

    async def pump(self, connection: Connection, group: asyncio.TaskGroup) -> None:
        """Send what is due, as long as the socket lives. Answers are awaited in `group`."""
        self._wake.set()
        while True:
            await self._wake.wait()
            self._wake.clear()
            for submission in self._outgoing.due():
                answer = await connection.ask(submission)
                group.create_task(self._answered(connection, submission, answer))

    async def _answered(
        self, connection: Connection, submission: Submission, answer: asyncio.Future[ServerFrame]
    ) -> None:
        pause_s = AGAIN_AFTER_S
        try:
            frame = await connection.answer(answer, ANSWER_WITHIN_S)
        except Closed:
            self._unsure(submission, "the socket broke")
            return
        except Refusal as refusal:
            if not refusal.error.temporary:
                self._settle(submission, refusal)
                return
            pause_s = max(pause_s, (refusal.error.retry_after_ms or 0) / 1_000)
            self._unsure(submission, f"temporary: {refusal.error.code}")
        except TimeoutError:
            self._unsure(submission, "no answer in time")
        else:
            assert isinstance(frame, Ack), f"a submission is answered by an ack, not {frame}"
            self._settle(submission, frame)
            return
        self._outgoing.unsure(submission.room, submission.client_id)
        await asyncio.sleep(pause_s * self._random.uniform(1.0, 1.5))
        self._outgoing.again(submission.room)
        self._wake.set()

    def _settle(self, submission: Submission, answer: Ack | Refusal) -> None:
        self._outgoing.settled(submission.room, submission.client_id)
        self._wake.set()
        future = self._answers.pop((submission.room, submission.client_id), None)
        if future is None or future.done():
            return
        if isinstance(answer, Refusal):
            future.set_exception(answer)
            future.exception()  # whoever waits sees it; nobody may be waiting any more
        else:
            future.set_result(answer)
