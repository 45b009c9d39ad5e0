"""Each check of `muster doctor` about sealed fields made to fail once, on facts made up for it."""

from collections.abc import Mapping

from muster.doctor import Verdict
from muster.doctor_seals import OLD_S, SLOW_S, MasterFile, of_master, of_seals
from muster.facts import DataKeyFacts, SealFacts


def _key(id_: int, age_s: float, purpose: str = "seal") -> DataKeyFacts:
    return DataKeyFacts(id_, purpose, "m", b"", age_s)


def _bad(
    *keys: DataKeyFacts, rows: Mapping[int, int] | None = None, both: bool = False, plain: int = 0
) -> dict[str, Verdict]:
    facts = SealFacts([_key(1, 9.0, "blind"), *keys], {"t.c": rows or {}}, both, plain)
    found = list(of_seals(facts))
    assert all(f.advice for f in found if f.verdict is not Verdict.ok), "bad news without advice"
    return {f.what: f.verdict for f in found if f.verdict is not Verdict.ok}


def test_what_is_sound_is_not_complained_of() -> None:
    """Nothing made yet, all under one key, a rotation that is going on."""
    assert _bad() == {}
    assert _bad(_key(2, 60.0), rows={2: 5}) == {}
    assert _bad(_key(2, OLD_S), _key(3, -30.0), rows={2: 5}) == {}
    assert _bad(_key(2, OLD_S), _key(3, SLOW_S), rows={2: 5, 3: 1}) == {}


def test_rows_that_nobody_can_open_fail() -> None:
    """Their key is gone from the database."""
    assert _bad(_key(3, 60.0), rows={2: 1, 3: 9}) == {"sealed rows": Verdict.fail}


def test_a_rotation_that_does_not_end_warns() -> None:
    """Nobody has rounds."""
    late = _bad(_key(2, OLD_S), _key(3, SLOW_S + 1), rows={2: 1, 3: 9})
    assert late == {"sealed rows": Verdict.warn}


def test_an_old_key_warns() -> None:
    """Rotating needs no stop."""
    assert _bad(_key(2, OLD_S + 1)) == {"data keys": Verdict.warn}


def test_plain_tokens_warn() -> None:
    """Beside their seals, and where somebody writes them still."""
    assert _bad(_key(2, 60.0), both=True) == {"push tokens": Verdict.warn}
    assert _bad(_key(2, 60.0), plain=3) == {"push tokens": Verdict.warn}


def test_a_master_key_is_there_and_nobody_elses() -> None:
    """Without it nothing starts; read by others it is no secret."""
    assert of_master(MasterFile("f", "", exposed=False)).verdict is Verdict.ok
    assert of_master(MasterFile("f", "", exposed=True)).verdict is Verdict.warn
    assert of_master(MasterFile("f", "gone", exposed=False)).verdict is Verdict.fail
