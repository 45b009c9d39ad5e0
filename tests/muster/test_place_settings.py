"""The settings of place: every number of the rules has one."""

from dataclasses import replace

from muster.config import Settings
from muster.terms import Terms


def test_the_rules_go_by_the_settings() -> None:
    """Without a word both say the same, in the units of each."""
    assert Settings().place_terms == Terms()
    told = Settings.from_env({"MUSTER_PLACE_DWELL_S": "2.5", "MUSTER_PLACE_ACCURACY_M": "40"})
    assert told.place_terms == Terms(dwell_ms=2_500, accuracy_m=40.0)


def test_no_fewer_fixes_are_looked_at_than_must_agree() -> None:
    """Else nobody could ever come."""
    settings = replace(Settings(), place_fixes_needed=4, place_fixes_looked_at=2)
    assert settings.place_terms.fixes_looked_at == 4
