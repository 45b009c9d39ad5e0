"""Place: rules one by one."""

from math import inf, nan
from typing import Any
from uuid import UUID

import pytest

from muster.attendance import Confidence, Source
from muster.ground import ground_of
from muster.ids import RoomId
from muster.place import (
    NOWHERE,
    Claim,
    Crossing,
    Evidence,
    Fix,
    Judgement,
    Phase,
    Reason,
    Terms,
    judge,
    pack,
)
from muster.venue import Circle
from tests.muster.square import END, MIDDLE, ROOM, START, Person, fix, venue


def at(second: float) -> int:
    """That second of the evening, in milliseconds."""
    return START + int(second * 1000)


def test_who_stays_for_the_dwell_came_when_first_seen_inside() -> None:
    """Not a fix earlier, and the time is the first fix's."""
    person = Person()
    person.is_at(60.0, 0, 5)
    assert person.phase() is Phase.near
    person.is_at(-40.0, *range(10, 70, 5))
    assert (person.told(), person.phase()) == ([], Phase.pending_in)
    judged = person.is_at(-40.0, 70)
    assert judged.turns == ((True, at(10), Source.gps, Confidence.high),)
    assert person.phase() is Phase.inside


def test_an_event_may_have_a_dwell_of_its_own() -> None:
    """Shorter or longer than the setting."""
    person = Person(ground_of(venue(dwell_ms=10_000)))
    person.is_at(-40.0, 0, 5, 10)
    assert person.told() == [(True, 0)]


def test_who_passes_through_in_less_than_the_dwell_never_came() -> None:
    """However deep inside they were."""
    person = Person()
    person.is_at(80.0, 0, 5)
    person.is_at(-90.0, *range(10, 60, 5))
    person.is_at(80.0, *range(60, 200, 5))
    person.waits(3000)
    assert person.told() == []


def test_one_fix_inside_begins_nothing_and_a_second_of_three_does() -> None:
    """Two of the last three."""
    person = Person()
    person.is_at(60.0, 0, 5)
    person.is_at(-40.0, 10)
    assert person.phase() is Phase.near
    person.is_at(60.0, 15)
    assert person.phase() is Phase.near
    person.is_at(-40.0, 20)
    assert person.phase() is Phase.pending_in
    person.is_at(60.0, 25, 30)
    assert person.phase() is Phase.near


def test_what_came_before_a_vote_to_the_contrary_does_not_count_as_dwelling() -> None:
    """A wrong fix inside, one outside, then they really come: from then."""
    person = Person()
    person.is_at(-40.0, 0)
    person.is_at(60.0, 5)
    person.is_at(-40.0, *range(10, 75, 5))
    assert person.told() == [(True, 10)]


@pytest.mark.parametrize("speed_mps", [None, 1.0])
def test_one_over_confident_fix_neither_makes_nor_cancels_an_edge(speed_mps: float | None) -> None:
    """200 m away at a claimed 1.7 m: while coming in, while inside, while going, and while outside."""
    person = Person()
    wild = {"accuracy_m": 1.7, "speed_mps": speed_mps}
    person.is_at(-60.0, *range(0, 30, 5), speed_mps=speed_mps)
    person.is_at(140.0, 30, **wild)
    person.is_at(-60.0, *range(35, 65, 5), speed_mps=speed_mps)
    assert person.told() == [(True, 0)]
    person.is_at(140.0, 65, **wild)
    person.is_at(-60.0, *range(70, 200, 5), speed_mps=speed_mps)
    assert person.told() == [(True, 0)]
    person.is_at(60.0, *range(200, 230, 5), speed_mps=speed_mps)
    person.is_at(-140.0 + 100, 230, **wild)
    person.is_at(60.0, *range(235, 265, 5), speed_mps=speed_mps)
    assert person.told() == [(True, 0), (False, 200)]
    person.is_at(-60.0, 270, **wild)
    person.is_at(60.0, *range(275, 500, 5), speed_mps=speed_mps)
    person.waits(5000)
    assert person.told() == [(True, 0), (False, 200)]


def test_a_jump_that_the_told_speed_denies_is_rejected() -> None:
    """200 m in 5 s at a walk; a car may."""
    person = Person()
    person.is_at(-60.0, 0, 5, speed_mps=1.2)
    assert person.is_at(140.0, 10, accuracy_m=1.7, speed_mps=1.2).reason is Reason.jump
    assert person.is_at(140.0, 11, accuracy_m=1.7, speed_mps=30.0).reason is None


