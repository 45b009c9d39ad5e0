"""The words tests of deciding speak: a person with phones, a room, messages, and what stands of them at a moment.

Owns builders with defaults that ring: a member of a group, offline, one phone, one message. Must never hold a rule.
"""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from muster.owed import Candidate, Key, Message, Owed, Wishes
from muster.presence import Attention
from muster.push_device import Environment, Privacy, Provider, PushDevice, TargetKind
from pushers.alert import Alert
from pushers.attendance import AWAY, Attendance, Seat
from pushers.cause import Cause, Waiting
from pushers.decide import Decision, Later, Send, Silent, decide

NOON_MS: Final = 1_795_262_400_000
"""2026-11-21 12:00 UTC."""

ROOM: Final = UUID(int=0xA0)
OTHER_ROOM: Final = UUID(int=0xA1)
PERSON: Final = UUID(int=0xB0)
ADA: Final = UUID(int=0xC0)
PHONE: Final = UUID(int=0xD0)
TABLET: Final = UUID(int=0xD1)
BROWSER: Final = UUID(int=0xD2)
KEY: Final = Key(PERSON.bytes, ROOM.bytes)
CANDIDATE: Final = Candidate(KEY, Provider.apns, urgent=False)


def device(ident: UUID = PHONE, **changed: Any) -> PushDevice:
    """A phone in UTC that shows everything."""
    plain = PushDevice(
        device=ident,
        provider=Provider.apns,
        environment=Environment.production,
        topic="app.example",
        token="t" * 64,
        target_kind=TargetKind.token,
        locale="en",
        zone="UTC",
        app_version="1",
        privacy=Privacy.full,
        shows_local=False,
        registered_ms=0,
    )
    return plain._replace(**changed)


def message(seq: int = 1, *, at_ms: int = NOON_MS, **changed: Any) -> Message:
    """Ada's, at noon."""
    plain = Message(
        seq=seq,
        msg_no=seq,
        author=ADA,
        author_name="Ada",
        text=f"words {seq}",
        has_media=False,
        mentions_me=False,
        at_ms=at_ms,
    )
    return plain._replace(**changed)


def owed(*messages: Message, **changed: Any) -> Owed:
    """These messages, or one, in a group."""
    unread = messages or (message(),)
    devices = changed.get("devices", (device(),))
    plain = Owed(
        key=KEY,
        room_kind="group",
        title="Walkers",
        is_member=True,
        is_request=False,
        level=None,
        muted_until_ms=0,
        read_seq=unread[0].seq - 1,
        notified=unread[0].seq - 1,
        through=unread[-1].seq,
        messages=unread,
        unread=len(unread),
        mentions=sum(m.mentions_me for m in unread),
        badge=7,
        wishes=Wishes(),
        devices=devices,
        received=(0,) * len(devices),
        session_over=frozenset(),
        first_ms=unread[0].at_ms,
        standing=len(unread),
    )
    return plain._replace(**changed)


def read(through: int = 5) -> Owed:
    """Nothing is left: everything up to `through` was read."""
    return owed()._replace(read_seq=through, through=through, messages=(), unread=0)


def seats(*sitting: tuple[UUID, Attention] | tuple[UUID, Attention, UUID]) -> Attendance:
    """Who is in: device, attention, and maybe the room it looks at."""
    return Attendance(
        {seat[0]: Seat(seat[1], seat[2].bytes if len(seat) == 3 else None) for seat in sitting}
    )


def judged(what: Owed, where: Attendance = AWAY, after_ms: int = 0) -> Decision:
    """`decide`, so long after noon."""
    return decide(what, where, NOON_MS + after_ms)


def rung(decision: Decision) -> list[Alert | None]:
    """Per device what it shows, if it rings now."""
    return [v.alert if isinstance(v, Send) else None for v in decision.verdicts]


def outcome(decision: Decision) -> list[Cause | tuple[Waiting, int] | str]:
    """Per device: "rings", the cause of its silence, or why it waits and until so many ms after noon."""
    return [_outcome(verdict) for verdict in decision.verdicts]


def _outcome(verdict: Send | Later | Silent) -> Cause | tuple[Waiting, int] | str:
    match verdict:
        case Send():
            return "rings"
        case Later(at_ms, why):
            return why, at_ms - NOON_MS
        case Silent(cause):
            return cause
