"""Handles, names and who may act on whom: the pure rules."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster.errors import Refused
from muster.people import check_handle, fold, profile_change
from muster.words import line
from proto.codes import Code


@pytest.mark.parametrize("handle", ["ada", "Ada_Lovelace", "a.b-c", "1x1", "x" * 32, "-_a"])
def test_handles_that_may_be(handle: str) -> None:
    """ASCII letters, digits and three signs."""
    assert check_handle(handle) == handle


@given(st.text(max_size=40))
def test_handles_are_safe_to_show(text: str) -> None:
    """Whatever passes is plain, of bounded length, and equal to others only by case."""
    try:
        handle = check_handle(text)
    except Refused as refused:
        assert refused.code in (Code.bad_request, Code.conflict)  # noqa: PT017  # either is right
        return
    assert 3 <= len(handle) <= 32
    assert handle.isascii()
    assert fold(handle) == handle.lower()


@given(st.text(max_size=80))
def test_lines_show_as_one_line(text: str) -> None:
    """A name that passes has no breaks, no controls, no characters that turn the direction."""
    try:
        shown = line("a name", text, 64, least=1)
    except Refused:
        return
    assert shown == text.strip()
    assert shown.splitlines() == [shown]
    assert not set(shown) & set("\u202a\u202b\u202d\u202e\u2066\u2067\u2068\u0000")


def test_a_change_keeps_what_is_not_named() -> None:
    """And folds the handle beside how it was typed."""
    change = profile_change("Ada", None, None)
    assert (change.handle, change.handle_shown, change.name, change.bio) == (
        "ada",
        "Ada",
        None,
        None,
    )
