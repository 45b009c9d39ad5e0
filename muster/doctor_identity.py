"""What `muster doctor` judges of what people and tokens are known by: signing keys, and passwords nobody may take.

Owns these thresholds and advice. Pure, as muster/doctor.py is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from muster.doctor import Finding, fail, ok, warn

LEAST_KIB: Final = 19_456
LEAST_PASSES: Final = 2
ONE_PASS_KIB: Final = 47_104
"""OWASP's least, with two passes or with one."""

KEY_DAYS: Final = 366
"""A key that has signed for longer is forgotten rather than trusted."""


def of_passwords(where: str, trouble: str) -> Finding:
    """The passwords that nobody may take; `where` is empty without a file."""
    if trouble:
        return fail(
            "breached passwords", trouble, "no api process starts: see MUSTER_BREACHED_FILE"
        )
    if not where:
        advice = (
            "set MUSTER_BREACHED_FILE, to Have I Been Pwned's list for one: common passwords are"
            " refused, those that were stolen elsewhere are not"
        )
        return warn("breached passwords", "no list, only the common ones that we know", advice)
    return ok("breached passwords", where)


def of_hashing(memory_kib: int, passes: int) -> Finding:
    """What computing the hash of a password costs whoever has stolen it."""
    found = f"argon2id, {memory_kib} KiB, {passes} passes"
    if (memory_kib >= LEAST_KIB and passes >= LEAST_PASSES) or memory_kib >= ONE_PASS_KIB:
        return ok("password hashes", found)
    advice = f"set MUSTER_PASSWORD_MEMORY_KIB={LEAST_KIB} and MUSTER_PASSWORD_PASSES={LEAST_PASSES} or more"
    return warn("password hashes", found, advice)


def of_keys(
    kids: int,
    trouble: str,
    exposed: Sequence[str],
    age_days: float = 0.0,
    *,
    following: bool = True,
) -> Finding:
    """The keys that sign access tokens; `exposed` are files that others on this machine may read.

    `age_days`: of the one that signs. `following`: there is a next one.
    """
    if trouble:
        return fail("signing keys", trouble, "see MUSTER_KEYS_DIR; `muster up` makes a first key")
    if exposed:
        return warn(
            "signing keys",
            f"{', '.join(exposed)} can be read by others",
            "chmod 600: whoever reads it can be anybody",
        )
    if not following:
        advice = (
            "`muster keys rotate` publishes one: who has no next key cannot change keys in a hurry"
        )
        return warn("signing keys", f"{kids}, no next one", advice)
    if age_days > KEY_DAYS:
        advice = "`muster keys rotate`: nobody is logged out by it"
        return warn(
            "signing keys", f"{kids}, the one that signs is {age_days:.0f} days old", advice
        )
    return ok("signing keys", f"{kids}, readable")
