"""Each fault planted in what phones received is found and called by its name; what is right is found right."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from uuid import UUID

import pytest
from msgspec.structs import replace

from loadtest.torture import history as h
from loadtest.torture.checker.books import Books
from loadtest.torture.checker.findings import Findings, Rule
from loadtest.torture.checker.pushed import Pushes, check_pushed
from loadtest.torture.checker.truth import Truth
from loadtest.torture.checker.verdict import check
from loadtest.torture.push_history import Away, Pushed, Unsure
from proto.entry import Body, EntryKind

S: Final = 10**9
ANN, BEA, CAT = (UUID(int=n) for n in (1, 2, 3))
GROUP, HALL = UUID(int=10), UUID(int=11)
WITHIN_S: Final = 12.0
FAULT: Final = (40 * S, 41 * S)
PHONES: Final = (
    Away(t=1, person=CAT, device=UUID(int=31), provider="apns", token="a" * 64),
    Away(t=1, person=CAT, device=UUID(int=32), provider="fcm", token="f" * 64),
)
LAST: Final = 9

Records = list[h.AnyRecord]


def said(room: UUID, seq: int, author: UUID, *, at: int, deleted: bool = False) -> Records:
    """A message that was asked for, acked and is in the log."""
    n = room.int * 100 + seq
    asked = h.Invoke(t=at, process="p", n=n, op="post", author=author, room=room, client_id=f"c{n}")
    row = h.SqlEntry(
        t=90 * S, room=room, seq=seq, msg_no=seq, kind=EntryKind.post, author=author, client_id=f"c{n}",
        body=Body(text="word"), deleted_seq=99 if deleted else None,
    )  # fmt: skip
    return [asked, h.Ok(t=at + 1, process="p", n=n, seq=seq), row]


def rang(phone: Away, seq: int, at: int, room: UUID = GROUP, number: int = 0) -> Pushed:
    return Pushed(
        t=at, provider=phone.provider, token=phone.token, room=room, seq=seq, number=number
    )


def right() -> Records:
    """Cat is away, in a group and a public hall. Bea is hidden from her; seq 5 was deleted; a pusher was killed."""
    records: Records = [
        h.Run(
            t=0,
            commit="c0ffee",
            scenario="model",
            seed=1,
            machine="none",
            push_within_s=WITHIN_S,
        ),
        *PHONES,
        h.SqlRoom(t=0, room=GROUP, kind="group", history="all", head=LAST, msg_no=LAST, floor=0, generation=ANN),
        h.SqlRoom(t=0, room=HALL, kind="public", history="all", head=2, msg_no=2, floor=0, generation=ANN),
        h.SqlSpan(t=0, room=GROUP, person=CAT, joined=1, from_seq=1),
        h.SqlSpan(t=0, room=HALL, person=CAT, joined=1, from_seq=1),
        h.SqlBlock(t=0, blocker=CAT, blocked=BEA),
        h.FaultStart(t=FAULT[0], fault="kill-1", kind="kill", target="pusher-apns1"),
        h.FaultStop(t=FAULT[1], fault="kill-1", proof={"exit_code": -9}),
        Unsure(t=80 * S, process="pusher-apns2 0", provider="apns", count=1),
    ]  # fmt: skip
    for seq in range(2, 8):
        records += said(GROUP, seq, ANN, at=seq * 10 * S, deleted=seq == 5)
    records += said(GROUP, 8, BEA, at=75 * S) + said(GROUP, LAST, CAT, at=76 * S)
    records += said(HALL, 2, ANN, at=20 * S)
    for phone in PHONES:
        # Nobody rang for 2 alone: 3 says it all. The deleted one rang before it was deleted.
        records += [rang(phone, seq, (seq * 10 + 1) * S, number=seq) for seq in (3, 4, 5, 7)]
        records.append(rang(phone, 6, 62 * S, number=6))
    # The answer to the push of 4 died with its pusher; another one sent it again, and knew that it may be a second.
    records.append(rang(PHONES[0], 4, 50 * S, number=50))
    return records


def judged(records: Records) -> tuple[Pushes, Findings]:
    books, findings = Books(records), Findings()
    return check_pushed(books, Truth(books), findings), findings


def without(records: Records, gone: Callable[[h.AnyRecord], bool]) -> Records:
    return [record for record in records if not gone(record)]


def is_ring(record: h.AnyRecord, phone: Away, *seqs: int) -> bool:
    return isinstance(record, Pushed) and record.token == phone.token and record.seq in seqs


def test_what_is_right_is_found_right() -> None:
    """Collapsed, deleted, hidden and public messages are no losses, and a second push with a cause no fault."""
    pushes, findings = judged(right())
    assert not findings.examples, [one.says for one in findings.examples]
    assert (pushes.accepted, pushes.again) == (11, 1)
    assert pushes.late_s == pytest.approx(11.0, abs=0.01)


def test_what_nobody_saw_acked_is_not_late_where_no_fault_hurt_it() -> None:
    """Since when it is owed nobody knows; that it is owed is known all the same."""
    records = without(right(), lambda each: isinstance(each, h.Ok) and each.seq == 7)
    pushes, findings = judged(records)
    assert not findings.examples, [one.says for one in findings.examples]
    assert pushes.late_s == pytest.approx(11.0, abs=0.01)
    lost = without(records, lambda record: is_ring(record, PHONES[1], 7))
    assert [one.rule for one in judged(lost)[1].examples] == [Rule.unpushed]


def never() -> Records:
    """The newest message reached one of two phones."""
    return without(right(), lambda record: is_ring(record, PHONES[1], 7))


def too_late() -> Records:
    """It did in the end, beyond what is allowed after the ack and the last fault."""
    late = rang(PHONES[1], 7, 70 * S + round(WITHIN_S * 1.5) * S)
    return [*never(), late]


def twice() -> Records:
    """Long after the kill, and nothing else had gone wrong."""
    return [*right(), rang(PHONES[0], 7, 73 * S, number=73)]


def twice_at_the_other() -> Records:
    """A pusher of APNs was killed; FCM's have no excuse."""
    return [*right(), rang(PHONES[1], 4, 50 * S, number=50)]


