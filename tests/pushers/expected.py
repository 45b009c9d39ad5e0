"""Which pushes the rules give for one person and one history, worked out naively, message by message.

It shares no line with what it checks. Where the rules leave a choice (when exactly somebody who is active is judged)
it does not choose: `unlawful` says what is wrong with a ring that came, `due` which rings must have come by when, and
`away` has all of them, to the millisecond, for somebody who was never there.
"""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

from tests.pushers.history import History, Said
from tests.pushers.play import Rung

_ELSEWHERE_MS = 30_000
_VANISHED_MS = 10_000
_BURST_MS = 2_000
_STEP_MS = 500
_SMALL_ROOMS = ("direct", "group")


class Due(NamedTuple):
    """This phone must have rung for this message, or a later one, by then."""

    device: UUID
    seq: int
    from_ms: int
    by_ms: int


def wants(history: History, said: Said, now_ms: int) -> bool:
    """Whether the person wants to be rung for it at that time, if away."""
    level = history.level or ("all" if history.room_kind in _SMALL_ROOMS else "mentions")
    for_me = said.names_me or history.room_kind == "direct"
    if level == "none" or (level == "mentions" and not for_me):
        return False
    if history.muted_until(now_ms):
        return False
    start, end = history.quiet
    minute = now_ms // 60_000
    is_night = start <= minute < end if start <= end else not end <= minute < start
    return not is_night or (history.urgent_through and for_me)


def is_open(history: History, said: Said, now_ms: int) -> bool:
    return history.is_there(said, now_ms) and said.seq > history.read_at(now_ms)


def unlawful(history: History, rung: Rung, before: list[Rung]) -> list[str]:
    """What is wrong with it; `before`: what rang earlier."""
    now_ms = rung.at_ms
    wrong = []
    (said,) = (s for s in history.said if s.seq == rung.seq)
    heard = max((r.seq for r in before if r.device == rung.device), default=0)
    if not is_open(history, said, now_ms):
        wrong.append("read or deleted")
    if not wants(history, said, now_ms):
        wrong.append("not wanted")
    if said.seq <= heard:
        wrong.append("rung before")
    open_ = [s for s in history.said if is_open(history, s, now_ms) and wants(history, s, now_ms)]
    unheard = [s for s in open_ if heard < s.seq <= rung.seq]
    surely = [s for s in unheard if _is_clear_since(history, rung.device, s, now_ms)]
    if not max(1, len(surely)) <= rung.amount <= len(open_):
        wrong.append("miscounted")
    acked_ms = history.acked_ms(rung.device, said)
    if rung.device in history.shows_local and acked_ms is not None and acked_ms <= now_ms:
        wrong.append("shown already")
    for device, sat in history.sitting(now_ms).items():
        if sat.dead or sat.attention != "active":
            continue
        if sat.here:
            wrong.append("somebody looks at it")
        elif device == rung.device:
            wrong.append("the phone is in use")
        elif all(now_ms < s.at_ms + _ELSEWHERE_MS for s in unheard):
            wrong.append("somebody is active elsewhere")
    return wrong


def _is_clear_since(history: History, phone: UUID, said: Said, now_ms: int) -> bool:
    """Nothing can have silenced it for good meanwhile."""
    return all(
        wants(history, said, moment) and _is_phone_away(history, phone, said, moment)
        for moment in range(said.at_ms, now_ms + 1, _STEP_MS)
    )


def due(history: History) -> list[Due]:
    """Every ring that nothing whatever speaks against, for long enough."""
    return [
        found
        for phone in history.phones
        for said in history.said
        if (found := _due(history, phone, said)) is not None
    ]


def _due(history: History, phone: UUID, said: Said) -> Due | None:
    for by_ms, is_clear in (
        (_BURST_MS, _is_nobody_there),
        (_VANISHED_MS, _are_all_dead),
        (_ELSEWHERE_MS, _is_phone_away),
    ):
        # From the millisecond it was written until it is late, looking twice a second and at both ends.
        moments = range(said.at_ms, said.at_ms + by_ms + 1, _STEP_MS)
        if all(
            is_open(history, said, now_ms)
            and wants(history, said, now_ms)
            and is_clear(history, phone, said, now_ms)
            for now_ms in moments
        ):
            return Due(phone, said.seq, said.at_ms, said.at_ms + by_ms)
    return None


def _is_nobody_there(history: History, phone: UUID, said: Said, now_ms: int) -> bool:
    """Nor a phone that may be showing it at this moment by itself: all phones are judged together."""
    there = history.sitting(now_ms)
    return not (there.keys() & history.shows_local) and all(
        sat.attention != "active" for sat in there.values()
    )


def _are_all_dead(history: History, phone: UUID, said: Said, now_ms: int) -> bool:
    """Whoever seems to be there is a phone whose socket has died, before it could ack this."""
    return all(
        (sat.dead and device in history.phones and history.acked_ms(device, said) is None)
        or (sat.attention != "active" and not (device == phone and phone in history.shows_local))
        for device, sat in history.sitting(now_ms).items()
    )


def _is_phone_away(history: History, phone: UUID, said: Said, now_ms: int) -> bool:
    """Others may be active, but not in this room."""
    there = history.sitting(now_ms)
    mine = there.get(phone)
    if mine is not None and (mine.attention == "active" or phone in history.shows_local):
        return False
    return not any(sat.attention == "active" and sat.here for sat in there.values())


def away(history: History) -> list[tuple[int, int, int]]:
    """(when, newest seq, how many) of all rings, for somebody with one phone who never came."""
    rings: list[tuple[int, int, int]] = []
    open_from = 0
    looks = sorted({said.at_ms for said in history.said})
    while looks:
        now_ms = looks.pop(0)
        if rings and now_ms < rings[-1][0] + _BURST_MS:
            looks = sorted({*looks, rings[-1][0] + _BURST_MS})
            continue
        about = [
            said.seq
            for said in history.said
            if said.seq > open_from
            and is_open(history, said, now_ms)
            and wants(history, said, now_ms)
        ]
        if about:
            rings.append((now_ms, about[-1], len(about)))
        open_from = max(said.seq for said in history.said if said.at_ms <= now_ms)
    return rings
