"""What `muster doctor` says of backups, each check made to fail once."""

from __future__ import annotations

from pathlib import Path

import pytest

from muster.config import Settings
from muster.doctor import Verdict
from muster.doctor_backups import BEHIND_BYTES, of_backups
from muster.facts import BackupFacts, SlotFacts

OURS = Settings(backup_dir=Path("/backups"))
SLOT = SlotFacts(is_active=True, is_lost=False, behind_bytes=1 << 20)
SOUND = BackupFacts("", 3600.0, 5.0, SLOT, archives_itself=False)


def _bad(facts: BackupFacts, settings: Settings = OURS) -> dict[str, Verdict]:
    found = list(of_backups(facts, settings))
    assert all(f.advice for f in found if f.verdict is not Verdict.ok), "bad news without advice"
    return {f.what: f.verdict for f in found if f.verdict is not Verdict.ok}


def test_sound_backups_have_nothing_to_complain_of() -> None:
    """Nor have those of somebody else."""
    assert _bad(SOUND) == {}
    assert _bad(SOUND._replace(archives_itself=True), Settings()) == {}


@pytest.mark.parametrize(
    ("facts", "bad"),
    [
        (SOUND._replace(trouble="away"), {"backups": Verdict.fail}),
        (SOUND._replace(base_age_s=None), {"base backup": Verdict.fail}),
        (SOUND._replace(base_age_s=37 * 3600.0), {"base backup": Verdict.fail}),
        (SOUND._replace(slot=None, wal_age_s=None), {"archived log": Verdict.fail}),
        (SOUND._replace(slot=SLOT._replace(is_active=False)), {"archived log": Verdict.fail}),
        (SOUND._replace(slot=SLOT._replace(is_lost=True)), {"archived log": Verdict.fail}),
        (
            SOUND._replace(slot=SLOT._replace(behind_bytes=BEHIND_BYTES + 1)),
            {"archived log": Verdict.warn},
        ),
        (SOUND._replace(key_exposed=True), {"keys of backups": Verdict.warn}),
        (SOUND._replace(keys_beside=("/backups/master.key",)), {"keys of backups": Verdict.fail}),
        (SOUND._replace(same_disk=True), {"where backups lie": Verdict.warn}),
    ],
)
def test_what_stands_still_is_said(facts: BackupFacts, bad: dict[str, Verdict]) -> None:
    """Each with what to do."""
    assert _bad(facts) == bad


def test_nobody_who_backs_up_is_a_warning() -> None:
    """It may be somebody we do not know of."""
    assert _bad(SOUND, Settings()) == {"backups": Verdict.warn}
