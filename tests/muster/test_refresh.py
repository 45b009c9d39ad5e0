"""The rules of rotation, as a model: nobody is logged out by a lost answer, no thief stays in."""

import random

from hypothesis import given
from hypothesis import strategies as st

from muster.refresh import (
    RefreshState,
    Verdict,
    from_text,
    judge,
    new_salt,
    new_token,
    stored,
    successor,
    to_text,
)

NOW = 1_800_000_000_000
GOOD = RefreshState(NOW + 1, NOW + 1, retired=False, revoked=False, banned=False, salt=None)


class Family:
    """What the store does, in memory."""

    def __init__(self) -> None:
        self.rng = random.Random(1)
        self.first = new_token(self.rng)
        self.revoked = False
        self.salts: dict[bytes, bytes | None] = {stored(self.first): None}
        self.predecessors: dict[bytes, bytes] = {}
        self.retired: set[bytes] = set()

    def present(self, token: bytes) -> bytes | None:
        key = stored(token)
        state = None
        if key in self.salts:
            state = RefreshState(
                NOW + 1, NOW + 1, key in self.retired, self.revoked, False, self.salts[key]
            )
        verdict = judge(state, NOW)
        if verdict is Verdict.reused:
            self.revoked = True
        if verdict is Verdict.first_use:
            self.salts[key] = new_salt(self.rng)
            if key in self.predecessors:
                self.retired.add(self.predecessors[key])
        salt = self.salts.get(key)
        if verdict not in (Verdict.first_use, Verdict.repeated) or salt is None:
            return None
        after = successor(token, salt)
        self.salts.setdefault(stored(after), None)
        self.predecessors[stored(after)] = key
        return after


@given(st.lists(st.booleans(), max_size=40))
def test_lost_answers_log_nobody_out(lost: list[bool]) -> None:
    """A client that repeats what got no answer is never refused, however often answers are lost."""
    family = Family()
    held = family.first
    for answer_is_lost in lost:
        after = family.present(held)
        assert after is not None
        if not answer_is_lost:
            held = after
    assert not family.revoked


@given(st.integers(2, 10), st.integers(0, 8))
def test_an_old_token_ends_the_family(steps: int, stolen_at: int) -> None:
    """Whoever presents a token whose successor was used ends it for everybody."""
    family = Family()
    chain = [family.first]
    for _ in range(steps):
        after = family.present(chain[-1])
        assert after is not None
        chain.append(after)
    stolen = chain[min(stolen_at, steps - 2)]
    assert family.present(stolen) is None
    assert family.present(chain[-1]) is None


def test_what_has_ended() -> None:
    """Unknown, revoked, banned, too old, or of a session too old: over, and no reuse."""
    assert judge(None, NOW) is Verdict.ended
    for ended in (
        RefreshState(NOW, NOW + 1, False, False, False, None),
        RefreshState(NOW + 1, NOW, True, False, False, None),
        RefreshState(NOW + 1, NOW + 1, True, True, False, None),
        RefreshState(NOW + 1, NOW + 1, True, False, True, None),
    ):
        assert judge(ended, NOW) is Verdict.ended
    assert judge(GOOD, NOW) is Verdict.first_use


def test_a_successor_needs_both_token_and_salt() -> None:
    """Neither the database nor an old token alone tells the next one."""
    rng = random.Random(2)
    token, salt = new_token(rng), new_salt(rng)
    assert (
        len({successor(token, salt), successor(token, new_salt(rng)), successor(salt, token)}) == 3
    )
    assert stored(successor(token, salt)) != successor(stored(token), salt)


@given(st.binary(min_size=32, max_size=32))
def test_text_and_back(token: bytes) -> None:
    """As clients hold it."""
    assert from_text(to_text(token)) == token


@given(st.text(max_size=80))
def test_other_texts_are_no_tokens(text: str) -> None:
    """Anything else is refused before the database is asked."""
    assert from_text(text) is None
    assert from_text("mrt_" + text) is None or len(text) == 43
