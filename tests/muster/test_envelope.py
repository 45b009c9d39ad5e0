"""The claims of the envelope: what is sealed opens only where it was sealed, under keys that are known."""

from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from muster.clock import SystemClock
from muster.envelope import STALE_S, Envelope, OpenKey, key_of
from muster.errors import Refused
from muster.ids import SystemRandom
from muster.sealer import Field, Unsealable
from tests.fixtures.sealing import JumpingClock, envelope

TOKEN, OTHER = Field("push_devices", "token_sealed"), Field("people", "email_sealed")
ROW = b"r" * 16


@given(st.binary(max_size=300), st.binary(min_size=16, max_size=16))
def test_what_is_sealed_opens_in_its_place(plain: bytes, row: bytes) -> None:
    """Twice the same is sealed differently, and names its key."""
    sealer = envelope(2, 7)
    one, two = (sealer.seal(plain, TOKEN, row) for _ in range(2))
    assert one != two
    assert key_of(one) == sealer.current == 7
    assert sealer.open(one, TOKEN, row) == sealer.open(two, TOKEN, row) == plain
    if len(plain) > 3:
        assert plain not in one


def test_what_is_moved_to_another_row_column_or_table_does_not_open() -> None:
    """Nobody who writes to the database gives somebody else's value to a row of theirs."""
    sealer = envelope()
    sealed = sealer.seal(b"value", TOKEN, ROW)
    elsewhere = [
        (TOKEN, b"s" * 16),
        (TOKEN, b""),
        (Field("push_devices", "token"), ROW),
        (Field("people", "token_sealed"), ROW),
        (Field("push_devices|token_sealed", ""), ROW),
    ]
    for field, row in elsewhere:
        with pytest.raises(Unsealable):
            sealer.open(sealed, field, row)
    assert sealer.open(sealed, TOKEN, ROW) == b"value"


def test_no_bit_may_be_changed() -> None:
    """Version, key id, nonce, ciphertext and tag are all bound; what is cut short is refused too."""
    sealer = envelope(2, 3)
    sealed = sealer.seal(b"value", TOKEN, ROW)
    spoilt = [
        sealed[:at] + bytes([sealed[at] ^ 1 << bit]) + sealed[at + 1 :]
        for at in range(len(sealed))
        for bit in range(8)
    ]
    for each in [*spoilt, b"", sealed[:10], sealed[:-1], sealed + b"x"]:
        with pytest.raises(Unsealable):
            sealer.open(each, TOKEN, ROW)


def test_a_blind_value_is_the_same_for_one_field_and_tells_nothing_of_another() -> None:
    """What two processes make of a value is the same; of another field it is not."""
    one, two = envelope(2), envelope(3)
    assert one.blind(b"value", TOKEN) == two.blind(b"value", TOKEN)
    assert len(one.blind(b"value", TOKEN)) == 32
    assert one.blind(b"value", TOKEN) != one.blind(b"value", OTHER)
    assert one.blind(b"value", TOKEN) != one.blind(b"valuf", TOKEN)


def test_an_unknown_key_is_an_alarm_and_makes_the_process_look() -> None:
    """It is counted apart from what is damaged."""
    registry = CollectorRegistry()
    sealer = Envelope(SystemClock(), SystemRandom(), registry)
    sealer.learn([OpenKey(2, AESGCM(b"k" * 32), 0.0)], b"b" * 32)
    with pytest.raises(Unsealable):
        sealer.open(envelope(9).seal(b"value", TOKEN, ROW), TOKEN, ROW)
    assert sealer.wanted.is_set()
    with pytest.raises(Unsealable):
        sealer.open(b"\x01" * 50, TOKEN, ROW)
    with pytest.raises(Unsealable):
        sealer.open(b"\x02" * 50, TOKEN, ROW)
    counted = {
        why: registry.get_sample_value("muster_seals_unopened_total", {"why": why})
        for why in ("unknown_key", "damaged")
    }
    assert counted == {"unknown_key": 2.0, "damaged": 1.0}


def test_who_has_not_looked_for_long_says_later_instead_of_never() -> None:
    """A process that stood still does not take a key that all others know for a lost one."""
    clock = JumpingClock()
    sealer = Envelope(clock, SystemRandom(), CollectorRegistry())
    sealed = envelope(9).seal(b"value", TOKEN, ROW)
    asks: list[Callable[[], bytes]] = [
        lambda: sealer.seal(b"value", TOKEN, ROW),
        lambda: sealer.blind(b"value", TOKEN),
        lambda: sealer.open(sealed, TOKEN, ROW),
    ]
    for ask in asks:
        with pytest.raises(Refused) as refused:
            ask()
        assert refused.value.temporary
    sealer.learn([OpenKey(2, AESGCM(b"k" * 32), 0.0)], b"b" * 32)
    with pytest.raises(Unsealable):
        sealer.open(sealed, TOKEN, ROW)
    clock.jump(STALE_S + 1)
    with pytest.raises(Refused) as refused:
        sealer.open(sealed, TOKEN, ROW)
    assert refused.value.temporary


def test_a_new_key_seals_when_its_time_has_come() -> None:
    """Until then it opens alone."""
    clock = JumpingClock()
    sealer = Envelope(clock, SystemRandom(), CollectorRegistry())
    ciphers = {id_: AESGCM(bytes([id_]) * 32) for id_ in (2, 3)}
    keys = [OpenKey(2, ciphers[2], 0.0), OpenKey(3, ciphers[3], clock.monotonic() + 60)]
    sealer.learn(keys, b"b" * 32)
    assert sealer.current == 2
    assert sealer.open(envelope(3).seal(b"value", TOKEN, ROW), TOKEN, ROW) == b"value"
    clock.jump(60)
    assert key_of(sealer.seal(b"value", TOKEN, ROW)) == 3
