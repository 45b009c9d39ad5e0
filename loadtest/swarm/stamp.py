"""The time that a message carries in its text, so that whoever gets it knows how long it took.

Owns its form. On one machine both ends read the same monotonic clock, whatever the process; across machines there is
nothing but the wall clocks, and the age is as true as they agree. Pure. Must never read a clock.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, NamedTuple

_MARK: Final = "~"
_BOOT: Final = Path("/proc/sys/kernel/random/boot_id")


class Clocks(NamedTuple):
    """The time here, by both clocks, in seconds."""

    monotonic_s: float
    wall_s: float


class Age(NamedTuple):
    """How long ago a message was due; `far` if it was made on another machine."""

    seconds: float
    far: bool


def this_machine() -> str:
    """What tells this machine, since it was started, from every other."""
    return _BOOT.read_text()[:8] if _BOOT.exists() else "unknown"


def stamped(machine: str, due_s: float, now: Clocks, size: int) -> str:
    """A text of at least `size` characters for what was due at `due_s` by the monotonic clock."""
    wall_s = now.wall_s - (now.monotonic_s - due_s)
    return f"{_MARK}{machine} {int(due_s * 1e6)} {int(wall_s * 1e6)} ".ljust(size, ".")


def age(text: str | None, machine: str, now: Clocks) -> Age | None:
    """How old it is; None if it carries no stamp."""
    if text is None or not text.startswith(_MARK):
        return None
    parts = text[1:].split(" ", 3)
    if len(parts) < 3 or not (parts[1].isdigit() and parts[2].isdigit()):
        return None
    if parts[0] == machine:
        return Age(max(0.0, now.monotonic_s - int(parts[1]) / 1e6), far=False)
    return Age(max(0.0, now.wall_s - int(parts[2]) / 1e6), far=True)
