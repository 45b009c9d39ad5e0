"""What `muster doctor` judges of sealed fields: the master key, data keys, and whether all rows can be opened.

Owns these checks and their advice; the shape of a finding is muster/doctor.py's. Pure: what is judged was read before.
Must never hold a key.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final, NamedTuple

from muster.doctor import Finding, fail, ok, warn
from muster.facts import SealFacts

OLD_S: Final = 366 * 86_400.0
"""A data key is changed once a year; nothing is wrong with an older one yet."""

SLOW_S: Final = 7_200.0
"""Rounds come every hour: what is under an older key after two of them has nobody who puts it under the new one."""


class MasterFile(NamedTuple):
    """Where master keys are, why they cannot be used (empty: they can), and whether others may read them."""

    where: str
    trouble: str
    exposed: bool


def of_master(file: MasterFile) -> Finding:
    """What wraps the data keys."""
    if file.trouble:
        return fail(
            "master key",
            file.trouble,
            "api and pushers start with none: see MUSTER_MASTER_KEY_FILE",
        )
    if file.exposed:
        return warn(
            "master key",
            f"{file.where} can be read by others",
            "chmod 600: with a copy of the database it opens everything",
        )
    return ok("master key", f"{file.where}, opens every data key")


def of_seals(facts: SealFacts) -> Iterator[Finding]:
    """What lies in Postgres."""
    keys = {key.id: key for key in facts.keys if key.purpose == "seal"}
    current = max(
        (key for key in keys.values() if key.age_s >= 0), default=None, key=lambda key: key.id
    )
    if current is None:
        yield ok("data keys", "none yet: the first api or pusher makes them")
        return
    under = Counter[int]()
    for rows in facts.rows.values():
        under.update(rows)
    lost = sum(count for id_, count in under.items() if id_ not in keys)
    if lost:
        yield fail(
            "sealed rows",
            f"{lost} under keys that are gone",
            "restore table data_keys from the backup that these rows came from",
        )
    behind = sum(count for id_, count in under.items() if id_ in keys and id_ < current.id)
    if behind and current.age_s > SLOW_S:
        yield warn(
            "sealed rows",
            f"{behind} of {under.total()} not under key {current.id}",
            "api processes put them there in rounds: does one run? See muster_jobs_dead_total",
        )
    elif not lost:
        yield ok(
            "sealed rows", f"{under.total()}, {under[current.id]} of them under key {current.id}"
        )
    found = f"key {current.id} seals, {current.age_s / 86_400:.0f} days old"
    if current.age_s > OLD_S:
        yield warn("data keys", found, "`muster keys data rotate`: it needs no stop")
    else:
        yield ok("data keys", found)
    yield from _tokens(facts)


def _tokens(facts: SealFacts) -> Iterator[Finding]:
    if facts.plain_beside:
        yield warn(
            "push tokens",
            "lie plain beside their seals, for the release before",
            "once every process is of this release: `muster keys data contract`",
        )
    elif facts.unsealed:
        yield warn(
            "push tokens",
            f"{facts.unsealed} lie plain",
            "a process of the release before writes them: stop it",
        )
