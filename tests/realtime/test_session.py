"""The session rules, pure: a frame in, effects out."""

from dataclasses import replace
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster.bucket import Rate
from muster.errors import Refused, unavailable
from muster.permission import FRAME_RULES
from muster.versions import version_of
from proto import frames
from proto.codes import Close, Code
from realtime import effects
from realtime import session as session_rules
from realtime.session import Session, State
from realtime.terms import Terms
from tests.fakes.hub import ROOM, FakeTokens, token

NOW = 1_000.0
EXAMPLES: dict[type[frames.Client], frames.ClientFrame] = {
    frames.Auth: frames.Auth(1, token()),
    frames.Resume: frames.Resume(1, None, []),
    frames.Attend: frames.Attend(1, []),
    frames.Attention: frames.Attention(1, "idle"),
    frames.Post: frames.Post(1, ROOM, "c", "x"),
    frames.Edit: frames.Edit(1, ROOM, "c", 3, "y"),
    frames.Delete: frames.Delete(1, ROOM, "c", 3),
    frames.React: frames.React(1, ROOM, "c", 3, ":)"),
    frames.Unreact: frames.Unreact(1, ROOM, "c", 3, ":)"),
    frames.Typing: frames.Typing(0, ROOM),
    frames.Received: frames.Received(1, []),
    frames.Read: frames.Read(1, []),
    frames.Refresh: frames.Refresh(1, token()),
    frames.Ping: frames.Ping(1),
    frames.Watch: frames.Watch(1, True),
    frames.Vote: frames.Vote(1, ROOM, "c", 3, [0]),
    frames.ClosePoll: frames.ClosePoll(1, ROOM, "c", 3),
    frames.Fixes: frames.Fixes(1, [frames.PhoneFix(52.5, 13.4, 10.0, 0)]),
    frames.Crossings: frames.Crossings(1, [frames.PhoneCrossing(ROOM, True, 0)]),
}


class Clock:
    """Wall time 0, monotonic NOW."""

    def now_ms(self) -> int:
        return 0

    def monotonic(self) -> float:
        return NOW


def entered(terms: Terms | None = None, expires_at_ms: int = 900_000) -> Session:
    """A session that is in."""
    session = Session(terms if terms is not None else Terms(), NOW)
    session.on_frame(EXAMPLES[frames.Auth], NOW)
    session.verified(FakeTokens().verify(token(expires_at_ms=expires_at_ms)), Clock())
    session.admitted()
    return session


def test_every_frame_a_client_can_send_has_a_rule_and_an_example() -> None:
    """A frame kind without a row in the permission table would be refused for everybody."""
    kinds = set(get_args(frames.ClientFrame))
    assert kinds == set(FRAME_RULES) == set(EXAMPLES)


@pytest.mark.parametrize("kind", [kind for kind in EXAMPLES if kind is not frames.Auth])
def test_before_authentication_everything_but_auth_ends_the_session(
    kind: type[frames.Client],
) -> None:
    """Deny by default; the error comes before the close."""
    session = Session(Terms(), NOW)
    answer, close = session.on_frame(EXAMPLES[kind], NOW)
    assert isinstance(answer, effects.Answer)
    assert isinstance(close, effects.CloseWith)
    assert close.code == Close.unauthorized
    assert session.state is State.closing


@pytest.mark.parametrize("kind", list(EXAMPLES))
def test_a_session_that_is_closing_does_nothing_more(kind: type[frames.Client]) -> None:
    """What still comes is passed over."""
    session = entered()
    session.closing()
    assert session.on_frame(EXAMPLES[kind], NOW) == ()


@pytest.mark.parametrize(
    ("kind", "effect"),
    [
        (frames.Resume, effects.AskRooms),
        (frames.Attend, effects.AskRooms),
        (frames.Watch, effects.AskRooms),
        (frames.Attention, effects.Look),
        (frames.Post, effects.Submit),
        (frames.Edit, effects.Submit),
        (frames.Delete, effects.Submit),
        (frames.React, effects.Submit),
        (frames.Unreact, effects.Submit),
        (frames.Vote, effects.Submit),
        (frames.ClosePoll, effects.Submit),
        (frames.Typing, effects.Typing),
        (frames.Fixes, effects.Place),
        (frames.Crossings, effects.Place),
        (frames.Received, effects.Pointers),
        (frames.Read, effects.Pointers),
        (frames.Refresh, effects.RefreshToken),
        (frames.Ping, effects.TellTime),
        (frames.Auth, effects.Answer),
    ],
)
def test_each_frame_asks_for_its_effect(kind: type[frames.Client], effect: type[Any]) -> None:
    """One frame, one effect; a second auth is an error."""
    [got] = entered().on_frame(EXAMPLES[kind], NOW)
    assert isinstance(got, effect)


