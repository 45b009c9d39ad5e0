"""An alert: what one device is to show of what somebody is owed, before any provider's form of it.

Owns how much of it a device may be told (privacy levels) and what is said of one message and of many. Pure. Must never
know how a provider writes it (apns_payload.py, fcm_payload.py) nor in which words (wording.py).
"""

from __future__ import annotations

from enum import Enum
from typing import Final, NamedTuple
from uuid import UUID

from muster.owed import Message, Owed
from muster.permission import RoomKind
from muster.push_device import Privacy, PushDevice
from pushers.naming import news_of
from pushers.wanted import Wanted


class Form(Enum):
    """What an alert says. All but text leave the words to the phone, in its own language.

    message: somebody wrote, and not what. news: an event tells something. generic: something came, and not from whom
    nor where.
    """

    text = "text"
    media = "media"
    message = "message"
    burst = "burst"
    mentions = "mentions"
    news = "news"
    generic = "generic"


class Alert(NamedTuple):
    """`title`: the room's, empty in direct rooms; `author`: who wrote. Both are empty where they may not be told.

    `amount`: how many messages it is about (burst, mentions, generic). `mentions`: so many of them name the person.
    `seq`: of the newest. `badge`: over all rooms. `unread`: in this room. `fetch`: the app is to fetch what it shows.
    `event`: whose news it is, `state` which, where that may be told; `room` is then the self log, `title` the event's.
    """

    form: Form
    room: UUID
    seq: int
    title: str
    author: str
    text: str
    amount: int
    mentions: int
    badge: int
    unread: int
    urgent: bool
    fetch: bool = False
    event: UUID | None = None
    state: str = ""

    @property
    def thread(self) -> UUID:
        """Of what it stands among: the room, which is an event's as well."""
        return self.room if self.event is None else self.event

    @property
    def place(self) -> UUID:
        """Where it stands on a screen: a room has one place for what is said, and one for what its event tells."""
        return self.room if self.event is None else news_of(self.event)


def alert_for(owed: Owed, wanted: Wanted, device: PushDevice) -> Alert:
    """What this device shows. One whose session is over shows that something came."""
    privacy = Privacy.generic if device.device in owed.session_over else device.privacy
    is_direct = owed.room_kind == RoomKind.direct
    before = max(0, owed.standing - owed.unread) if wanted.is_all else 0
    whole = Alert(
        form=_form(wanted, privacy) if owed.news is None else _form_of_news(privacy),
        room=UUID(bytes=owed.key.room),
        seq=wanted.newest,
        title="" if is_direct else owed.title,
        author=wanted.shown.author_name if wanted.shown else "",
        text=wanted.shown.text if wanted.shown else "",
        amount=wanted.amount + before if wanted.amount > 1 else 1,
        mentions=wanted.mentions,
        badge=owed.badge,
        unread=max(owed.unread, owed.standing),
        urgent=is_direct or wanted.mentions > 0,
        event=None if owed.news is None else owed.news.event,
        state="" if owed.news is None else owed.news.state,
    )
    if privacy in _NAMELESS:
        fetch = privacy is Privacy.ids
        return whole._replace(title="", author="", text="", state="", fetch=fetch)
    if whole.form is not Form.text:
        return whole._replace(text="")
    return whole


def _form(wanted: Wanted, privacy: Privacy) -> Form:
    if privacy in _NAMELESS:
        return Form.generic
    shown = wanted.shown
    if shown is None or (wanted.mentions and not shown.mentions_me):
        return Form.mentions
    if wanted.amount > 1:
        return Form.burst
    return Form.message if privacy is Privacy.sender else _of(shown)


def _form_of_news(privacy: Privacy) -> Form:
    return Form.generic if privacy in _NAMELESS else Form.news


def _of(message: Message) -> Form:
    if message.text.strip():
        return Form.text
    return Form.media if message.has_media else Form.message


_NAMELESS: Final = frozenset({Privacy.generic, Privacy.ids})
