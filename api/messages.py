"""Handlers about messages: history, posting, editing, deleting, reacting, and pointers.

Owns the bodies of these routes. A message posted here walks the same way as one from a socket: of_frame, writer.
"""

from __future__ import annotations

from typing import Annotated, NamedTuple

from msgspec import Meta, Struct

from api.route import Call, Done, Reply
from muster import submit
from muster.encoded import Encoded
from muster.errors import Refused, not_found
from muster.fold import Ask
from muster.history import Changes, History, Way
from muster.op import Op
from muster.pages import Reads
from muster.sessions import Submitter
from muster.stores.postgres.pointers import PostgresPointers
from muster.threads import ThreadPage, ThreadStore, thread_of
from proto import frames
from proto.codec import BadFrame, check_meta
from proto.codes import Code
from proto.entry import Attachments, ClientId, Emoji, Mentions, MetaMap, MetaValue, Poll, Seq, Text

_NEWEST = 2**53 - 1


class NewMessage(Struct, frozen=True):
    """A message. Repeat it with the same `client_id` until the answer is not temporary.

    With a `poll` its text is the question.
    """

    client_id: ClientId
    text: Text
    mentions: Mentions | None = None
    here: bool = False
    reply_to: Seq | None = None
    attachments: Attachments | None = None
    meta: MetaMap | None = None
    poll: Poll | None = None


class NewText(Struct, frozen=True):
    """What a message of mine says from now on."""

    text: Text
    mentions: Mentions | None = None
    here: bool = False
    meta: MetaMap | None = None


class Pointer(Struct, frozen=True):
    """Up to where I have read, or this device has received."""

    seq: Seq


class Range(Struct, frozen=True):
    """A page on one side of a seq; with neither, the newest."""

    after: Seq | None = None
    before: Seq | None = None
    limit: Annotated[int, Meta(ge=1, le=200)] = 50


class ThreadRange(Struct, frozen=True):
    """Replies after a seq."""

    after: Seq = 0
    limit: Annotated[int, Meta(ge=1, le=200)] = 50


class Since(Struct, frozen=True):
    """The seq up to which the client knows everything."""

    after: Seq


class Reading(NamedTuple):
    """How the log is read."""

    history: History
    pages: Reads


class MessageHandlers:
    """The routes about messages."""

    def __init__(
        self,
        history: Reading,
        threads: ThreadStore,
        pointers: PostgresPointers,
        writer: Submitter,
    ) -> None:
        self._history, self._pages = history
        self._threads = threads
        self._pointers = pointers
        self._writer = writer

    async def history(self, call: Call) -> Encoded:
        wanted = call.query(Range)
        if wanted.after is not None and wanted.before is not None:
            raise Refused(Code.bad_request, "a page goes one way: name `after` or `before`")
        if wanted.after is not None:
            way, seq = Way.after, wanted.after
        else:
            way, seq = Way.before, _NEWEST if wanted.before is None else wanted.before
        return await self._pages.page(call.room, call.me, Ask(way, seq, wanted.limit))

    async def changes(self, call: Call) -> Changes:
        return await self._history.changes(call.room, call.me, call.query(Since).after)

    async def thread(self, call: Call) -> ThreadPage:
        wanted, root = call.query(ThreadRange), call.path("seq", int)
        return await thread_of(self._threads, call.room, call.me, root, wanted.after, wanted.limit)

    async def post(self, call: Call) -> Reply:
        new = call.body(NewMessage)
        check(new.meta)
        frame = frames.Post(
            0,
            call.room,
            new.client_id,
            new.text,
            mentions=new.mentions,
            here=new.here,
            reply_to=new.reply_to,
            attachments=new.attachments,
            meta=new.meta,
            poll=new.poll,
        )
        done = await self._do(submit.of_frame(call.me, frame))
        return Reply(done, 201 if done.fresh else 200)

    async def edit(self, call: Call) -> Done:
        new = call.body(NewText)
        check(new.meta)
        frame = frames.Edit(
            0,
            call.room,
            call.client_id,
            call.path("seq", int),
            new.text,
            mentions=new.mentions,
            here=new.here,
            meta=new.meta,
        )
        return await self._do(submit.of_frame(call.me, frame))

    async def delete(self, call: Call) -> Done:
        frame = frames.Delete(0, call.room, call.client_id, call.path("seq", int))
        return await self._do(submit.of_frame(call.me, frame))

    async def react(self, call: Call) -> Done:
        emoji: Emoji = call.path("emoji", str)
        frame = frames.React(0, call.room, call.client_id, call.path("seq", int), emoji)
        return await self._do(submit.of_frame(call.me, frame))

    async def unreact(self, call: Call) -> Done:
        emoji: Emoji = call.path("emoji", str)
        frame = frames.Unreact(0, call.room, call.client_id, call.path("seq", int), emoji)
        return await self._do(submit.of_frame(call.me, frame))

    async def read(self, call: Call) -> None:
        await self._writer.submit(submit.read(call.me, call.room, call.body(Pointer).seq))

    async def received(self, call: Call) -> None:
        seq = call.body(Pointer).seq
        if not await self._pointers.received(call.room, call.me, call.claims.device, seq):
            raise not_found()

    async def _do(self, op: Op) -> Done:
        outcome = await self._writer.submit(op)
        return Done(outcome.room, outcome.seq, outcome.msg_no, outcome.at_ms, outcome.fresh)


def check(meta: dict[str, MetaValue] | None) -> None:
    """Raises `Refused`: `bad_request` for a `meta` that no message may have."""
    if meta:
        try:
            check_meta(dict[str, object](meta))
        except BadFrame as bad:
            raise Refused(Code.bad_request, str(bad)) from None
