"""An op that waits for its outcome, and who is to be told.

Owns that it is told once, and the sentence a verdict of Postgres becomes. Must never know when an op is committed, or
what happens to its batch.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from muster.errors import Refused, not_found
from muster.op import DONE, SENTENCES, STATUS_CODES, Committed, Op, Outcome
from proto.codes import Code

Told = Callable[[Outcome | Refused], None]
"""Is told once what came of an op. Must neither wait nor raise."""


class Pending:
    """One op; `deadline` is when it is answered `unavailable` at the latest (monotonic seconds)."""

    __slots__ = ("answered", "deadline", "op", "told")

    def __init__(self, op: Op, deadline: float, told: Told) -> None:
        self.op = op
        self.deadline = deadline
        self.told = told
        self.answered = False

    def answer(self, answer: Outcome | Refused) -> None:
        """Tell, unless that was done."""
        if not self.answered:
            self.answered = True
            self.told(answer)

    def settle(self, verdict: Committed) -> None:
        """Tell what Postgres said of it."""
        if verdict.status in DONE:
            fresh = verdict.status == "ok"
            self.answer(Outcome(verdict.room, verdict.seq, verdict.msg_no, verdict.at_ms, fresh))
        else:
            self.answer(_refusal(self.op.kind, verdict))


def _refusal(kind: str, verdict: Committed) -> Refused:
    if verdict.status == "not_found":
        return not_found()
    if verdict.status == "barred":
        return Refused(Code.conflict, "that is somebody banned from this room; lift the ban first")
    code = STATUS_CODES[verdict.status]
    if verdict.body is not None and verdict.body.until_ms is not None:
        return _for_a_time(code, verdict.body.until_ms, verdict.at_ms)
    return Refused(code, SENTENCES.get((kind, code)) or _SENTENCES[code])


def _for_a_time(code: Code, until_ms: int, now_ms: int) -> Refused:
    """Both times are Postgres'."""
    until = datetime.fromtimestamp(until_ms / 1_000, UTC)
    sentence = _UNTIL[code].format(f"{until:%Y-%m-%dT%H:%M:%SZ}")
    return Refused(code, sentence, retry_after_ms=max(1, until_ms - now_ms))


_UNTIL: Final[dict[Code, str]] = {
    Code.silenced: "you may write nothing here until {}",
    Code.slow_mode: "members wait between two messages in this room; you may write again at {}",
}
_SENTENCES: Final[dict[Code, str]] = {
    Code.permission_denied: "your role in this room does not allow that",
    Code.archived: "this room is archived",
    Code.limit_exceeded: "that is more than this message or room may hold",
    Code.conflict: "that is taken, or would leave the room without an owner",
}
