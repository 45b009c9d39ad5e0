"""Plays a history to the product: asks `when` for each message, and `decide` whenever something is due.

Owns the fake clock, a queue of one job and the store's side of what is owed. Must never judge what comes of it.
"""

from __future__ import annotations

from typing import Final, NamedTuple
from uuid import UUID

from muster.owed import Owed, Wishes
from muster.presence import Attention
from pushers.attendance import Attendance, Seat
from pushers.decide import Decision, Send, decide, when
from tests.pushers.history import History
from tests.pushers.phrases import CANDIDATE, KEY, NOON_MS, OTHER_ROOM, ROOM, device, message

LOOKS_MOST: Final = 500


class Rung(NamedTuple):
    """A phone rang, so many ms after noon."""

    at_ms: int
    device: UUID
    seq: int
    amount: int


class Player:
    """One play. `few`: how many messages are read at once."""

    def __init__(self, history: History, few: int) -> None:
        self._history = history
        self._few = few
        self._notified = 0
        self._pushed_ms = -(10**9)
        self._claims: set[tuple[UUID, int]] = set()
        self.rung: list[Rung] = []

    def play(self) -> list[Rung]:
        """Until nothing is due."""
        due: int | None = None
        coming = list(self._history.said)
        looks = 0
        while coming or due is not None:
            if coming and (due is None or coming[0].at_ms <= due):
                now_ms = coming.pop(0).at_ms
                at_ms = when(
                    CANDIDATE,
                    self._attendance(now_ms),
                    NOON_MS + now_ms,
                    pushed_ms=NOON_MS + self._pushed_ms,
                )
                due = min(at_ms - NOON_MS, due) if due is not None else at_ms - NOON_MS
                continue
            assert due is not None
            looks += 1
            assert looks < LOOKS_MOST, "it is judged again and again"
            due = self._look(due)
        return self.rung

    def _look(self, now_ms: int) -> int | None:
        owed = self.owed(now_ms)
        decision: Decision = decide(owed, self._attendance(now_ms), NOON_MS + now_ms)
        for phone, verdict in zip(self._history.phones, decision.verdicts, strict=True):
            if not isinstance(verdict, Send) or (phone, verdict.alert.seq) in self._claims:
                continue
            assert verdict.alert.amount > 0
            self._claims.add((phone, verdict.alert.seq))
            self.rung.append(Rung(now_ms, phone, verdict.alert.seq, verdict.alert.amount))
            self._pushed_ms = now_ms
        assert self._notified <= decision.settled <= owed.through
        self._notified = decision.settled
        if decision.again_ms is None:
            assert decision.settled == owed.through
            return None
        assert decision.again_ms > NOON_MS + now_ms, "it would be judged at once, for ever"
        return decision.again_ms - NOON_MS

    def owed(self, now_ms: int) -> Owed:
        """What the store would say."""
        history = self._history
        read = history.read_at(now_ms)
        after = max(read, self._notified)
        open_ = [s for s in history.said if s.seq > after and history.is_there(s, now_ms)]
        muted_ms = history.muted_until(now_ms)
        start, end = history.quiet
        return Owed(
            key=KEY,
            room_kind=history.room_kind,
            title="Walkers",
            is_member=True,
            is_request=False,
            level=history.level,
            muted_until_ms=NOON_MS + muted_ms if muted_ms else 0,
            read_seq=read,
            notified=self._notified,
            through=max((s.seq for s in history.said if s.at_ms <= now_ms), default=0),
            messages=tuple(
                message(s.seq, at_ms=NOON_MS + s.at_ms, mentions_me=s.names_me)
                for s in open_[-self._few :]
            ),
            unread=len(open_),
            mentions=sum(s.names_me for s in open_),
            badge=1,
            wishes=Wishes(
                quiet_from_min=720 + start if start != end else 0,
                quiet_to_min=720 + end if start != end else 0,
                urgent_through=history.urgent_through,
            ),
            devices=tuple(
                device(phone, shows_local=phone in history.shows_local) for phone in history.phones
            ),
            received=tuple(history.received(phone, now_ms) for phone in history.phones),
            session_over=frozenset(),
            first_ms=NOON_MS + open_[0].at_ms if open_ else 0,
        )

    def _attendance(self, now_ms: int) -> Attendance:
        return Attendance(
            {
                sat.device: Seat(
                    Attention[sat.attention],
                    (ROOM if sat.here else OTHER_ROOM).bytes if sat.attention == "active" else None,
                )
                for sat in self._history.sitting(now_ms).values()
            }
        )
