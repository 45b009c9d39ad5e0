"""When a hub believes what it reads, and when it may take another one's people out."""

from __future__ import annotations

from muster.roll import LEASE_MS, Peer, Register
from muster.tenure import SWEEP_AFTER_S, UNKNOWN_AFTER_S, Tenure

ME, OTHER = b"me", b"other"
NOW_MS = 1_000_000


def register(*peers: tuple[bytes, bytes, bool], expires_ms: int = NOW_MS + LEASE_MS) -> Register:
    return Register(NOW_MS, tuple(Peer(*peer, expires_ms) for peer in peers))


def settled(now: float = 0.0) -> Tenure:
    """A hub that has said everything, beside another."""
    tenure = Tenure(ME)
    tenure.entered(b"m1", register((ME, b"m1", False), (OTHER, b"o1", True)), now)
    tenure.said_all()
    tenure.renewed(register((ME, b"m1", True), (OTHER, b"o1", True)), now)
    return tenure


def test_nothing_is_told_before_everything_was_said() -> None:
    """A hub that begins has no part in the truth yet."""
    tenure = Tenure(ME)
    assert not tenure.may_tell(0.0)
    tenure.entered(b"m1", register((ME, b"m1", False)), 0.0)
    assert not tenure.may_tell(0.0)
    tenure.said_all()
    assert tenure.may_tell(0.0)


def test_a_redis_that_is_away_freezes_at_once_and_makes_unknown_later() -> None:
    """A hiccup is nobody's business."""
    tenure = settled()
    tenure.missed(1.0)
    assert not tenure.may_tell(1.1)
    assert not tenure.is_unknown(1.1)
    assert tenure.is_unknown(1.0 + UNKNOWN_AFTER_S)
    tenure.answered(20.0)
    assert tenure.may_tell(20.0)
    assert not tenure.is_unknown(20.0)


def test_after_a_loss_all_who_were_there_are_waited_for() -> None:
    """Their people would be offline until they have spoken."""
    tenure = settled()
    tenure.lost(1.0)
    tenure.entered(b"m2", register((ME, b"m2", False)), 1.2)
    tenure.said_all()
    tenure.renewed(register((ME, b"m2", True), (OTHER, b"o1", True)), 1.3)
    assert not tenure.may_tell(1.4), "that is what the other was before the loss"
    tenure.renewed(register((ME, b"m2", True), (OTHER, b"o2", False)), 1.5)
    assert not tenure.may_tell(1.6), "it is there, and has not said everything"
    tenure.renewed(register((ME, b"m2", True), (OTHER, b"o2", True)), 1.7)
    assert tenure.may_tell(1.8)


def test_who_does_not_come_back_is_waited_for_as_long_as_a_lease() -> None:
    """They died together with Redis' memory of them."""
    tenure = settled()
    tenure.lost(1.0)
    tenure.entered(b"m2", register((ME, b"m2", False)), 1.2)
    tenure.said_all()
    for second in range(2, 31):
        tenure.answered(float(second))
        assert not tenure.may_tell(float(second))
    tenure.answered(32.0)
    assert tenure.may_tell(32.0)


def test_a_loss_in_the_middle_of_recovering_does_not_forget_whom_to_wait_for() -> None:
    """Twice FLUSHALL in a second."""
    tenure = settled()
    tenure.lost(1.0)
    tenure.entered(b"m2", register((ME, b"m2", False)), 1.1)
    tenure.lost(1.2)
    tenure.entered(b"m3", register((ME, b"m3", False)), 1.3)
    tenure.said_all()
    assert tenure.is_awaiting
    assert not tenure.may_tell(1.4)


def test_only_who_was_in_touch_all_the_time_may_sweep() -> None:
    """A Redis that stood still for a minute goes on: all leases have run out, and all hubs live."""
    tenure = settled()
    for second in range(15):
        tenure.answered(float(second))
    assert tenure.may_sweep(14.0)
    tenure.answered(75.0)
    tenure.renewed(register((ME, b"m1", True), (OTHER, b"o1", True), expires_ms=NOW_MS - 1), 75.0)
    assert tenure.dead(75.0) == [b"o1"]
    assert not tenure.may_sweep(75.0)
    for second in range(76, 90):
        tenure.answered(float(second))
    assert tenure.may_sweep(75.0 + SWEEP_AFTER_S)


def test_a_lease_ends_by_redis_clock() -> None:
    """As it was when the register was last seen, and goes on since."""
    tenure = settled()
    assert tenure.dead(LEASE_MS / 1000 - 0.1) == []
    assert tenure.dead(LEASE_MS / 1000 + 0.1) == [b"o1"]
    assert tenure.redis_ms(2.5) == NOW_MS + 2_500


def test_a_fenced_hub_knows_nothing_until_it_has_entered_anew() -> None:
    """It slept, and its people were swept."""
    tenure = settled()
    tenure.fenced(50.0)
    assert tenure.generation is None
    assert not tenure.may_tell(50.0)
    tenure.entered(b"m2", register((ME, b"m2", False), (OTHER, b"o1", True)), 50.1)
    tenure.said_all()
    assert tenure.may_tell(50.2), "nobody else has to say anything again"