def uncounted() -> Records:
    """The pushers did not know that it may be a second one: they had no claim, or forgot it."""
    return without(right(), lambda record: isinstance(record, Unsure))


def hidden() -> Records:
    """Somebody she hides rang."""
    return [*right(), rang(PHONES[0], 8, 76 * S)]


def her_own() -> Records:
    """She rang for her own words."""
    return [*right(), rang(PHONES[0], LAST, 77 * S)]


def not_asked_for() -> Records:
    """A public room in which nobody named her rang."""
    return [*right(), rang(PHONES[0], 2, 21 * S, HALL)]


def elsewhere() -> Records:
    """A room she is not in rang."""
    records = right()
    for n, record in enumerate(records):
        if isinstance(record, h.SqlSpan) and record.room == GROUP:
            records[n] = replace(record, to_seq=6)
    return records


def nobodys() -> Records:
    """A phone rang that nobody has."""
    return [*right(), replace(rang(PHONES[0], 7, 71 * S), token="0" * 64)]


PLANTED: Final[tuple[tuple[Callable[[], Records], Rule, int], ...]] = (
    (never, Rule.unpushed, 7),
    (too_late, Rule.unpushed, 7),
    (twice, Rule.pushed_twice, 7),
    (twice_at_the_other, Rule.pushed_twice, 4),
    (hidden, Rule.pushed_wrongly, 8),
    (her_own, Rule.pushed_wrongly, LAST),
    (not_asked_for, Rule.pushed_wrongly, 2),
    (elsewhere, Rule.pushed_wrongly, 7),
    (nobodys, Rule.pushed_wrongly, 7),
)


@pytest.mark.parametrize(
    ("planting", "rule", "seq"), PLANTED, ids=[planting.__name__ for planting, _, _ in PLANTED]
)
def test_what_is_planted_is_found(planting: Callable[[], Records], rule: Rule, seq: int) -> None:
    """By rule and message, and nothing else is."""
    _, findings = judged(planting())
    assert {(one.rule, one.seq) for one in findings.examples} == {(rule, seq)}


def test_a_second_push_that_no_pusher_counted_is_found() -> None:
    """It has a cause, and yet whoever sent it ought to have known."""
    _, findings = judged(uncounted())
    assert findings.counts == {Rule.pushed_twice: 1}


def test_where_redis_forgot_nobody_has_to_count() -> None:
    """With the claims the knowledge is gone, so that a second push is right, and not counted by anybody."""
    forgot: Records = [
        h.FaultStart(t=FAULT[0], fault="flush-2", kind="flush", target="redis"),
        h.FaultStop(t=FAULT[1], fault="flush-2", proof={}),
    ]
    pushes, findings = judged(uncounted() + forgot)
    assert not findings.examples
    assert pushes.again == 1


def test_the_verdict_of_a_run_has_what_phones_say() -> None:
    """A run is broken by a push that is missing, whatever else it is."""
    assert Rule.unpushed not in check(right()).other
    assert check(right()).pushes.accepted == 11
    assert check(never()).other[Rule.unpushed] == 1