def test_nobody_moves_faster_than_the_most() -> None:
    """By what a fix says, and by where it lies after the last; in time the way is possible."""
    person = Person()
    person.is_at(-60.0, 0, 5)
    assert person.is_at(-60.0, 6, speed_mps=80.0).reason is Reason.too_fast
    assert person.is_at(3000.0, 10).reason is Reason.too_fast
    assert person.is_at(3000.0, 50).reason is None


def test_a_wrong_fix_that_was_believed_does_not_lock_out_the_right_ones() -> None:
    """The right ones fit those before it."""
    person = Person()
    person.is_at(-60.0, 0, 5, speed_mps=1.0)
    person.is_at(140.0, 10)
    assert person.is_at(-60.0, 15, speed_mps=1.0).reason is None


def test_between_the_two_radii_somebody_stays_what_they_are() -> None:
    """15 m outside: who is in is not out, who is out is not in."""
    outside = Person()
    outside.is_at(15.0, *range(0, 300, 5))
    assert outside.phase() is Phase.near
    inside = Person()
    inside.comes()
    inside.is_at(15.0, *range(65, 2000, 5))
    assert inside.told() == []
    assert inside.phase() is Phase.inside


def test_who_stays_outside_for_the_dwell_left_when_first_seen_there() -> None:
    """Then, and not before; back within it they never left."""
    person = Person()
    person.comes()
    person.is_at(30.0, *range(100, 130, 5))
    assert person.phase() is Phase.pending_out
    person.is_at(-30.0, 130, 135)
    assert person.phase() is Phase.inside
    person.is_at(30.0, *range(200, 260, 5))
    assert person.told() == []
    judged = person.is_at(30.0, 260)
    assert judged.turns == ((False, at(200), Source.gps, Confidence.high),)
    assert person.phase() is Phase.left
    person.is_at(-60.0, *range(300, 365, 5))
    assert person.told() == [(False, 200), (True, 300)]


def test_a_large_fence_is_left_at_a_tenth_of_its_radius() -> None:
    """1,000 m: 60 m outside is not outside yet."""
    person = Person(ground_of(venue(Circle(MIDDLE, 1000.0))))
    person.is_at(500.0, *range(0, 65, 5))
    person.is_at(960.0, *range(100, 300, 5))
    assert person.told() == [(True, 0)]
    person.is_at(1010.0, *range(300, 365, 5))
    assert person.told() == [(True, 0), (False, 300)]


def test_a_fix_that_may_as_well_be_inside_ends_no_visit() -> None:
    """40 m out and off by 60."""
    person = Person()
    person.comes()
    person.is_at(40.0, *range(100, 300, 5), accuracy_m=60.0)
    assert person.told() == []


def test_a_fix_that_may_as_well_be_outside_must_dwell_twice() -> None:
    """20 m in and off by 30; one that is sure shortens it."""
    person = Person()
    person.is_at(-20.0, *range(0, 120, 5), accuracy_m=30.0)
    assert person.told() == []
    person.is_at(-20.0, 120, accuracy_m=30.0)
    assert person.told() == [(True, 0)]
    other = Person()
    other.is_at(-20.0, 0, 5, 10, accuracy_m=30.0)
    other.is_at(-40.0, 15)
    other.is_at(-20.0, *range(20, 80, 5), accuracy_m=30.0)
    assert other.told() == [(True, 0)]
    assert other.last.state.inside_ms == at(75)


def test_who_is_hardly_inside_came_when_the_second_fix_said_so() -> None:
    """Less than half as far in as the fixes may be off; whoever is further in, when the first did."""
    person = Person()
    person.is_at(-10.0, 0, 10, accuracy_m=30.0)
    person.is_at(-40.0, *range(20, 85, 5))
    assert person.told() == [(True, 10)]
    likely = Person()
    likely.is_at(-16.0, 0, 10, accuracy_m=30.0)
    likely.is_at(-40.0, *range(20, 85, 5))
    assert likely.told() == [(True, 0)]


