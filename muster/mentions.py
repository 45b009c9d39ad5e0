"""Mentions: who is meant by the @names in a text.

Owns how a name is found in words. Pure. Must never know who has which handle, or who may mention everybody: Postgres
looks that up where the message is judged (mention_v1), among the room's members.
"""

from __future__ import annotations

import re
from typing import Final

from msgspec import structs

from muster.people import fold
from muster.permission import ALLOW, Action
from proto import limits
from proto.entry import Body

HERE: Final = "here"
_NAMES_MOST: Final = 2 * limits.MENTIONS
"""Names looked up: some are nobody's."""

# Not the second half of an e-mail address, nor of "a/@b". A handle may hold dots and dashes, a sentence ends in them.
_NAME: Final = re.compile(r"(?<![\w.@/-])@([A-Za-z0-9_.-]{3,33})", re.ASCII)
_TAIL: Final = "._-"
_HANDLE_CHARS: Final = range(3, 33)


class Asking(Body, omit_defaults=True, gc=False):
    """A body that asks Postgres to look up names: `handles` per @name, the likeliest first; `may_here`: who may."""

    handles: list[list[str]] | None = None
    may_here: int | None = None


def names_in(text: str) -> list[list[str]]:
    """For each @name of a text the handles it may mean, folded: as long as it can be first."""
    found: dict[str, list[str]] = {}
    for match in _NAME.finditer(text):
        name = match[1]
        if name not in found:
            found[name] = _readings(fold(name))
        if len(found) == _NAMES_MOST:
            break
    return [readings for readings in found.values() if readings]


def _readings(name: str) -> list[str]:
    """`ada.-` may be ada.-, ada. and ada."""
    readings = [name]
    while name and name[-1] in _TAIL:
        name = name[:-1]
        readings.append(name)
    return [reading for reading in readings if len(reading) in _HANDLE_CHARS]


def asking(text: str, body: Body) -> Body:
    """The body of a message with this text, ready to be submitted; it asks nothing where nothing is to be asked."""
    names = names_in(text) if "@" in text else []
    here = body.here or any(HERE in readings for readings in names)
    handles = [readings for readings in names if HERE not in readings]
    if not (here or handles):
        return body
    said = structs.asdict(body) | {"here": here}
    return Asking(**said, handles=handles or None, may_here=ALLOW[Action.here])
