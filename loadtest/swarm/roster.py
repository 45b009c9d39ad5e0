"""Who plays: a file of people that `python -m loadtest people` made, and who of them plays in this process.

Owns the file's form, and that no two users are the same person: a device has one socket, so the second would end the
first. Must never print a token; the file is for its owner's eyes alone.
"""

from __future__ import annotations

from collections import deque
from math import lcm
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from loadtest.swarm.passport import Passport

_FORM: Final = 1


class RosterError(Exception):
    """There is nobody to play; the message says why."""


class People(Struct):
    """A file of people. `tokens[p]` is person `p`'s; they end at `ends_at_ms` by the wall clock."""

    tokens: list[str]
    ends_at_ms: int
    form: int = _FORM

    def write(self, path: Path) -> None:
        """Readable by its owner alone."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.chmod(0o600)
        path.write_bytes(msgspec.json.encode(self))


def read(path: Path, wall_ms: int) -> People:
    """What is in the file. Raises `RosterError` if it is no such file, or its tokens have ended."""
    try:
        people = msgspec.json.decode(path.read_bytes(), type=People)
    except (OSError, msgspec.DecodeError) as problem:
        raise RosterError(f"{path}: {problem}") from None
    if people.form != _FORM or not people.tokens:
        raise RosterError(f"{path} holds nobody; make it by: python -m loadtest people")
    if people.ends_at_ms <= wall_ms:
        raise RosterError(
            f"the tokens in {path} have ended; make it anew: python -m loadtest people"
        )
    return people


class Roster:
    """The people of one process, each lent to one user at a time."""

    def __init__(self, tokens: list[str], hubs: int, worker: int, workers: int) -> None:
        """Person `p` is on hub `p % hubs`; each process has as many people, of every hub. Raises `RosterError`."""
        if not 0 <= worker < workers:
            raise RosterError(
                f"this is worker {worker + 1}, and people are dealt to {workers}: "
                "tell the master --expect-workers"
            )
        round_ = lcm(
            hubs, workers
        )  # where they share a factor, turn by turn alone would part the hubs
        self._free = deque(
            Passport(number, token)
            for number, token in enumerate(tokens)
            if (number + number // round_) % workers == worker
        )
        self.size = len(self._free)

    def borrow(self) -> Passport:
        """Somebody who is not playing. Raises `RosterError`."""
        if not self._free:
            raise RosterError(f"all {self.size} people of this process play already")
        return self._free.popleft()

    def give_back(self, passport: Passport) -> None:
        """Another user may be them."""
        self._free.append(passport)
