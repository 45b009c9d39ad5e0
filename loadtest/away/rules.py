"""Which pushes somebody who is away must get, worked out plainly, and what is wrong with those that came.

It shares no code with what it checks, and holds everything there is in memory. Times are Unix milliseconds of this
machine's clock.

Owns the verdict. Pure. Must never read a message's words but for whom they begin with.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from loadtest.away.script import Absent
from loadtest.percentiles import percentile

LATE_MS: Final = 10_000
"""A wanted message has rung by then, on a machine that has enough to do."""

COUNTED_MOST: Final = 100
SLACK_MS: Final = 2_000
"""Two clocks' reading and the way of a request: what happened longer ago than this is surely counted."""

_LEVELS: Final = ("none", "mentions", "all")


class Said(NamedTuple):
    """A message that was acked. `room`: 0, or the number of a group. `handle`: whom it begins with."""

    room: int
    seq: int
    author: int
    handle: str
    sent_ms: int
    acked_ms: int


class Rang(NamedTuple):
    """A push that a phone took. `amount`: of how many messages it speaks. `unread`: of its room."""

    room: int
    seq: int
    at_ms: int
    badge: int
    unread: int
    amount: int


class Verdict(NamedTuple):
    """The keys of `python -m loadtest replay --pushes --json`, beside those of the replay itself.

    `wanted`: messages, over all people. `missing`: of these, how many no push covers; `late`: covered only after
    LATE_MS. `unwarranted`: pushes for nothing that is wanted, twice for the same, or to a phone of nobody's.
    `miscounted`: with another number of messages than there were. `badge_wrong`: of all pushes, the last among them.
    """

    away: int
    expected_people: int
    wanted: int
    mentions: int
    pushes: int
    missing: int
    late: int
    unwarranted: int
    miscounted: int
    badge_wrong: int
    push_p50_ms: float
    push_p99_ms: float

    @property
    def clean(self) -> bool:
        """Whether all phones got what the rules give, and nothing else."""
        return not (
            self.missing or self.late or self.unwarranted or self.miscounted or self.badge_wrong
        )


def level(who: Absent, room: int) -> str:
    """What this room may tell them of: all, mentions or none."""
    chosen = who.chosen[room > 0]
    if chosen == "muted":
        return "none"
    if chosen is not None:
        return chosen
    usual = "all" if room else "mentions"
    return min(usual, who.wish, key=_LEVELS.index)


def counts(who: Absent, said: Said) -> bool:
    """Whether it is unread for them: said where they are, and by nobody they hide."""
    return said.room in (0, who.group) and said.author not in (who.number, who.blocks)


def wants(who: Absent, said: Said) -> bool:
    """Whether it is to ring."""
    if not counts(who, said):
        return False
    allowed = level(who, said.room)
    return allowed == "all" or (allowed == "mentions" and said.handle == who.handle)


def verdict(
    absent: Sequence[Absent], said: Sequence[Said], rang: Mapping[int, Sequence[Rang]], strangers: int
) -> Verdict:  # fmt: skip
    """`rang`: by the number of who is away, in order of time; `strangers`: pushes to phones that nobody registered."""
    people = wanted = mentions = missing = late = unwarranted = miscounted = badge_wrong = 0
    waits: list[float] = []
    for who in absent:
        mine = rang.get(who.number, ())
        to_ring = [one for one in said if wants(who, one)]
        people += bool(to_ring)
        wanted += len(to_ring)
        mentions += sum(one.handle == who.handle for one in to_ring)
        badge_wrong += sum(not _is_badge(who, said, push) for push in mine)
        for room in (0, who.group):
            here = [push for push in mine if push.room == room]
            there = [one for one in to_ring if one.room == room]
            took = [_wait_ms(one, here) for one in there]
            waits += [ms for ms in took if ms is not None]
            missing += sum(ms is None for ms in took)
            late += sum(ms is not None and ms > LATE_MS for ms in took)
            unwarranted += _unwarranted(there, here)
            unread = [one for one in said if one.room == room and counts(who, one)]
            miscounted += sum(
                not _is_counted(there, unread, before, push)
                for before, push in pairwise([None, *here])
                if push is not None
            )
        unwarranted += sum(push.room not in (0, who.group) for push in mine)
    waits.sort()
    return Verdict(
        len(absent),
        people,
        wanted,
        mentions,
        sum(map(len, rang.values())) + strangers,
        missing,
        late,
        unwarranted + strangers,
        miscounted,
        badge_wrong,
        *(round(percentile(waits, share), 1) for share in (0.50, 0.99)),
    )


def _wait_ms(one: Said, rang: Iterable[Rang]) -> int | None:
    """From the ack to the first push that covers it."""
    at = min((push.at_ms for push in rang if push.seq >= one.seq), default=None)
    return None if at is None else max(0, at - one.acked_ms)


def _unwarranted(wanted: Sequence[Said], rang: Sequence[Rang]) -> int:
    """Each push is about a wanted message, later than that of the one before, and not ahead of it."""
    sent = {one.seq: one.sent_ms for one in wanted}
    wrong = sum(push.seq not in sent or push.at_ms < sent[push.seq] - SLACK_MS for push in rang)
    return wrong + sum(after.seq <= before.seq for before, after in pairwise(rang))


def _is_counted(
    wanted: Sequence[Said], unread: Sequence[Said], before: Rang | None, push: Rang
) -> bool:
    """One message is one; of more it says at least those since the last push, at most all that are unread."""
    new = sum((before.seq if before else 0) < one.seq <= push.seq for one in wanted)
    least = sum(one.seq <= push.seq for one in unread)
    most = sum(one.sent_ms <= push.at_ms + SLACK_MS for one in unread)
    if not min(least, COUNTED_MOST) <= push.unread <= min(most, COUNTED_MOST):
        return False
    return push.amount == 1 if new == 1 else min(new, COUNTED_MOST) <= push.amount <= most


def _is_badge(who: Absent, said: Sequence[Said], push: Rang) -> bool:
    """Between what was surely committed when it was written, and what may have been."""
    surely = [one for one in said if _is_before(one, push)]
    maybe = [one for one in said if one.sent_ms <= push.at_ms + SLACK_MS]
    return badge(who, surely) <= push.badge <= badge(who, maybe)


def _is_before(one: Said, push: Rang) -> bool:
    return one.acked_ms < push.at_ms - SLACK_MS or (one.room == push.room and one.seq <= push.seq)


def badge(who: Absent, said: Iterable[Said]) -> int:
    """Unread in rooms that are not muted, and mentions in those that are; of each room 100 at most."""
    total = {0: 0, who.group: 0}
    for one in said:
        is_muted = who.chosen[one.room > 0] == "muted"
        if counts(who, one) and (not is_muted or one.handle == who.handle):
            total[one.room] += 1
    return sum(min(count, COUNTED_MOST) for count in total.values())
