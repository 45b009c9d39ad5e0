"""Devices -> a person's state -> what somebody else is shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster.presence import (
    OFFLINE,
    PLAIN,
    Attention,
    Device,
    Profile,
    Record,
    Told,
    counts,
    joined,
    may_see,
    merged,
    packed,
    rounded,
    shown,
    told,
    unpacked,
)
from muster.privacy import PrivacyCircle

NOW = 1_767_225_600_000
HOUR = 3_600_000
IDS = st.sampled_from([bytes([n]) * 16 for n in range(4)])
DEVICE = st.builds(Device, IDS, st.sampled_from(Attention), st.integers(0, 3), st.none() | IDS)
# A generation says one thing of a device at one moment.
NOTIONS = st.dictionaries(IDS, DEVICE).map(
    lambda notion: {d: c._replace(attention=Attention.active, room=None) for d, c in notion.items()}
)


@given(NOTIONS, NOTIONS, NOTIONS)
def test_merges_commute(
    one: dict[bytes, Device], two: dict[bytes, Device], three: dict[bytes, Device]
) -> None:
    """In whatever order and however often notions of somebody's devices meet, one thing comes of it."""
    assert joined(one, two) == joined(two, one)
    assert joined(joined(one, two), three) == joined(one, joined(two, three))
    assert joined(one, one) == one


@given(st.lists(DEVICE), st.randoms())
def test_a_person_does_not_depend_on_the_order_of_their_devices(
    devices: list[Device], random: object
) -> None:
    """Nor on how often one is counted."""
    shuffled = devices * 2
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert merged(shuffled) == merged(devices)


def test_a_person_is_as_attentive_as_their_most_attentive_device() -> None:
    """Active before idle before background, and out only without any."""
    at = [Device(b"", attention, 1) for attention in Attention]
    assert merged(at)[0] is Attention.active
    assert merged(at[1:])[0] is Attention.idle
    assert merged(at[2:])[0] is Attention.background
    assert merged([]) == (None, ())


def test_only_an_active_device_looks_at_a_room() -> None:
    """Who has put the phone away looks at nothing."""
    looking = Device(b"", Attention.active, 1, b"r" * 16)
    assert merged([looking])[1] == (b"r" * 16,)
    assert merged([looking._replace(attention=Attention.idle)])[1] == ()


@pytest.mark.parametrize(
    ("circle", "stranger", "mate", "contact"),
    [
        (PrivacyCircle.everyone, True, True, True),
        (PrivacyCircle.room_mates, False, True, True),
        (PrivacyCircle.contacts, False, False, True),
        (PrivacyCircle.nobody, False, False, False),
    ],
)
def test_circles(circle: PrivacyCircle, stranger: bool, mate: bool, contact: bool) -> None:
    """Each holds those after it."""
    assert may_see(circle, contact=False, mates=False) is stranger
    assert may_see(circle, contact=False, mates=True) is mate
    assert may_see(circle, contact=True, mates=False) is contact


def test_who_may_not_be_seen_looks_like_who_is_not_there() -> None:
    """The very same answer: not allowed, invisible, offline."""
    there = Record(Attention.active, (), Profile(1, text="hi", text_until_ms=NOW + 1))
    assert told(there, NOW, allowed=True) == Told("active", 0, "hi", "", NOW + 1)
    assert told(there, NOW, allowed=False) == OFFLINE
    hidden = there._replace(profile=Profile(1, invisible=True, text="hi", text_until_ms=NOW + 1))
    assert told(hidden, NOW, allowed=True) == OFFLINE
    assert told(Record(None, (), PLAIN), NOW, allowed=True) == OFFLINE
    assert shown(hidden.attention, hidden.profile, NOW).state == "active", "to oneself"


def test_status_and_do_not_disturb_end_by_themselves() -> None:
    """Nobody has to take them back."""
    profile = Profile(1, busy_until_ms=NOW + 5, text="lunch", emoji="🍜", text_until_ms=NOW + 9)
    record = Record(Attention.idle, (), profile)
    assert told(record, NOW, allowed=True) == Told("idle", NOW + 5, "lunch", "🍜", NOW + 9)
    assert told(record, NOW + 5, allowed=True) == Told("idle", 0, "lunch", "🍜", NOW + 9)
    assert told(record, NOW + 9, allowed=True) == Told("idle")


def test_who_wants_to_be_seen_by_nobody_is_not_counted_either() -> None:
    """A number gives away nobody who said so."""
    there = Record(Attention.background, (), PLAIN)
    assert counts(there)
    assert not counts(there._replace(attention=None))
    assert not counts(there._replace(profile=Profile(invisible=True)))
    assert not counts(there._replace(profile=Profile(circle=PrivacyCircle.nobody)))


@given(st.integers(0, 2**40), st.integers(0, 2**40))
def test_last_seen_is_never_later_than_it_was_and_coarser_with_age(age: int, seen: int) -> None:
    """Five minutes within the hour, an hour within the day, then the day."""
    step = 300_000 if age < HOUR else HOUR if age < 24 * HOUR else 24 * HOUR
    at = rounded(seen, seen + age)
    assert at <= seen < at + step
    assert at % step == 0


@given(
    st.builds(
        Profile,
        version=st.integers(0, 2**53 - 1),
        circle=st.sampled_from(PrivacyCircle),
        invisible=st.booleans(),
        text=st.text(),
    )
)
def test_profiles_travel_and_newer_ones_compare_greater(profile: Profile) -> None:
    """As bytes, so that whoever carries them need not read them."""
    assert unpacked(packed(profile)) == profile
    assert packed(profile)[:16] == b"%016d" % profile.version


def test_a_profile_nobody_here_can_read_shows_nothing() -> None:
    """Written by a release that is not ours: privacy first."""
    assert unpacked(b"0" * 16 + b"\xc1").invisible
    assert unpacked(b"").invisible


def test_newer_claims_win() -> None:
    """By when the socket came, not by who speaks last."""
    early, late = Device(b"b", Attention.active, 1), Device(b"a", Attention.idle, 2)
    assert joined({b"d": late}, {b"d": early})[b"d"] is late
