"""Codes of second factors: right once, near in time, and not to be guessed."""

import base64
import random
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster.totp import (
    LOCK_MOST_MS,
    LOCK_MS,
    SECRET_BYTES,
    TRIES,
    Judged,
    State,
    Verdict,
    judge,
    new_secret,
    shown,
    step_of,
    uri,
)

RFC_SECRET = b"12345678901234567890"
NOW = 1_800_000_000_000


@pytest.mark.parametrize(
    ("at_s", "code"),
    [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")],
)
def test_codes_are_those_of_the_standard(at_s: int, code: str) -> None:
    """RFC 6238, appendix B, the last six digits."""
    assert step_of(RFC_SECRET, code, at_s * 1_000) == at_s // 30


def test_the_window_is_one_step_either_way() -> None:
    """A phone may be half a minute late or early, not a whole one."""
    at_s = 1111111109
    steps = {
        apart: step_of(RFC_SECRET, "081804", (at_s + 30 * apart) * 1_000) for apart in range(-3, 4)
    }
    assert {apart for apart, step in steps.items() if step is not None} == {-1, 0, 1}
    assert {step for step in steps.values() if step is not None} == {at_s // 30}


@given(st.text(max_size=40))
def test_other_texts_are_no_codes(text: str) -> None:
    """Whatever is sent, it is compared and no more."""
    assert step_of(RFC_SECRET, text, 0) is None or text in ("755224", "287082")


def test_a_code_is_right_once() -> None:
    """Neither the same again, nor one from before it."""
    first = judge(State(), NOW, step=100)
    assert (first.verdict, first.state) == (Verdict.right, State(100))
    assert judge(first.state, NOW, step=100).verdict is Verdict.replayed
    assert judge(first.state, NOW, step=99).verdict is Verdict.replayed
    assert judge(first.state, NOW, step=101).verdict is Verdict.right


def test_five_that_are_not_right_lock() -> None:
    """A right one does not open it before the time is over; then five more lock it for twice as long."""
    state = State()
    for _ in range(TRIES):
        judged = judge(state, NOW)
        assert judged.verdict is Verdict.wrong
        state = judged.state
    assert state.locked_until_ms == NOW + LOCK_MS
    assert judge(state, NOW + LOCK_MS - 1, step=100) == Judged(Verdict.locked, state)
    assert judge(state, NOW + LOCK_MS - 1, recovery=True).verdict is Verdict.locked
    later = NOW + LOCK_MS
    for _ in range(TRIES):
        state = judge(state, later).state
    assert state.locked_until_ms == later + 2 * LOCK_MS
    assert judge(state, later + 2 * LOCK_MS, step=100) == Judged(Verdict.right, State(100))


def test_replays_count_as_tries() -> None:
    """Else a code that was seen would be a way to try for ever."""
    state = State(last_step=100)
    for _ in range(TRIES):
        state = judge(state, NOW, step=100).state
    assert state.locked_until_ms > NOW


def test_guessing_for_a_year_finds_nothing() -> None:
    """Locks grow up to a day: whoever tries all the time has few hundred times five tries a year."""
    state, now, tries = State(), NOW, 0
    while now < NOW + 365 * 86_400_000:
        judged = judge(state, now)
        tries += judged.verdict is Verdict.wrong
        state = judged.state
        now = max(now + 1, state.locked_until_ms)
    assert state.locked_until_ms - now <= LOCK_MOST_MS
    # Three codes of a million are right at any time.
    assert tries * 3 / 1_000_000 < 0.01


def test_what_an_app_reads_is_what_we_compute() -> None:
    """The secret, typed or scanned: SHA-1, six digits, thirty seconds, which are what apps take for granted."""
    secret = new_secret(random.Random(1))
    assert len(secret) == SECRET_BYTES
    assert base64.b32decode(shown(secret)) == secret
    parts = urlsplit(uri(secret, "ada", "Muster: chat"))
    said = parse_qs(parts.query)
    assert (parts.scheme, parts.netloc) == ("otpauth", "totp")
    assert said["secret"] == [shown(secret)]
    assert said["issuer"] == ["Muster: chat"]
    assert not said.keys() - {"secret", "issuer", "digits", "period", "algorithm"}
