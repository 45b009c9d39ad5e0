"""Handlers about polls: voting, closing, and who chose what. Posting one is posting a message.

Owns the bodies of these routes. A vote given here walks the same way as one from a socket: of_frame, writer.
"""

from __future__ import annotations

from msgspec import Struct

from api.route import Call, Done, Page
from muster import submit
from muster.polls import Polls, VotePage
from muster.sessions import Submitter
from proto import frames
from proto.entry import Choices


class MyVote(Struct, frozen=True):
    """All that I choose, by place, from 0; nothing takes my vote back."""

    choices: Choices


class PollHandlers:
    """The routes about polls."""

    def __init__(self, polls: Polls, writer: Submitter) -> None:
        self._polls = polls
        self._writer = writer

    async def vote(self, call: Call) -> Done:
        choices = call.body(MyVote).choices
        frame = frames.Vote(0, call.room, call.client_id, call.path("seq", int), choices)
        return await self._do(call, frame)

    async def votes(self, call: Call) -> VotePage:
        page = call.query(Page)
        seq = call.path("seq", int)
        return await self._polls.votes(call.room, call.me, seq, page.cursor, page.limit)

    async def close(self, call: Call) -> Done:
        frame = frames.ClosePoll(0, call.room, call.client_id, call.path("seq", int))
        return await self._do(call, frame)

    async def _do(self, call: Call, frame: frames.Vote | frames.ClosePoll) -> Done:
        outcome = await self._writer.submit(submit.of_frame(call.me, frame))
        return Done(outcome.room, outcome.seq, outcome.msg_no, outcome.at_ms, outcome.fresh)
