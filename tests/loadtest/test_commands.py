"""What is typed into the chat is understood, or said to be wrong."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.commands import NAMES, Command, parse


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("hello there", Command("say", "hello there")),
        ("//etc is a path", Command("say", "/etc is a path")),
        ("/me waves", Command("me", "waves")),
        ("/edit #12 better", Command("edit", "better", 12)),
        ("/edit better", Command("edit", "better")),
        ("/delete", Command("delete")),
        ("/delete #3", Command("delete", "", 3)),
        ("/react 👍", Command("react", "👍")),
        ("/dm @bob hi there", Command("dm", "hi there", None, "bob")),
        ("/join the kitchen", Command("join", "the kitchen")),
        (" /quit ", Command("quit")),
    ],
)
def test_forms(line: str, expected: Command) -> None:
    """Each command as its help writes it."""
    assert parse(line) == expected


@pytest.mark.parametrize("line", ["/nothing", "/", "/me", "/dm bob hi", "/dm @bob", "/join  "])
def test_wrong_is_said(line: str) -> None:
    """What cannot be done names what to do instead."""
    command = parse(line)
    assert command is not None
    assert command.name == "wrong"
    assert "/" in command.text


@given(st.text())
def test_anything_is_a_command_or_nothing(line: str) -> None:
    """No line is an error of the program."""
    command = parse(line)
    assert (command is None) == (not line.strip())
    assert command is None or command.name in {*NAMES, "say", "wrong"}
