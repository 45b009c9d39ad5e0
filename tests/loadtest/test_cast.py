"""A log's nicks become accounts whose presence makes sense."""

from hypothesis import given
from hypothesis import strategies as st

from loadtest.cast import Act, cast, handle
from loadtest.irc import Line, LineKind, parse


def _acts(text: str) -> list[tuple[str, str, str]]:
    play = cast(parse(text))
    return [(play.names[step.actor], step.act.value, step.text) for step in play.steps]


def test_first_message_joins() -> None:
    """Nobody speaks from outside."""
    assert _acts("[10:00] <ada> hi\n[10:01] <ada> again\n") == [
        ("ada", "join", ""),
        ("ada", "say", "hi"),
        ("ada", "say", "again"),
    ]


def test_join_of_somebody_present_is_a_reconnect() -> None:
    """The log shows no quits: the second join is the same person's connection coming back."""
    joined = "=== ada [a@b]  has joined #u\n"
    assert _acts(joined + joined) == [("ada", "join", ""), ("ada", "reconnect", "")]


def test_nick_change_keeps_the_account() -> None:
    """Ada is ada under any nick."""
    text = "[10:00] <ada> hi\n=== ada is now known as ada_\n[10:01] <ada_> me\n"
    assert _acts(text)[2:] == [("ada", "rename", "ada_"), ("ada", "say", "me")]


def test_nick_change_before_the_first_word() -> None:
    """Somebody known only by a nick change joins when they speak."""
    assert _acts("=== a is now known as b\n[10:00] <b> hi\n") == [
        ("a", "rename", "b"),
        ("a", "join", ""),
        ("a", "say", "hi"),
    ]


def test_taking_over_a_nick_sends_its_ghost_away() -> None:
    """Two cannot hold one nick: the first has quit unseen."""
    text = "[10:00] <ada> hi\n[10:00] <ada_> back\n=== ada_ is now known as ada\n[10:01] <ada> ok\n"
    assert _acts(text)[4:] == [
        ("ada", "leave", ""),
        ("ada_", "rename", "ada"),
        ("ada_", "say", "ok"),
    ]


def test_nothing_said_is_left_out() -> None:
    """A line without words is no message."""
    assert _acts("[10:00] <ada>\n=== bob [b@c]  has left #u []\n") == []


_nicks = st.sampled_from(["a", "b", "c", "d"])
_lines = st.builds(Line, st.just(0.0), st.sampled_from(list(LineKind)), _nicks, _nicks)


@given(st.lists(_lines, max_size=60))
def test_presence_makes_sense(lines: list[Line]) -> None:
    """Whatever the log claims, only members speak, reconnect and leave, and nobody joins twice."""
    present: set[int] = set()
    for step in cast(lines).steps:
        if step.act is Act.join:
            assert step.actor not in present
            present.add(step.actor)
        elif step.act is not Act.rename:
            assert step.actor in present
        if step.act is Act.leave:
            present.remove(step.actor)


@given(st.lists(st.text(max_size=30), max_size=30))
def test_handles_are_valid_and_unique(nicks: list[str]) -> None:
    """Any nick gives a handle of small letters, digits and underscores."""
    handles = [handle(nick, number, "x1n") for number, nick in enumerate(nicks)]
    assert len(set(handles)) == len(handles)
    assert all(len(h) <= 32 and h.replace("_", "").isalnum() and h.isascii() for h in handles)