def test_a_post_that_follows_a_refused_one_is_refused_too() -> None:
    """Else it would overtake it: a token may be there again when the next one is looked at."""
    session = entered(replace(Terms(), posts_rate=Rate(10.0, 1.0)))
    post = EXAMPLES[frames.Post]
    assert isinstance(session.on_frame(post, NOW)[0], effects.Submit)
    assert isinstance(session.on_frame(post, NOW + 0.05)[0], effects.Answer)
    # A bucket alone would let this one through.
    [refused] = session.on_frame(post, NOW + 0.2)
    assert isinstance(refused, effects.Answer)
    assert isinstance(refused.frame, frames.Error)
    assert refused.frame.retry_after_ms is not None
    again = NOW + 0.2 + refused.frame.retry_after_ms / 1000
    assert isinstance(session.on_frame(post, again)[0], effects.Submit)


def test_typing_too_often_is_passed_over_in_silence() -> None:
    """It is never answered."""
    session = entered(replace(Terms(), typing_rate=Rate(1.0, 1.0)))
    typing = EXAMPLES[frames.Typing]
    assert len(session.on_frame(typing, NOW)) == 1
    assert session.on_frame(typing, NOW) == ()


@given(st.lists(st.tuples(st.sampled_from(list(EXAMPLES.values())), st.floats(0, 0.5))))
def test_no_sequence_of_frames_raises_and_every_request_has_at_most_one_answer(
    sent: list[tuple[frames.ClientFrame, float]],
) -> None:
    """Whatever comes in whatever order: at most one effect and one close, and nothing after a close."""
    session, now, closed = Session(Terms(), NOW), NOW, False
    for frame, pause in sent:
        now += pause
        got = session.on_frame(frame, now)
        assert not (closed and got)
        if any(isinstance(effect, effects.Authenticate) for effect in got):
            session.verified(FakeTokens().verify(token()), Clock())
            session.admitted()
        closes = [effect for effect in got if isinstance(effect, effects.CloseWith)]
        assert len(got) - len(closes) <= 1
        closed = closed or bool(closes)
        assert closed is (session.state is State.closing)


def test_without_authentication_it_is_stale() -> None:
    """The deadline holds until a token is being looked at."""
    session = Session(replace(Terms(), auth_within_s=5.0), NOW)
    assert session.deadline == NOW + 5.0
    assert session.due(NOW + 4.9) == ()
    [close] = session.due(NOW + 5.0)
    assert isinstance(close, effects.CloseWith)
    assert close.code == Close.stale


def test_a_token_holds_until_its_end_and_the_grace_and_a_new_one_goes_on() -> None:
    """Refresh must be of the same person and session."""
    session = entered(replace(Terms(), token_grace_s=25.0), expires_at_ms=10_000)
    assert session.deadline == NOW + 35.0
    other = FakeTokens().verify(token(person=99))
    [refused] = session.refreshed(3, other, Clock())
    assert isinstance(refused, effects.Answer)
    assert isinstance(refused.frame, frames.Error)
    assert refused.frame.code == Code.unauthorized
    assert session.deadline == NOW + 35.0
    [done] = session.refreshed(4, FakeTokens().verify(token(expires_at_ms=99_000)), Clock())
    assert done == effects.Answer(frames.Ok(4))
    assert session.deadline == NOW + 124.0
    [close] = session.due(NOW + 124.0)
    assert isinstance(close, effects.CloseWith)
    assert close.code == Close.token_expired


@pytest.mark.parametrize(
    ("why", "code"),
    [
        (Refused(Code.unauthorized, "x"), Close.unauthorized),
        (Refused(Code.token_expired, "x"), Close.token_expired),
        (unavailable("the database"), Close.internal),
    ],
)
def test_a_refused_authentication_ends_with_advice_that_fits(why: Refused, code: Close) -> None:
    """Log in anew, refresh, or come back."""
    session = Session(Terms(), NOW)
    answer, close = session.refused(1, why)
    assert isinstance(answer, effects.Answer)
    assert isinstance(close, effects.CloseWith)
    assert close.code == code


@pytest.mark.parametrize(
    ("older", "newer"),
    [("", "1"), ("1.9", "1.10"), ("2", "2.0.1"), ("1.2-beta", "1.2"), ("x.y", "0.1")],
)
def test_versions_compare_by_their_numbers(older: str, newer: str) -> None:
    """Dotted numbers; what is no number counts as 0."""
    assert version_of(older) < version_of(newer)


def test_an_entry_of_the_table_is_needed_for_every_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without its row a frame is refused, whoever sends it."""
    session = entered()
    rules = {kind: rule for kind, rule in FRAME_RULES.items() if kind is not frames.Ping}
    monkeypatch.setattr(session_rules, "FRAME_RULES", rules)
    [refused] = session.on_frame(frames.Ping(1), NOW)
    assert isinstance(refused, effects.Answer)
    assert isinstance(refused.frame, frames.Error)
    assert refused.frame.code == Code.permission_denied


def test_ids_survive() -> None:
    """Answers carry the id of their request."""
    [got] = entered().on_frame(frames.Auth(77, ""), NOW)
    assert isinstance(got, effects.Answer)
    assert got.frame.id == 77
