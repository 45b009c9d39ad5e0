"""Why is she shown as online, or not? What is known of somebody's presence, and the sentence that follows.

Owns the order in which causes are looked for. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from muster.presence import RANK, Attention, Profile
from muster.privacy import PrivacyCircle


class TracedDevice(NamedTuple):
    """One device on the roll. `lease_s`: how long its hub's lease still runs; None: that hub is on no register."""

    device: bytes
    attention: Attention
    since_ms: int
    generation: str
    lease_s: float | None

    @property
    def is_held(self) -> bool:
        """Whether a hub that lives says it is there."""
        return self.lease_s is not None and self.lease_s > 0


def conclude_presence(
    profile: Profile, devices: Sequence[TracedDevice] | None, seen_ms: int | None
) -> str:
    """The sentence. `devices` is None where Redis did not answer."""
    if devices is None:
        return "Redis does not answer: presence is unknown to everybody, which is not offline."
    held = [device for device in devices if device.is_held]
    if not devices:
        when = "never" if seen_ms is None else "some time ago, as last seen says"
        return f"No device is in: offline to everybody; they were last seen {when}."
    if not held:
        return (
            "The hubs of all their devices are gone: they are shown as there until another hub has swept those, "
            "within seconds of the lease's end."
        )
    best = min((device.attention for device in held), key=RANK.__getitem__).name
    if profile.invisible:
        return f"They are {best}, and invisible: everybody else is shown that they are offline."
    if profile.circle is PrivacyCircle.nobody:
        return f"They are {best}, and show that to nobody."
    whom = {
        PrivacyCircle.everyone: "everybody",
        PrivacyCircle.room_mates: "their contacts and who shares a group or an event with them",
        PrivacyCircle.contacts: "their contacts",
    }[profile.circle]
    return f"They are {best}, and {whom} may see it, but for blocks either way."