def test_an_inaccurate_fix_counts_only_far_from_the_border() -> None:
    """150 m at 90 m inside says nothing; at 2 km outside it does."""
    person = Person()
    person.is_at(-90.0, 0)
    before = pack(person.state)
    assert person.is_at(-90.0, 5, accuracy_m=150.0).reason is Reason.inaccurate
    assert pack(person.state) == before
    assert Person().is_at(2000.0, 5, accuracy_m=150.0).reason is None


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ({"lat": nan}, Reason.malformed),
        ({"lat": inf}, Reason.malformed),
        ({"lat": 90.001}, Reason.malformed),
        ({"lat": -91.0}, Reason.malformed),
        ({"lon": nan}, Reason.malformed),
        ({"lon": 180.5}, Reason.malformed),
        ({"lon": -inf}, Reason.malformed),
        ({"accuracy_m": nan}, Reason.malformed),
        ({"accuracy_m": inf}, Reason.malformed),
        ({"accuracy_m": -1.0}, Reason.malformed),
        ({"speed_mps": nan}, Reason.malformed),
        ({"speed_mps": inf}, Reason.malformed),
        ({"speed_mps": 300.0}, Reason.too_fast),
        ({"mock": True}, Reason.mocked),
        ({"at_ms": START + 130_001}, Reason.future),
        ({"at_ms": START + 100_000 - 1_800_001}, Reason.ancient),
        ({"at_ms": START - 1}, Reason.closed),
        ({"at_ms": START + 60_000}, Reason.out_of_order),
    ],
)
def test_a_bad_fix_leaves_everything_as_it_was_and_says_why(
    told: dict[str, Any], reason: Reason
) -> None:
    """To the byte, and what is due stays due."""
    person = Person()
    person.comes()
    before, due = person.state, person.last.due_ms
    good = {"lat": MIDDLE.lat, "lon": MIDDLE.lon, "accuracy_m": 8.0, "at_ms": START + 100_000}
    judged = person.says(Fix(**(good | told)), now_ms=START + 100_000)
    assert (judged.reason, judged.turns, judged.due_ms) == (reason, (), due)
    assert judged.state is before


def test_a_phone_that_does_not_know_its_speed_is_believed() -> None:
    """Some say -1 then; and an accuracy of 0 is what emulators say."""
    person = Person()
    assert person.is_at(-60.0, 0, speed_mps=-1.0, accuracy_m=0.0).reason is None


def test_silence_after_coming_in_is_a_dwell_too() -> None:
    """Phones that lie still send nothing: a whole dwell after the last fix they came, unless it moved."""
    person = Person()
    judged = person.is_at(-50.0, 0, 20)
    assert judged.due_ms == at(80)
    assert person.waits(79.9).turns == ()
    assert person.waits(80).turns == ((True, at(0), Source.gps, Confidence.medium),)


def test_silence_after_driving_in_tells_nothing() -> None:
    """More than 4 m/s towards or away from the border, between any two of the last fixes."""
    person = Person()
    person.is_at(-20.0, 0)
    person.is_at(-60.0, 5)
    assert person.is_at(-62.0, 10).due_ms is None
    person.waits(800)
    assert person.told() == []


def test_silence_tells_nothing_if_the_last_two_fixes_disagree() -> None:
    """Neither of coming nor of going."""
    person = Person()
    person.is_at(-30.0, 0, 30)
    assert person.is_at(40.0, 55).due_ms is None
    assert person.waits(600).turns == ()
    again = Person()
    again.is_at(-25.0, 0, 15)
    again.is_at(25.0, 30)
    assert again.is_at(-25.0, 50).due_ms is None
    assert again.phase() is Phase.pending_in
    inside = Person()
    inside.comes()
    inside.is_at(40.0, 120, 150)
    inside.is_at(-40.0, 175)
    assert inside.phase() is Phase.pending_out
    assert inside.waits(400).turns == ()


def test_the_next_fix_counts_what_fell_due_before_it() -> None:
    """A batch that comes late is judged as if it had come in time."""
    person = Person()
    person.is_at(-50.0, 0, 20)
    person.is_at(60.0, 300, 305, 310)
    assert person.told() == [(True, 0)]
    person.is_at(60.0, 370)
    assert person.told() == [(True, 0), (False, 300)]


