"""Recovery codes: hard to guess, easy to copy, and not to be read from a database."""

import random
from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st

from muster.ids import PersonId
from muster.recovery_codes import COUNT, new_codes, stored

ADA, EVE = PersonId(uuid4()), PersonId(uuid4())


def test_ten_of_eighty_bits() -> None:
    """No two alike, and none with a letter that looks like another."""
    codes = new_codes(random.Random(1))
    assert len({*codes}) == COUNT == 10
    for code in codes:
        assert [len(group) for group in code.split("-")] == [4, 4, 4, 4]
        assert not set(code) & set("ilou")


def test_however_it_was_copied() -> None:
    """Case, spaces, dashes, and letters taken for figures do not matter."""
    code = "a1b0-cdef-ghjk-mnpq"
    kept = stored(ADA, code)
    assert kept is not None
    for typed in ("A1B0 CDEF GHJK MNPQ", " a1b0cdefghjkmnpq ", "aIbO-cdef-ghjk-mnpq"):
        assert stored(ADA, typed) == kept
    assert stored(EVE, code) != kept


@given(st.text(max_size=40))
def test_other_texts_are_no_codes(text: str) -> None:
    """They are refused before the database is asked; digits of an app are never one."""
    kept = stored(ADA, text)
    assert kept is None or len(kept) == 32
    assert stored(ADA, "123456") is None
