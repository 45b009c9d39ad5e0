"""Rotation of signing keys: no key signs before everybody has it, and none goes while a token of it may live."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from muster.config import Settings
from muster.extension import LIFE_S as EXTENSION_S
from muster.keys import KeysError, ensure_key, load, new_key, next_kids
from muster.rotation import PUBLISHED_S, longest_life_s, prune, replace, roles, rotate

LIFE_S = 3_600
NOW = datetime.now(UTC)
LATER = NOW + timedelta(seconds=PUBLISHED_S + 3_600)


def test_the_next_key_is_believed_before_it_signs_and_the_last_one_after(tmp_path: Path) -> None:
    """Three keys at once: what signs, what will, what did."""
    first = ensure_key(tmp_path)
    [second] = next_kids(tmp_path)
    before = load(tmp_path)
    assert (before.current_kid, set(before.publics)) == (first, {first, second})
    done = rotate(tmp_path, LATER, LIFE_S)
    assert (done.current, done.promoted, done.removed) == (second, True, [])
    after = load(tmp_path)
    assert after.current_kid == second
    assert set(after.publics) == {first, second, done.next}
    assert [key.role for key in roles(tmp_path, LIFE_S)] == ["next", "current", "previous"]


def test_a_key_that_not_everybody_has_does_not_sign(tmp_path: Path) -> None:
    """Neither one that was just published, nor one that was not published at all."""
    first = ensure_key(tmp_path)
    with pytest.raises(KeysError, match="too new"):
        rotate(tmp_path, NOW, LIFE_S)
    (tmp_path / f"{next_kids(tmp_path)[0]}.next").unlink()
    done = rotate(tmp_path, LATER, LIFE_S)
    assert (done.promoted, done.current, load(tmp_path).current_kid) == (False, first, first)
    assert next_kids(tmp_path) == [done.next]


def test_a_key_goes_when_its_last_token_has(tmp_path: Path) -> None:
    """Not a second before; the clock begins when it stops signing, not when it was made."""
    first = ensure_key(tmp_path)
    retired = NOW + timedelta(days=90)
    rotate(tmp_path, retired, LIFE_S)
    assert prune(tmp_path, retired + timedelta(seconds=LIFE_S - 1), LIFE_S) == []
    assert first in load(tmp_path).publics
    assert prune(tmp_path, retired + timedelta(seconds=LIFE_S), LIFE_S) == [first]
    assert first not in load(tmp_path).publics
    assert not list(tmp_path.glob(f"{first}*"))


def test_rotating_takes_away_what_is_over(tmp_path: Path) -> None:
    """Whoever rotates every few months has three keys, not a heap of them."""
    first = ensure_key(tmp_path)
    rotate(tmp_path, LATER, LIFE_S)
    done = rotate(tmp_path, LATER + timedelta(days=90), LIFE_S)
    assert done.removed == [first]
    assert len(roles(tmp_path, LIFE_S)) == 3


def test_nobody_knows_how_long_a_key_has_been_aside(tmp_path: Path) -> None:
    """One that was put aside by hand is kept for a whole life from when that is noticed."""
    (tmp_path / "20200101T000000Z-00000000.pem").write_bytes(_pem(tmp_path / "elsewhere"))
    new_key(tmp_path)
    assert prune(tmp_path, NOW, LIFE_S) == []
    assert prune(tmp_path, NOW + timedelta(seconds=LIFE_S - 1), LIFE_S) == []
    assert prune(tmp_path, NOW + timedelta(seconds=LIFE_S), LIFE_S) == ["20200101T000000Z-00000000"]


def test_keys_in_the_wrong_hands_are_worth_nothing(tmp_path: Path) -> None:
    """The next one too: it lay beside them."""
    first = ensure_key(tmp_path)
    [second] = next_kids(tmp_path)
    done = replace(tmp_path)
    ring = load(tmp_path)
    assert (ring.current_kid, set(ring.publics)) == (done.current, {done.current, done.next})
    assert sorted(done.removed) == sorted([first, second])


def test_a_next_key_that_would_not_become_the_newest_is_not_taken(tmp_path: Path) -> None:
    """The newest file signs: an older one, promoted, would only seem to."""
    (tmp_path / "20200101T000000Z-00000000.next").write_bytes(_pem(tmp_path / "elsewhere"))
    current = new_key(tmp_path)
    done = rotate(tmp_path, LATER, LIFE_S)
    assert (done.promoted, load(tmp_path).current_kid) == (False, current)
    assert next_kids(tmp_path) == [done.next]


def test_the_longest_life_is_that_of_extensions() -> None:
    """A phone's notification extension holds its token for a month."""
    assert longest_life_s(Settings()) > EXTENSION_S
    assert longest_life_s(Settings(access_token_s=90 * 86_400)) > 90 * 86_400


def test_without_a_directory_or_a_key_there_is_nothing_to_rotate(tmp_path: Path) -> None:
    """A sentence, not a new first key that nobody asked for."""
    for directory in (tmp_path / "nowhere", tmp_path):
        with pytest.raises(KeysError):
            rotate(directory, NOW, LIFE_S)


def _pem(directory: Path) -> bytes:
    directory.mkdir()
    return (directory / f"{new_key(directory)}.pem").read_bytes()
