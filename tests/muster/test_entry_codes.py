"""Entry codes: good for two minutes, at one event, and made by nobody but us."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster.entry_codes import CODE_CHARS, GOOD_MS, STEP_MS, check, code_at
from muster.errors import Refused
from muster.ids import RoomId
from proto.codes import Code

ROOM, OTHER = RoomId(UUID(int=7)), RoomId(UUID(int=8))
SECRET = b"a secret of the event's"
TIMES = st.integers(min_value=0, max_value=2**45)


@given(TIMES, st.integers(min_value=-600_000, max_value=600_000))
def test_a_code_is_good_for_two_minutes_from_when_it_was_first_shown(
    at_ms: int, later_ms: int
) -> None:
    """Before that it is not ours yet (but for clocks half a minute apart), after that it has expired."""
    code, next_ms, until_ms = code_at(ROOM, SECRET, at_ms)
    begins_ms = next_ms - STEP_MS
    assert begins_ms <= at_ms < next_ms
    assert until_ms == begins_ms + GOOD_MS
    assert len(code) <= CODE_CHARS
    now_ms = at_ms + later_ms
    if begins_ms - STEP_MS <= now_ms < until_ms:
        check(code, ROOM, [b"newer", SECRET], now_ms)
        return
    with pytest.raises(Refused, match=r"expired|does not belong") as refused:
        check(code, ROOM, [b"newer", SECRET], now_ms)
    assert refused.value.code is Code.bad_request
    assert ("expired" in refused.value.message) is (now_ms >= until_ms)


@given(TIMES, st.integers(min_value=0, max_value=CODE_CHARS), st.characters(), st.integers(0, 60))
def test_no_other_word_opens(at_ms: int, place: int, letter: str, steps: int) -> None:
    """Of another event, under another secret, with a letter changed, or with a later step written over its own."""
    code, _, _ = code_at(ROOM, SECRET, at_ms)
    foreign = [
        code_at(OTHER, SECRET, at_ms)[0],
        code_at(ROOM, b"another", at_ms)[0],
        code[:place] + letter + code[place + 1 :],
        code[:place],
        code.replace(f":{at_ms // STEP_MS}:", f":{at_ms // STEP_MS + steps}:"),
        code_at(OTHER, SECRET, at_ms)[0].replace(OTHER.hex, ROOM.hex),
    ]
    for word in foreign:
        if word != code:
            with pytest.raises(Refused, match="does not belong to this event"):
                check(word, ROOM, [SECRET], at_ms)


@pytest.mark.parametrize(
    "word", ["", ":", "muster:1:", "muster:1:" + ROOM.hex, "muster:1:" + ROOM.hex + ":-1:x", "ö" * 96,
             "muster:1:" + ROOM.hex + ":²:x", "muster:1:" + ROOM.hex + ":" + "9" * 40 + ":x", "\0" * 96],
)  # fmt: skip
def test_what_is_no_code_is_refused_in_a_sentence(word: str) -> None:
    """Whatever somebody's camera read."""
    with pytest.raises(Refused, match="does not belong to this event"):
        check(word, ROOM, [SECRET], 0)