def test_who_falls_silent_left_when_last_known_inside() -> None:
    """15 minutes later, by the clock or by whatever comes after."""
    person = Person()
    person.comes()
    judged = person.is_at(10.0, 70)
    assert judged.due_ms == at(70 + 900)
    assert person.waits(969.9).turns == ()
    assert person.waits(970).turns == ((False, at(70), Source.silence, Confidence.low),)
    late = Person()
    late.comes()
    late.is_at(-50.0, 2000)
    assert late.told() == [(False, 60)]


def test_one_fix_outside_is_no_evidence_of_being_inside() -> None:
    """Silence counts from the one before."""
    person = Person()
    person.comes()
    person.is_at(-50.0, 70)
    assert person.is_at(50.0, 80).due_ms == at(70 + 900)
    late = Person()
    late.comes()
    late.is_at(50.0, 955)
    late.is_at(-50.0, 962)
    assert late.told() == [(False, 60)]


def test_going_and_then_silence_is_going() -> None:
    """A dwell after the last fix outside, not 15 minutes."""
    person = Person()
    person.comes()
    judged = person.is_at(50.0, 100, 110)
    assert judged.due_ms == at(170)
    assert person.waits(170).turns == ((False, at(100), Source.gps, Confidence.medium),)


def test_votes_too_old_to_be_of_the_same_stay_do_not_count() -> None:
    """Two fixes inside that are further apart than silence."""
    person = Person()
    person.is_at(-50.0, 0, 1000)
    assert (person.phase(), person.told()) == (Phase.near, [])


@pytest.mark.parametrize("is_first", [True, False])
def test_region_monitoring_and_one_fix_are_enough(is_first: bool) -> None:
    """In either order, after the dwell, with little confidence; to go as well."""
    person = Person()
    crossing = Crossing(ROOM, True, at(10))
    if is_first:
        person.says(crossing)
        assert (person.phase(), person.last.due_ms) == (Phase.near, None)
        judged = person.is_at(-20.0, 30)
    else:
        person.is_at(-20.0, 5)
        judged = person.says(crossing)
    assert person.phase() is Phase.pending_in
    assert judged.due_ms is not None
    turns = person.waits((judged.due_ms - START) / 1000).turns
    assert [(turn.source, turn.confidence) for turn in turns] == [(Source.region, Confidence.low)]
    person.says(Crossing(ROOM, False, at(300)))
    assert person.phase() is Phase.inside
    person.is_at(50.0, 310)
    assert person.phase() is Phase.pending_out
    assert person.waits(370).turns[0].at_ms == at(300)


def test_region_monitoring_alone_makes_no_edge() -> None:
    """However often it says so; and it is of one event."""
    person = Person()
    for second in range(0, 800, 50):
        person.says(Crossing(ROOM, True, at(second)))
    person.waits(3000)
    assert person.told() == []
    other = Crossing(RoomId(UUID(int=8)), True, at(900))
    assert person.says(other).reason is Reason.malformed


def test_the_end_of_the_event_ends_every_visit_then() -> None:
    """Whatever is pending; afterwards nothing counts."""
    person = Person()
    person.comes()
    person.is_at(-50.0, *range(600, 14_000, 600), 14_390)
    assert person.last.due_ms == END
    assert person.waits(14_399).turns == ()
    assert person.waits(14_700).turns == ((False, END, Source.closing, Confidence.medium),)
    assert person.says(fix(-50.0, 14_399), now_ms=END).reason is Reason.closed


def test_nobody_comes_by_a_dwell_that_the_end_cuts_short() -> None:
    """Inside for the last half minute."""
    person = Person()
    person.is_at(-50.0, 14_360, 14_370)
    assert person.last.due_ms is None
    person.waits(15_000)
    assert person.told() == []


def test_a_fence_that_moved_ends_the_visit_and_forgets_the_rest() -> None:
    """Now, by time or by the next fix, and nothing said under the old one counts."""
    moved = ground_of(venue(fence_version=2, version=2))
    person = Person()
    person.comes()
    person.ground = moved
    assert person.waits(100).turns == ((False, at(100), Source.moved, Confidence.medium),)
    assert (person.phase(), person.state.votes) == (Phase.left, ())
    other = Person()
    other.comes()
    other.ground = moved
    other.is_at(-50.0, *range(100, 165, 5))
    assert other.told() == [(False, 100), (True, 100)]
    pending = Person()
    pending.is_at(-50.0, 0, 5)
    pending.ground = moved
    pending.is_at(-50.0, 60)
    assert (pending.phase(), pending.told()) == (Phase.near, [])


