"""Cutting a text: it fits, it is a beginning, and no character of a reader's is cut in two."""

from __future__ import annotations

from itertools import accumulate

from hypothesis import given
from hypothesis import strategies as st

from pushers.clip import ELLIPSIS, clip, encoded, size

CLUSTERS = (
    "a",
    '"',
    "\\",
    "\n",
    "\x01",
    "é",
    "e\u0301",
    "z" + "\u0335\u0347\u0353" * 20,
    "각",
    "\u1100\u1161\u11a8",
    "क्षि",
    "한",
    "日",
    "👍🏽",
    "👨\u200d👩\u200d👧\u200d👦",
    "🏳\ufe0f\u200d🌈",
    "🇩🇪",
    "❤\ufe0f",
    "1\ufe0f\u20e3",
    "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
)
"""What a reader takes for one character each, made up by hand: none joins with what precedes it."""


@given(st.lists(st.sampled_from(CLUSTERS), max_size=60), st.integers(0, 400))
def test_no_character_is_cut(clusters: list[str], most: int) -> None:
    """What is kept is as much as fits, of whole characters; it is checked against the list it was made of."""
    text = "".join(clusters)
    cut = clip(text, most)
    assert size(cut) <= most
    if size(text) <= most:
        assert cut == text
        return
    beginnings = ["", *accumulate(clusters)]
    fitting = [one for one in beginnings if size(one + ELLIPSIS) <= most]
    assert cut == (fitting[-1] + ELLIPSIS if fitting else "")


@given(st.text(st.characters()), st.integers(0, 200))
def test_whatever_the_text_it_fits_and_is_valid(text: str, most: int) -> None:
    """Halves of surrogate pairs among it."""
    cut = clip(text, most)
    assert size(cut) <= most
    assert len(encoded(cut)) == size(cut) + 2


def test_one_character_that_is_too_large_is_left_out() -> None:
    """A letter under a thousand marks is one character."""
    assert clip("z" + "\u0335" * 5_000, 100) == ELLIPSIS
    assert clip("ok z" + "\u0335" * 5_000, 100) == "ok " + ELLIPSIS


def test_flags_are_cut_between_pairs() -> None:
    assert clip("🇩🇪🇫🇷🇮🇹🇪🇸", 8 + 8 + 3) == "🇩🇪🇫🇷" + ELLIPSIS
    assert clip("🇩🇪🇫🇷🇮🇹🇪🇸", 8 + 8 + 3 + 4) == "🇩🇪🇫🇷" + ELLIPSIS
