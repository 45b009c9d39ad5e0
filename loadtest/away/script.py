"""Who of a log stays away, what each of them wants of pushes, and where every line is said.

A third of the people never come: what they said is left out. The log's own room is public and has the number 0;
everybody is also in one group (numbers from 1), and who speaks does so here or there. Where a line begins with
somebody's nick, it begins with `@` and their handle instead, so that it is a mention.

Owns this plan. Pure: the seed is passed in. Must never know what follows from a wish (rules.py).
"""

from __future__ import annotations

import re
from random import Random
from typing import Final, NamedTuple

from loadtest.cast import Act, Cast, Step, handle

GROUP_OF: Final = 24
"""People of a group, about."""

_AWAY: Final = 1 / 3
_IN_GROUP: Final = 0.4
_BLOCKS: Final = 1 / 6
_ADDRESS: Final = re.compile(r"([^\s,:;@]{2,})\s*[:,;](?=\s|$)")
_CHOICES: Final = (None, None, None, None, "all", "mentions", "none", "muted")
_WISHES: Final = ("all", "all", "all", "all", "all", "all", "mentions", "none")


class Absent(NamedTuple):
    """Somebody who is away. `group`: the number of theirs.

    `chosen`: of the public room and of the group: a level, muted, or nothing. `wish`: the level of whatever has none.
    `blocks`: the number of somebody they hide, if anybody.
    """

    number: int
    nick: str
    handle: str
    provider: str
    group: int
    chosen: tuple[str | None, str | None]
    wish: str
    blocks: int | None


class Script(NamedTuple):
    """`play` has steps of those alone who are there; `groups`: who is in each, by number."""

    play: Cast
    absent: tuple[Absent, ...]
    groups: tuple[tuple[int, ...], ...]


def script(play: Cast, seed: int, run: str) -> Script:
    """The plan for one run; `run` is in all of its handles."""
    random = Random(seed)
    everybody = list(range(len(play.names)))
    away = set(random.sample(everybody, round(len(everybody) * _AWAY)))
    groups = max(1, round(len(everybody) / GROUP_OF))
    present = [number for number in everybody if number not in away]
    handles = [handle(nick, number, run) for number, nick in enumerate(play.names)]
    absent = tuple(
        Absent(
            number,
            play.names[number],
            handles[number],
            "apns" if place % 2 else "fcm",
            number % groups + 1,
            (random.choice(_CHOICES), random.choice(_CHOICES)),
            random.choice(_WISHES),
            random.choice(present) if present and random.random() < _BLOCKS else None,
        )
        for place, number in enumerate(sorted(away))
    )
    return Script(
        Cast(play.names, _steps(play, away, groups, handles, random)),
        absent,
        tuple(tuple(everybody[group::groups]) for group in range(groups)),
    )


def _steps(
    play: Cast, away: set[int], groups: int, handles: list[str], random: Random
) -> list[Step]:
    nicks = {nick.casefold(): number for number, nick in enumerate(play.names)}
    steps = []
    for step in play.steps:
        if step.act is Act.rename:
            nicks[step.text.casefold()] = step.actor
        if step.actor in away:
            continue
        if step.act in (Act.say, Act.act):
            room = step.actor % groups + 1 if random.random() < _IN_GROUP else 0
            step = step._replace(text=_addressed(step.text, nicks, handles), room=room)  # noqa: PLW2901  # a step of ours
        steps.append(step)
    return steps


def _addressed(text: str, nicks: dict[str, int], handles: list[str]) -> str:
    """The log's own at signs are none here: `@here` would call everybody."""
    text = text.replace("@", "(at)")
    found = _ADDRESS.match(text)
    number = nicks.get(found[1].casefold()) if found else None
    if found is None or number is None:
        return text
    return f"@{handles[number]}:{text[found.end() :]}"
