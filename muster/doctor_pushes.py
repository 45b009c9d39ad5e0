"""What `muster doctor` judges of pushes: which keys there are, and whether they can be read.

Owns these checks and their advice; the shape of a finding is muster/doctor.py's. Pure: the files were looked at before.
Must never hold what is in a key.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from muster.config import Settings
from muster.doctor import Finding, fail, ok, warn


class KeyFile(NamedTuple):
    """One file: the setting that names it, why it cannot be read (empty: it can), whether others may read it."""

    setting: str
    trouble: str
    exposed: bool


def of_pushes(settings: Settings, files: Sequence[KeyFile]) -> Iterator[Finding]:
    """Everything about them; `files` are those that settings name."""
    apple = {
        "MUSTER_APNS_KEY": settings.apns_key,
        "MUSTER_APNS_KEY_ID": settings.apns_key_id,
        "MUSTER_APNS_TEAM_ID": settings.apns_team_id,
    }
    missing = [name for name, value in apple.items() if not value]
    if missing and len(missing) < len(apple):
        yield fail("APNs", f"{', '.join(missing)} not set", "set all three, or none of them")
    for file in files:
        yield _readable(file)
    if settings.pushes == "none":
        yield ok("pushers", "none, as MUSTER_PUSHES says")
    elif settings.pushes == "mock":
        yield ok("pushers", "of mocks: no phone rings")
    elif not settings.pushed_by:
        advice = "set MUSTER_APNS_KEY or MUSTER_FCM_ACCOUNT, or MUSTER_PUSHES=none"
        yield warn("pushers", "none: there is no key", advice)
    else:
        yield ok("pushers", ", ".join(settings.pushed_by))


def _readable(file: KeyFile) -> Finding:
    if file.trouble:
        return fail(file.setting, file.trouble, "no push goes out: mend the path or its owner")
    if file.exposed:
        return warn(
            file.setting,
            "can be read by others",
            "chmod 600: whoever reads it can ring every phone",
        )
    return ok(file.setting, "readable")
