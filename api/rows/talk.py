"""Rows about what is said: messages, polls, finding, what waits for its time, media.

Owns their order: they are matched as they stand.
"""

from __future__ import annotations

from api import (
    finding,
    later,
    media,
    messages,
    polls,
    store,
)
from api.route import Done, Limit, Page, Route
from muster.gallery import Address, FoundMedia
from muster.history import Changes, HistoryPage
from muster.media import Media
from muster.pins import PinList
from muster.polls import VotePage
from muster.reminders import Reminder, ReminderList
from muster.scheduled import Scheduled, ScheduledList
from muster.search import HitPage
from muster.threads import ThreadPage
from proto.codes import Code

_ROOM = "/v1/rooms/{room}"
_MESSAGE = _ROOM + "/messages/{seq}"
_REACTION = _MESSAGE + "/reactions/{emoji}"


def of_messages(to: messages.MessageHandlers) -> list[Route]:
    """What is said in a room."""
    write = Limit.write
    return [
        Route("GET", _ROOM + "/history", to.history, "A page of the room's log as it reads now",
              HistoryPage, query=messages.Range, etag=True),
        Route("GET", _ROOM + "/changes", to.changes,
              "How older messages read that were changed since a seq", Changes, query=messages.Since,
              etag=True),
        Route("GET", _ROOM + "/threads/{seq}", to.thread, "A message and what replies to it",
              ThreadPage, query=messages.ThreadRange, etag=True),
        Route("POST", _ROOM + "/messages", to.post, "Post a message", Done, 201,
              messages.NewMessage, limit=write),
        Route("PATCH", _MESSAGE, to.edit, "Edit a message of mine", Done,
              body=messages.NewText, limit=write),
        Route("DELETE", _MESSAGE, to.delete, "Delete a message", Done, limit=write),
        Route("PUT", _REACTION, to.react, "Put an emoji on a message", Done, limit=write,
              refuses=(Code.limit_exceeded,)),
        Route("DELETE", _REACTION, to.unreact, "Take my emoji off a message", Done, limit=write),
        Route("PUT", _ROOM + "/read", to.read, "I have read up to here",
              body=messages.Pointer, limit=write),
        Route("PUT", _ROOM + "/received", to.received, "This device has everything up to here",
              body=messages.Pointer, limit=write),
    ]  # fmt: skip


def of_polls(to: polls.PollHandlers) -> list[Route]:
    """Asking a room."""
    write = Limit.write
    return [
        Route("PUT", _MESSAGE + "/vote", to.vote, "All that I choose in a poll from now on", Done,
              body=polls.MyVote, limit=write),
        Route("GET", _MESSAGE + "/votes", to.votes, "Who chose what, the latest first", VotePage,
              query=Page, etag=True),
        Route("POST", _MESSAGE + "/close", to.close, "Close a poll", Done, limit=write),
    ]  # fmt: skip


def of_finding(to: finding.FindingHandlers) -> list[Route]:
    """Finding again."""
    write = Limit.write
    pin = _ROOM + "/pins/{seq}"
    return [
        Route("GET", "/v1/search", to.search, "Messages of my rooms that hold these words, newest first",
              HitPage, query=finding.Words, limit=Limit.search, refuses=(Code.not_found, Code.limit_exceeded)),
        Route("GET", _ROOM + "/pins", to.pins, "Pinned messages, the newest pin first", PinList,
              etag=True),
        Route("PUT", pin, to.pin, "Pin a message", Done, limit=write, refuses=(Code.limit_exceeded,)),
        Route("DELETE", pin, to.unpin, "Unpin a message", Done, limit=write),
    ]  # fmt: skip


def of_later(to: later.LaterHandlers) -> list[Route]:
    """In its time."""
    write = Limit.write
    return [
        Route("POST", _ROOM + "/scheduled", to.schedule, "Post a message later", Scheduled, 201,
              later.NewScheduled, limit=write, once=True, refuses=(Code.limit_exceeded,)),
        Route("GET", "/v1/me/scheduled", to.scheduled, "My messages that wait for their time",
              ScheduledList, etag=True),
        Route("DELETE", "/v1/me/scheduled/{job}", to.unschedule, "Do not post it after all",
              limit=write),
        Route("POST", "/v1/me/reminders", to.remind, "Tell me of a message again later", Reminder,
              201, later.NewReminder, limit=write, once=True,
              refuses=(Code.not_found, Code.limit_exceeded)),
        Route("GET", "/v1/me/reminders", to.reminders, "My reminders that wait for their time",
              ReminderList, etag=True),
        Route("DELETE", "/v1/me/reminders/{job}", to.forget, "Do not remind me after all",
              limit=write),
    ]  # fmt: skip


def of_media(to: media.MediaHandlers, here: store.StoreHandlers) -> list[Route]:
    """Pictures, voices, files."""
    one = "/v1/media/{media}"
    return [
        Route("GET", one, to.read, "Where to read a medium: a redirect, or JSON", Address,
              query=media.Looked, also={302: "Read it there"}),
        Route("POST", "/v1/media/lookup", to.lookup, "How media are drawn, and where they are read",
              FoundMedia, body=media.AskedMedia),
        Route("POST", "/v1/media", to.open, "Begin an upload", media.UploadTicket, 201,
              media.NewMedia, limit=Limit.media,
              refuses=(Code.conflict, Code.already_done, Code.limit_exceeded)),
        Route("POST", one + "/complete", to.complete, "Have an upload checked, and ask what came of it",
              Media, also={202: "It is being looked at: ask again"},
              refuses=(Code.conflict, Code.already_done)),
        Route("POST", "/v1/store", here.upload, "Upload by a ticket, as multipart/form-data",
              stream=True, refuses=(Code.permission_denied, Code.not_found)),
        Route("GET", "/v1/store/media/{object}", here.read, "A medium, by a signed address",
              query=store.Signed, media_type="*/*", refuses=(Code.permission_denied,)),
    ]  # fmt: skip