def test_who_is_vouched_for_is_inside_at_once_and_silence_does_not_end_it() -> None:
    """Fixes outside do, and so does their word."""
    person = Person()
    judged = person.says(Claim(True, at(0), Source.qr))
    assert judged.turns == ((True, at(0), Source.qr, Confidence.high),)
    assert judged.due_ms == END
    assert person.waits(10_000).turns == ()
    person.is_at(50.0, *range(10_000, 10_065, 5))
    assert person.told() == [(True, 0), (False, 10_000)]
    person.says(Claim(True, at(10_100), Source.hand))
    person.says(Claim(False, at(10_200), Source.host))
    assert person.told()[2:] == [(True, 10_100), (False, 10_200)]


def test_a_host_lets_nobody_in_before_doors_open() -> None:
    """As visit_v1 has it, but for what two clocks may differ by: Postgres has taken it. And not after the end."""
    early = Person().says(Claim(True, at(-31), Source.host), now_ms=at(-31))
    assert (early.reason, early.turns) == (Reason.closed, ())
    person = Person()
    person.says(Claim(True, at(-5), Source.host))
    assert person.told() == [(True, -5)]
    assert Person().says(Claim(True, END, Source.host)).reason is Reason.closed


def test_a_claim_twice_is_one_edge() -> None:
    """And one of somebody inside by fixes makes none, but then silence no longer ends it."""
    person = Person()
    person.comes()
    assert person.says(Claim(True, at(70), Source.qr)).turns == ()
    assert person.last.due_ms == END
    assert len(person.says(Claim(False, at(80), Source.hand)).turns) == 1
    assert person.says(Claim(False, at(90), Source.hand)).turns == ()


def test_fixes_from_before_a_claim_do_not_speak_against_it() -> None:
    """The walk to the door, sent after the QR code was read there."""
    person = Person()
    person.says(Claim(True, at(300), Source.qr))
    for second in range(100, 300, 5):
        judged = person.says(fix(60.0, second), now_ms=at(310))
        assert judged.reason is Reason.out_of_order
    assert person.told() == [(True, 300)]


def test_who_went_by_hand_comes_back_by_fixes_only_from_outside() -> None:
    """They are still in the room when they say so."""
    person = Person()
    person.comes()
    person.says(Claim(False, at(70), Source.hand))
    person.is_at(-50.0, *range(75, 500, 5))
    person.is_at(60.0, 500)
    person.is_at(-50.0, *range(505, 800, 5))
    assert person.told() == [(False, 70)]
    person.is_at(60.0, 800, 803)
    person.is_at(10.0, 806)
    person.is_at(-50.0, *range(810, 875, 5))
    assert person.told() == [(False, 70), (True, 810)]


def test_edges_never_run_back_in_time() -> None:
    """Told to have left now, then a late batch shows them inside earlier: they came back when they had left."""
    moved = ground_of(venue(fence_version=2, version=2))
    person = Person()
    person.comes()
    person.ground = moved
    person.waits(400)
    for second in range(200, 300, 5):
        person.says(fix(-50.0, second), now_ms=at(420))
    assert person.told() == [(False, 400), (True, 400)]


def test_terms_decide() -> None:
    """One of one fix, no dwell: the first fix is an edge."""
    person = Person(terms=Terms(dwell_ms=0, fixes_needed=1, fixes_looked_at=1))
    person.is_at(-50.0, 0)
    person.is_at(50.0, 5)
    assert person.told() == [(True, 0), (False, 5)]


def test_nothing_is_due_for_who_is_nowhere() -> None:
    """And asking changes nothing."""
    person = Person()
    assert person.waits(100) == Judgement(NOWHERE)
    assert person.is_at(60.0, 0).due_ms is None


def test_judging_is_a_function_of_what_is_passed_in() -> None:
    """Twice the same is twice the same, and the state passed in is not changed."""
    person = Person()
    person.comes()
    before = pack(person.state)
    evidence: Evidence = fix(50.0, 100)
    once = judge(person.state, evidence, person.ground, person.terms, at(100))
    again = judge(person.state, evidence, person.ground, person.terms, at(100))
    assert once == again
    assert pack(person.state) == before
