"""Wanted: which of the messages somebody is owed they want to be rung for, wherever they are.

    membership, requests, mute, do not disturb, level -> Wanted, or why not

Owns levels and their defaults. Pure. Must never ask where somebody is (pushers/witness.py).
"""

from __future__ import annotations

from typing import Final, NamedTuple

from muster.owed import Message, Owed
from muster.permission import RoomKind
from pushers.cause import Cause

ALL: Final = "all"
MENTIONS: Final = "mentions"
NONE: Final = "none"

_QUIET_KINDS: Final = frozenset({RoomKind.public, RoomKind.announcement, RoomKind.event})
"""Rooms of many people, where nobody who chose nothing wants every word."""


class Wanted(NamedTuple):
    """What to ring for. `messages`: the newest few, the oldest first, by which acks and delays are measured.

    `newest`: the seq to ring for, the same however often this is judged. `shown`: whose words are shown, a mention
    before others; None: only a count can be said. `amount`, `mentions`: how many in all, and of them how many that name
    the person. `first_ms`: when the oldest of all came, 0 where that is not known, so that nothing waits for it.
    `is_whole`: `messages` are all of them. `is_all`: every message is wanted, not only what names the person.
    """

    messages: tuple[Message, ...]
    newest: int
    shown: Message | None
    amount: int
    mentions: int
    first_ms: int
    is_whole: bool
    is_all: bool


def level_of(owed: Owed) -> str:
    """The room's own level; else the room kind's, as far as the person wants anything at all."""
    if owed.level is not None:
        return owed.level
    usual = MENTIONS if owed.room_kind in _QUIET_KINDS else ALL
    order = (NONE, MENTIONS, ALL)
    return min(usual, owed.wishes.level, key=order.index)


def wanted(owed: Owed, now_ms: int) -> Wanted | Cause:
    """What to ring for, or why for nothing."""
    if not owed.is_member:
        return Cause.not_member
    if owed.is_request:
        return Cause.request
    if not owed.unread:
        return Cause.read if owed.read_seq >= owed.through else Cause.gone
    if owed.muted_until_ms > now_ms:
        return Cause.muted
    level = level_of(owed)
    if level == NONE:
        return Cause.level_none
    if owed.wishes.busy_until_ms > now_ms:
        return Cause.busy
    if level == ALL or owed.news is not None:  # an event tells whoever is on its roster
        return everything(owed)
    return addressed(owed) or Cause.not_mentioned


def everything(owed: Owed) -> Wanted:
    """All messages."""
    return _wanted(owed, owed.messages, owed.unread, is_all=True)


def addressed(owed: Owed) -> Wanted | None:
    """Mentions; in a direct room every message is meant for whoever reads it."""
    if owed.room_kind == RoomKind.direct:
        return everything(owed)
    if not owed.mentions:
        return None
    return _wanted(
        owed, tuple(m for m in owed.messages if m.mentions_me), owed.mentions, is_all=False
    )


def _wanted(owed: Owed, messages: tuple[Message, ...], count: int, *, is_all: bool) -> Wanted:
    """Where `messages` are fewer than `amount`, the rest are older than what was read of them."""
    naming = [message for message in messages if message.mentions_me]
    shown = naming[-1] if naming else messages[-1] if messages else None
    measured = messages or owed.messages
    is_whole = count <= len(messages)
    return Wanted(
        messages=measured,
        newest=measured[-1].seq if measured else owed.through,
        shown=shown,
        amount=count,
        mentions=owed.mentions,
        first_ms=messages[0].at_ms if is_whole else owed.first_ms,
        is_whole=is_whole,
        is_all=is_all,
    )


def until(found: Wanted, seq: int) -> Wanted | None:
    """Of these only what is not after `seq`; None where that is nothing."""
    later = [message for message in found.messages if message.seq > seq]
    if not later:
        return found
    messages = found.messages[: -len(later)]
    if not messages:
        return None
    found = found._replace(messages=messages, newest=messages[-1].seq)
    if found.shown is None:  # what is meant lies before all that was read
        return found
    naming = [message for message in messages if message.mentions_me]
    return found._replace(
        shown=(naming or messages)[-1],
        amount=found.amount - len(later),
        mentions=found.mentions - sum(message.mentions_me for message in later),
    )
