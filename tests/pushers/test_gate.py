"""What may leave: the breaker, the provider's pauses, rates; with a clock that the test moves."""

from __future__ import annotations

import random

from muster.bucket import Rate
from pushers.gate import APPS_MOST, CREDENTIALS, Gate, Rates
from pushers.outcome import CredentialFault, Delivered, Rejected, TokenDead, TryLater

FREE = Rates(Rate(1e9, 1e9), Rate(1e9, 1e9))
FIRST_S, PROBE_WITHIN_S = CREDENTIALS.first_s, CREDENTIALS.probe_within_s
FAULT = CredentialFault("InvalidProviderToken")


class Clock:
    """Stands until it is moved."""

    def __init__(self) -> None:
        self.now_s = 1_000.0

    def now_ms(self) -> int:
        return int(self.now_s * 1000)

    def monotonic(self) -> float:
        return self.now_s


def gate_of(rates: Rates = FREE) -> tuple[Gate, Clock]:
    """A gate and its clock."""
    clock = Clock()
    return Gate(rates, clock, random.Random(1)), clock


def test_a_credential_fault_holds_everything_of_its_app_back_and_nothing_else() -> None:
    """Each push is told the fault without being sent; another app goes on."""
    gate, _ = gate_of()
    assert gate.admit("app", 1) is None
    assert gate.heard("app", FAULT) == FAULT
    assert gate.open_breakers == 1
    assert [gate.admit("app", device) for device in range(3)] == [FAULT] * 3
    assert gate.admit("other", 1) is None


def test_one_probe_is_let_through_and_its_success_opens_the_gate() -> None:
    """After the pause exactly one goes; while nothing is heard of it nobody else does."""
    gate, clock = gate_of()
    gate.heard("app", FAULT)
    clock.now_s += FIRST_S
    assert [gate.admit("app", device) for device in range(3)] == [None, FAULT, FAULT]
    assert gate.heard("app", Delivered()) == Delivered()
    assert (gate.open_breakers, gate.admit("app", 1)) == (0, None)


def test_a_probe_that_fails_makes_the_next_pause_longer() -> None:
    """And faults of pushes that had left before count once."""
    gate, clock = gate_of()
    for _ in range(50):
        gate.heard("app", FAULT)
    pauses = []
    for _ in range(5):
        began = clock.now_s
        while gate.admit("app", 1) is not None:
            clock.now_s += 1.0
        pauses.append(clock.now_s - began)
        gate.heard("app", FAULT)
    assert pauses[0] <= FIRST_S
    assert pauses[-1] > 4 * pauses[0]


def test_a_probe_that_says_nothing_of_credentials_is_followed_by_another() -> None:
    """Neither the network's failure nor a lost probe leaves the breaker stuck or opens it."""
    gate, clock = gate_of()
    gate.heard("app", FAULT)
    clock.now_s += FIRST_S
    assert gate.admit("app", 1) is None
    gate.heard("app", TryLater("deadline", ambiguous=True))
    assert gate.admit("app", 1) == FAULT
    clock.now_s += FIRST_S
    assert gate.admit("app", 1) is None  # of this one nothing is ever heard
    clock.now_s += PROBE_WITHIN_S
    assert gate.admit("app", 1) is None


def test_many_tokens_of_another_app_are_a_fault_of_ours() -> None:
    """Four of five of the last: no more tokens are condemned. A few among many are theirs."""
    gate, _ = gate_of()
    wrong = Rejected("DeviceTokenNotForTopic", mistoken=True)
    assert {gate.heard("few", wrong) for _ in range(20)} == {wrong}
    for _ in range(100):
        gate.heard("some", Delivered())
        assert gate.heard("some", wrong) == wrong
    told = [gate.heard("all", wrong) for _ in range(60)]
    assert told[:49] == [wrong] * 49
    assert told[49:] == [CredentialFault("mostly DeviceTokenNotForTopic")] * 11
    assert gate.admit("all", 1) == CredentialFault("mostly DeviceTokenNotForTopic")


def test_retry_after_pauses_the_whole_provider() -> None:
    """Every push, of every app, until it is over; what concerns a device or a push pauses nobody else."""
    gate, clock = gate_of()
    gate.heard("app", TryLater("UNAVAILABLE", 30.0, scope="device"))
    gate.heard("app", TryLater("UNAVAILABLE", 30.0))
    assert gate.paused_s == 0
    gate.heard("app", TryLater("UNAVAILABLE", 30.0, scope="provider"))
    gate.heard("app", TryLater("UNAVAILABLE", 10.0, scope="provider"))
    assert gate.admit("other", 1) == TryLater("paused", 30.0, scope="provider")
    clock.now_s += 30.0
    assert gate.admit("other", 1) is None


def test_a_device_and_an_app_have_their_rates() -> None:
    """Who rings too often waits; the others do not."""
    gate, clock = gate_of(Rates(device=Rate(1.0, 2.0), app=Rate(1.0, 4.0)))
    assert [gate.admit("app", 1) for _ in range(3)] == [
        None,
        None,
        TryLater("device_rate", 1.0, "device"),
    ]
    assert [gate.admit("app", 2), gate.admit("app", 3)] == [None, None]
    assert gate.admit("app", 4) == TryLater("app_rate", 1.0, "provider")
    assert gate.paused_s == 0
    clock.now_s += 1.0
    assert gate.admit("app", 1) is None


def test_a_dead_token_says_that_we_are_known() -> None:
    """It closes a breaker as a delivery does."""
    gate, clock = gate_of()
    gate.heard("app", FAULT)
    clock.now_s += FIRST_S
    gate.admit("app", 1)
    gate.heard("app", TokenDead("Unregistered", 5))
    assert gate.open_breakers == 0


def test_many_apps_are_bounded() -> None:
    """Topics come from devices, and so from strangers."""
    gate, _ = gate_of()
    for number in range(3 * APPS_MOST):
        gate.heard(number, FAULT)
    assert gate.open_breakers == APPS_MOST
