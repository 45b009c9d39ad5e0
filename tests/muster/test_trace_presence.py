"""The sentence about somebody's presence names the cause that counts."""

from __future__ import annotations

import pytest

from muster.presence import Attention, Profile
from muster.privacy import PrivacyCircle
from muster.trace_presence import TracedDevice, conclude_presence

HELD = TracedDevice(b"d" * 16, Attention.idle, 1, "g", 20.0)
DEAD = HELD._replace(lease_s=-3.0)


@pytest.mark.parametrize(
    ("profile", "devices", "expected"),
    [
        (Profile(), None, "unknown"),
        (Profile(), [], "No device is in"),
        (Profile(), [DEAD, HELD._replace(lease_s=None)], "are gone"),
        (Profile(invisible=True), [HELD], "invisible"),
        (Profile(circle=PrivacyCircle.nobody), [HELD], "to nobody"),
        (Profile(), [HELD, DEAD._replace(attention=Attention.active)], "They are idle, and their"),
        (Profile(circle=PrivacyCircle.everyone), [HELD], "everybody may see it"),
    ],
)
def test_the_cause_that_counts_is_named(
    profile: Profile, devices: list[TracedDevice] | None, expected: str
) -> None:
    """Redis, then devices, then hubs, then what they want seen."""
    assert expected in conclude_presence(profile, devices, None)
