"""The gate's buckets, the places of those it turns away, and the plan of a drain: all pure."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from muster.bucket import Rate
from realtime.accept import BAD_TOKEN_COST, CROWD, Bounds, Gate
from realtime.departure import STEP_S, Departure
from realtime.waitlist import (
    JITTER_S,
    LEAST_SPREAD_S,
    MOST_S,
    MOST_SPREAD_S,
    SHARE,
    Waitlist,
    spread_ms,
)

AUTHS = Rate(100.0, 50.0)


def _gate(**bounds: object) -> Gate:
    gate = Gate(Bounds(**{"auths": AUTHS} | bounds), Random(1))  # type: ignore[arg-type]  # what a test is about
    gate.ready = True
    return gate


def test_a_storm_is_let_in_at_the_rate_by_being_told_when_to_come() -> None:
    """Everybody who obeys is in after hardly more time than the rate needs, and is turned away once, seldom more."""
    gate, people = _gate(), 1_000
    coming = [(index * 1e-4, index, 0) for index in range(people)]
    tries: dict[int, int] = {}
    let_in: list[float] = []
    while coming:
        coming.sort(reverse=True)
        now, person, tried = coming.pop()
        refusal = gate.authenticate(str(person), now)
        if refusal is None:
            let_in.append(now)
            tries[person] = tried
        else:
            coming.append((now + refusal.retry_after_ms / 1_000, person, tried + 1))
    needed_s = (people - AUTHS.burst) / AUTHS.per_s
    assert max(let_in) < needed_s / SHARE + 2 * JITTER_S
    assert sum(tries.values()) / people < 1.2
    assert gate.turned_away == {"auths": sum(tries.values())}


@given(st.lists(st.floats(0, 0.1), min_size=1, max_size=2_000), st.integers(0, 2**32))
def test_a_pause_is_never_beyond_its_bound_nor_before_there_is_room(
    steps: list[float], seed: int
) -> None:
    """However many are turned away: at least as long as the bucket needs, at most the bound."""
    waitlist, now = Waitlist(50.0, Random(seed)), 1_000.0
    for step in steps:
        now += step
        pause_s = waitlist.pause_ms(now, 0.02) / 1_000
        assert 0.02 < pause_s <= MOST_S + 0.002


def test_those_beyond_the_bound_are_spread_and_take_no_place() -> None:
    """A queue of minutes is not dealt out: later ones come spread over half the bound, and the queue can drain."""
    waitlist = Waitlist(10.0, Random(1))
    pauses_s = [waitlist.pause_ms(0.0, 0.0) / 1_000 for _ in range(2_000)]
    late = pauses_s[int(MOST_S * 10 * SHARE) :]
    assert min(late) >= MOST_S / 2
    assert max(late) <= MOST_S
    assert len({round(pause_s) for pause_s in late}) > 10
    assert waitlist.pause_ms(MOST_S, 0.0) < 1_000


def test_each_reason_is_counted_under_its_own_name() -> None:
    """Starting, full, too many of one address, both buckets, leaving: few words, for a metric's label."""
    gate = _gate(sockets=2, nameless_per_peer=1, accepts=Rate(1.0, 1.0), auths=Rate(1.0, 1.0))
    gate.ready = False
    assert gate.upgrade("a", 0.0, welcome=True) is not None
    gate.ready = True
    assert gate.came("a")
    assert gate.upgrade("a", 0.0, welcome=True) is None
    assert gate.upgrade("b", 0.0, welcome=True) is not None
    assert gate.authenticate("a", 0.0) is None
    assert gate.authenticate("a", 0.0) is not None
    assert not gate.came("a")
    assert gate.upgrade("a", 0.0, welcome=False) is not None
    assert not gate.came("c")
    assert gate.upgrade("c", 0.0, welcome=False) is not None
    gate.leaving = True
    assert gate.upgrade("d", 9.0, welcome=True) is not None
    reasons = ("starting", "accepts", "auths", "nameless", "full", "leaving")
    assert gate.turned_away == dict.fromkeys(reasons, 1)


def test_a_flood_of_bad_tokens_costs_a_tenth_and_leaves_half_for_others() -> None:
    """Tokens that are not good take less than people do, and one address never the whole burst."""
    gate = _gate(auths=Rate(1.0, 100.0))
    for _ in range(CROWD + 1):
        gate.came("flood")
    bad = 0
    while gate.authenticate("flood", 0.0) is None:
        gate.bad_token()
        bad += 1
    assert bad == int(50 / BAD_TOKEN_COST) - int(1 / BAD_TOKEN_COST) + 1
    others = sum(gate.authenticate(f"other {n}", 0.0) is None for n in range(100))
    assert others == 50


def test_what_clients_spread_over_follows_how_many_there_are() -> None:
    """Few come soon; many take their time, within bounds."""
    assert spread_ms(10, 800.0, 1_000.0) == LEAST_SPREAD_S * 1_000
    assert spread_ms(2_200, 800.0, 1_000.0) == 1_500
    assert spread_ms(20_000, 800.0, 1_000.0) == MOST_SPREAD_S * 1_000


@given(st.integers(0, 20_000), st.floats(10, 5_000), st.floats(0, 30), st.integers(0, 2**32))
def test_a_drain_ends_in_time_and_nobody_returns_faster_than_they_are_let_in(
    sockets: int, per_s: float, within_s: float, seed: int
) -> None:
    """All are told within the time, and no second brings more of them back than the rate, and the jitter."""
    departure, chance = Departure(sockets, per_s, within_s), Random(seed)
    told, elapsed_s = 0, 0.0
    returns: list[float] = []
    while told < sockets:
        assert elapsed_s <= within_s + STEP_S
        due = departure.due(elapsed_s)
        for number in range(told, due):
            pause_ms = departure.pause_ms(number, elapsed_s, chance.random())
            assert 0 < pause_ms <= MOST_S * 1_000 + 1
            returns.append(elapsed_s + pause_ms / 1_000)
        told = max(told, due)
        elapsed_s += STEP_S
    if departure.spread_s < MOST_S:
        window_s = 1.0 + JITTER_S + 2 * STEP_S
        returns.sort()
        most, first = 0, 0
        for last, at in enumerate(returns):
            while at - returns[first] > 1.0:
                first += 1
            most = max(most, last - first + 1)
        assert most <= per_s * window_s + 1


def test_where_time_suffices_everybody_is_served_until_another_hub_has_room() -> None:
    """Ten seconds' worth of people leave over ten seconds, each back within a moment."""
    departure = Departure(4_500, 500.0, 25.0)
    assert departure.sending_s == departure.spread_s == 10.0
    assert 2_200 < departure.due(5.0) < 2_300
    assert departure.pause_ms(2_250, 5.0, 1.0) <= JITTER_S * 1_000 + 1
    assert Departure(0, 500.0, 25.0).due(0.0) == 0
