"""Turns the lines of an IRC log into steps for accounts.

Owns who is who: a nick is an account, a nick change keeps it, and presence is made up where the
log is silent about it. The log shows no quits, so

    a nick without a join line joins at its first message
    a join of somebody present is a lost connection that came back: the socket is dropped
    a change to a nick somebody else still holds means that the other has quit: they leave

Pure. Must never talk to a server.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import Final, NamedTuple

from loadtest.irc import Line, LineKind

HANDLE_CHARS: Final = 20


class Act(Enum):
    """What an account does."""

    join = "join"
    leave = "leave"
    say = "say"
    act = "act"
    rename = "rename"
    reconnect = "reconnect"


class Step(NamedTuple):
    """At this moment, this account does this. `text` is what is said, or the new name.

    `room`: where it is said; 0 is the log's own.
    """

    at_s: float
    actor: int
    act: Act
    text: str = ""
    room: int = 0


class Cast(NamedTuple):
    """The names of all accounts, by number, and everything they do, in order."""

    names: list[str]
    steps: list[Step]


class _Casting:
    def __init__(self) -> None:
        self.names: list[str] = []
        self.steps: list[Step] = []
        self._actors: dict[str, int] = {}
        self._present: set[int] = set()

    def add(self, line: Line) -> None:
        match line.kind:
            case LineKind.join:
                self._join(line)
            case LineKind.leave:
                self._leave(line.at_s, self._actor(line.nick))
            case LineKind.rename:
                self._rename(line)
            case LineKind.message | LineKind.action:
                self._speak(line)

    def _actor(self, nick: str) -> int:
        if nick not in self._actors:
            self._actors[nick] = len(self.names)
            self.names.append(nick)
        return self._actors[nick]

    def _enter(self, at_s: float, actor: int) -> None:
        self._present.add(actor)
        self.steps.append(Step(at_s, actor, Act.join))

    def _join(self, line: Line) -> None:
        actor = self._actor(line.nick)
        if actor in self._present:
            self.steps.append(Step(line.at_s, actor, Act.reconnect))
        else:
            self._enter(line.at_s, actor)

    def _leave(self, at_s: float, actor: int) -> None:
        if actor in self._present:
            self._present.remove(actor)
            self.steps.append(Step(at_s, actor, Act.leave))

    def _rename(self, line: Line) -> None:
        if line.nick == line.text:
            return
        actor = self._actor(line.nick)
        replaced = self._actors.get(line.text)
        if replaced is not None:
            self._leave(line.at_s, replaced)
        del self._actors[line.nick]
        self._actors[line.text] = actor
        self.steps.append(Step(line.at_s, actor, Act.rename, line.text))

    def _speak(self, line: Line) -> None:
        if not line.text.strip():
            return
        actor = self._actor(line.nick)
        if actor not in self._present:
            self._enter(line.at_s, actor)
        act = Act.say if line.kind is LineKind.message else Act.act
        self.steps.append(Step(line.at_s, actor, act, line.text))


def cast(lines: Iterable[Line]) -> Cast:
    """Everybody in the log and what they do. Lines in which nothing is said are left out."""
    casting = _Casting()
    for line in lines:
        casting.add(line)
    return Cast(casting.names, casting.steps)


def handle(nick: str, number: int, run: str) -> str:
    """A handle for this nick: valid anywhere and unique in this run."""
    kept = "".join(char for char in nick.lower() if char.isascii() and char.isalnum())
    return f"{kept[:HANDLE_CHARS] or 'nick'}_{run}{number}"
