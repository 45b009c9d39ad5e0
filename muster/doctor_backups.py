"""What `muster doctor` says of backups. Facts in, a finding out.

Owns the thresholds. Pure: must never open an archive or ask Postgres.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from muster.config import Settings
from muster.doctor import Finding, fail, ok, warn
from muster.facts import BackupFacts

BEHIND_BYTES: Final = 256 << 20
"""So much of the log may wait on the server; beyond it whoever receives it is stuck, and the disk fills."""

_LATE: Final = 1.5
_HOUR_S: Final = 3600.0


def of_backups(facts: BackupFacts, settings: Settings) -> Iterator[Finding]:
    """The base, then the log."""
    if not settings.backs_up:
        if facts.archives_itself:
            yield ok("backups", "none by Muster; Postgres archives its log by itself")
        else:
            yield warn(
                "backups",
                "none that Muster knows of",
                "set MUSTER_BACKUP_DIR and MUSTER_BACKUP_KEY_FILE, unless whoever runs Postgres sees to it",
            )
        return
    yield from _places(facts)
    if facts.trouble:
        yield fail(
            "backups", facts.trouble, "see MUSTER_BACKUP_*: nothing can be restored meanwhile"
        )
        return
    yield _base(facts.base_age_s, settings)
    yield _log(facts)


def _places(facts: BackupFacts) -> Iterator[Finding]:
    """Where things lie that should lie apart."""
    if facts.keys_beside:
        yield fail(
            "keys of backups",
            f"{', '.join(facts.keys_beside)} lies with the backups",
            "whoever has these opens them: keep keys elsewhere, and make new ones",
        )
    if facts.key_exposed:
        yield warn(
            "keys of backups",
            "can be read by others",
            "chmod 600 the file of MUSTER_BACKUP_KEY_FILE",
        )
    if facts.same_disk:
        yield warn(
            "where backups lie",
            "on the disk of the database",
            "its loss is that of both: let MUSTER_BACKUP_DIR be on another disk or machine, or use a bucket",
        )


def _base(age_s: float | None, settings: Settings) -> Finding:
    run = "is `muster backup run` (or `muster up`) at work? its log says why; `muster backup` takes one now"
    if age_s is None:
        return fail("base backup", "none", run)
    found = f"{age_s / _HOUR_S:.1f} h old"
    if age_s > settings.backup_every_h * _HOUR_S * _LATE:
        return fail("base backup", found, run)
    return ok("base backup", found)


def _log(facts: BackupFacts) -> Finding:
    slot = facts.slot
    put = "nothing put yet" if facts.wal_age_s is None else f"last put {facts.wal_age_s:.0f} s ago"
    if slot is None or not slot.is_active:
        return fail("archived log", f"nobody receives it; {put}", "start `muster backup run`")
    if slot.is_lost:
        return fail(
            "archived log",
            "Postgres has dropped what was not received",
            "`muster backup` takes a base now: from there on it is whole",
        )
    if slot.behind_bytes > BEHIND_BYTES:
        return warn(
            "archived log",
            f"{slot.behind_bytes >> 20} MiB wait on the server; {put}",
            "see the log of `muster backup run`: the disk of Postgres fills with what waits",
        )
    return ok("archived log", f"received; {put}")
