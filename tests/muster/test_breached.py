"""Lists of breached passwords: what stands in them is found, whatever their form, and nothing else is."""

import hashlib
import random
from pathlib import Path

import pytest

from muster.breached import BreachedError, Hashes, Words, known_passwords, open_breached
from muster.guessable import Guessable

LISTED = [f"stolen {number}" for number in range(3_000)]


def _sha1(password: str) -> str:
    return hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper()


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("chars", [40, 16])
@pytest.mark.parametrize("counted", [True, False])
def test_every_hash_is_found_and_no_other(
    tmp_path: Path, end: str, chars: int, counted: bool
) -> None:
    """As Have I Been Pwned gives it, without counts, and cut to their first letters."""
    rng = random.Random(1)
    path = tmp_path / "hashes.txt"
    lines = [
        _sha1(one)[:chars] + (f":{rng.randrange(1, 10**7)}" if counted else "")
        for one in sorted(LISTED, key=_sha1)
    ]
    path.write_text(end.join(lines) + end, encoding="ascii", newline="")
    known = open_breached(path)
    assert isinstance(known, Hashes)
    assert all(known.has(one) for one in LISTED)
    assert not any(known.has(f"{one}!") for one in LISTED)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_short_lists_and_the_last_line_without_an_end(tmp_path: Path, count: int) -> None:
    """Where bisecting goes wrong first; small letters too."""
    path = tmp_path / "hashes.txt"
    listed = sorted(LISTED[:count], key=_sha1)
    path.write_text("\n".join(_sha1(one).lower() for one in listed), encoding="ascii")
    known = open_breached(path)
    assert all(known.has(one) for one in listed)
    assert not known.has("another one")


def test_a_list_of_words(tmp_path: Path) -> None:
    """In any order, whatever the case; nothing of it is kept but eight bytes each."""
    path = tmp_path / "words.txt"
    path.write_bytes(
        b"\n".join([b"Zitrone 7", b"", b"apfelbaum", b"\xff\xfe no utf-8", b"m\xc3\xbchle"])
    )
    known = open_breached(path)
    assert isinstance(known, Words)
    assert len(known) == 4
    assert all(known.has(one) for one in ("zitrone 7", "Apfelbaum", "mühle"))
    assert not known.has("zitrone 8")


def test_lists_that_cannot_be_used(tmp_path: Path) -> None:
    """A list out of order would find nothing and say nothing: it is not taken."""
    shuffled = tmp_path / "shuffled.txt"
    shuffled.write_text("\n".join(_sha1(one) for one in LISTED), encoding="ascii")
    empty = tmp_path / "empty.txt"
    empty.touch()
    for path in (shuffled, empty, tmp_path / "nowhere.txt", tmp_path):
        with pytest.raises(BreachedError, match=path.name):
            open_breached(path)


def test_without_a_file_the_common_ones_are_known() -> None:
    """So that no installation takes `password1`."""
    assert isinstance(known_passwords(None), Guessable)


@pytest.mark.parametrize(
    "password",
    [
        "password", "Password1!", "p@ssw0rd", "P4ssw0rd123", "qwertyui", "12345678", "iloveyou2", "aaaaaaaa",
        "abcabcabc", "1q2w3e4r", "qweasdzxc", "letmein!!", "Summer2026!", "dragondragon", "blueeagle9", "19871224",
        "monkey-monkey", "2026-11-22", "!@#$%^&*", "trustno1!!", "1qaz2wsx", "abcdefgh", "zyxwvuts", "ADMIN123",
    ],
)  # fmt: skip
def test_what_everybody_tries_first(password: str) -> None:
    """Words with the usual decorations, two of them, runs of keys, repetition, dates."""
    assert Guessable().has(password)


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery", "a long enough password", "tr0ub4dor&3x", "kahvi ja pulla", "xK9#mPq2",
        "blaue giraffe 7", "+4917099123456 password", "ночь улица фонарь", "数百万のパスワード",
    ],
)  # fmt: skip
def test_what_nobody_tries_first(password: str) -> None:
    """Sentences, other languages, and what a machine made."""
    assert not Guessable().has(password)
