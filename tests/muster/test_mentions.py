"""How names are found in a text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster.mentions import Asking, asking, names_in
from proto.entry import Body


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("@ada", [["ada"]]),
        ("@Ada and @ADA", [["ada"], ["ada"]]),
        ("so, @ada...", [["ada...", "ada..", "ada.", "ada"]]),
        ("@a.b_c-d", [["a.b_c-d"]]),
        ("(@ada) [@bob] @ada:", [["ada"], ["bob"]]),
        ("me@ada.org @ada@bob.org", [["ada"]]),
        ("@ad", []),
        ("@" + "x" * 32, [["x" * 32]]),
        ("@" + "x" * 33, []),
        ("日本語@ada", [["ada"]]),
        ("hello,@ada", [["ada"]]),
    ],
)
def test_names(text: str, names: list[list[str]]) -> None:
    """With all that each may mean; the beginning of a longer word is no name."""
    assert names_in(text) == names


@given(st.text(alphabet="@ab._- /\n", max_size=400))
def test_any_text_asks_little(text: str) -> None:
    """At most a hundred names, each of a handle's length, and the text itself is never touched."""
    names = names_in(text)
    assert len(names) <= 100
    assert all(3 <= len(reading) <= 32 for readings in names for reading in readings)


def test_what_names_nobody_asks_nothing() -> None:
    """The body goes as it is, and costs the database no look-up."""
    body = Body(reply_to=3)
    assert asking("no names, a@b", body) is body
    asked = asking("@ada", body)
    assert isinstance(asked, Asking)
    assert (asked.reply_to, asked.handles, asked.here) == (3, [["ada"]], False)
    assert asking("@here", body).here
