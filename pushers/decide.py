"""Deciding: who is rung for what, when, and when it is settled that nobody is.

    Candidate, Attendance -> when() -> the time to judge it
    Owed, Attendance      -> decide() -> per device Send | Later | Silent; how far the room is settled

Everything is judged again whenever it is due, by what stands in Postgres and on the roll then; `decide` remembers
nothing, and may be called earlier than `when` said, or twice. What is Send is sent once: because of `settled`, and of
the queue's claims where a worker died before it could settle.

Owns the two functions and the shape of their answers; the rules stand in wanted.py (what somebody wants), quiet.py
(night) and witness.py (who may be seeing it). Pure: times, presence and settings are passed in. Must never send.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple, assert_never

from muster.owed import Candidate, Owed
from muster.presence import Attention
from muster.push_device import PushDevice
from pushers.alert import Alert, alert_for
from pushers.attendance import Attendance
from pushers.cause import Cause, Waiting
from pushers.pace import PACE, Pace
from pushers.quiet import is_quiet
from pushers.wanted import Wanted, addressed, until, wanted
from pushers.witness import Ring, Seen, Wait, Witness


class Send(NamedTuple):
    """Ring it, with this."""

    alert: Alert


class Later(NamedTuple):
    """Judge again at `at_ms`, by the clock that `now_ms` came from."""

    at_ms: int
    why: Waiting


class Silent(NamedTuple):
    """Never for these messages."""

    cause: Cause


Verdict = Send | Later | Silent


class Decision(NamedTuple):
    """`verdicts`: one per device, in the order of `Owed.devices`.

    `settled`: up to this seq nothing is owed by this provider any more, **once every Send has a final answer**; it may
    be no further than before. `again_ms`: when to judge again; None: not before something new comes.
    """

    verdicts: tuple[Verdict, ...]
    settled: int
    again_ms: int | None


def when(
    candidate: Candidate,
    attendance: Attendance,
    now_ms: int,
    pace: Pace = PACE,
    *,
    pushed_ms: int = 0,
) -> int:
    """When a fresh candidate is to be judged first; `pushed_ms`: when this person and room were last pushed, if known.

    Nobody active: now. An idle desktop and an app in the background are nobody. Whoever is active may be so on the very
    device that is to ring, and its socket may be dead: so they are judged as soon as an ack must be there, and `decide`
    waits longer where it is another device. Who looks at the room is looked at a little sooner: mostly all is read.
    """
    at_ms = now_ms
    if not attendance.known:
        at_ms += pace.unknown_ms
    else:
        active = [s for s in attendance.seats.values() if s.attention is Attention.active]
        if any(seat.room == candidate.key.room for seat in active):
            at_ms += pace.glance_ms
        elif active:
            at_ms += pace.vanish_ms
    return max(at_ms, pushed_ms + pace.burst_ms)


def decide(owed: Owed, attendance: Attendance, now_ms: int, pace: Pace = PACE) -> Decision:
    """What becomes of what is owed, for each device.

    What is settled is one integer for all devices, so a device rings for no message that another one still waits with:
    else, when that is judged again, it would ring again. What is left to ring for is put to the witness once more: it
    may be just what this device has shown.
    """
    found = wanted(owed, now_ms)
    if isinstance(found, Cause):
        return Decision((Silent(found),) * len(owed.devices), owed.through, None)
    judge = partial(Witness, owed, attendance=attendance, now_ms=now_ms, pace=pace)
    signs: list[tuple[Wanted, Ring | Seen | Wait]] = []
    for device in owed.devices:
        tonight = _by_night(owed, found, device, now_ms)
        if tonight is None:
            signs.append((found, Seen(Cause.quiet_hours)))
        else:
            signs.append((tonight, judge(tonight).of(device)))
    waits = [sign for _, sign in signs if isinstance(sign, Wait)]
    settled = min((wait.seen_to for wait in waits), default=owed.through)
    first = min(waits, key=lambda wait: wait.at_ms, default=None)
    verdicts = []
    for device, (for_it, sign) in zip(owed.devices, signs, strict=True):
        about = for_it if first is None else until(for_it, settled)
        if first is not None and about is not None and isinstance(judge(about).of(device), Seen):
            about = None
        verdicts.append(_verdict(owed, device, about, sign, first))
    return Decision(tuple(verdicts), settled, None if first is None else first.at_ms)


def _by_night(owed: Owed, found: Wanted, device: PushDevice, now_ms: int) -> Wanted | None:
    """What of it may ring where it is night."""
    if not is_quiet(owed.wishes, device.zone, now_ms):
        return found
    return addressed(owed) if owed.wishes.urgent_through else None


def _verdict(
    owed: Owed,
    device: PushDevice,
    about: Wanted | None,
    sign: Ring | Seen | Wait,
    first: Wait | None,
) -> Verdict:
    """`about`: what it may ring for now; `first`: who waits, and is why that may be nothing yet."""
    match sign:
        case Seen(cause):
            return Silent(cause)
        case Wait(at_ms, why, _):
            return Later(at_ms, why)
        case Ring() if about is not None:
            return Send(alert_for(owed, about, device))
        case Ring():
            assert first is not None
            return Later(first.at_ms, first.why)
    assert_never(sign)
