"""Holdings: everything that is kept of somebody, wherever it lies, and what becomes of it.

One rule per table of Postgres (muster/held_rows.py), per family of keys in Redis and per area of the depot. What a copy
holds and what an erasure removes is made of these rules; tests hold them against the real schema and the real keys, so
that whatever is added without a rule fails. Owns the shape of a rule and the rules of Redis and the depot. Pure: must
never ask a store.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple


class Fate(StrEnum):
    """What an erasure does with rows of somebody."""

    delete = "delete"
    """They go."""

    empty = "empty"
    """They stay, as a place or a proof, without words: what is left is an id."""

    keep = "keep"
    """They stay as they are: ids and times, for the reason that stands beside."""

    nobody = "nobody"
    """They are nobody's."""


class Find(StrEnum):
    """How rows of somebody are found."""

    own = "own"
    """By one of the columns `mine`, which has an index."""

    room = "room"
    """By one of the columns `mine`, in each room they are or were in."""

    special = "special"
    """By a query of its own, in the store."""

    none = "none"
    """They are not: see `why`."""


class Table(NamedTuple):
    """The rule of one table. Every column stands in exactly one of the texts, separated by blanks.

    `mine` name whose a row is; `others` name other people or things; `words` are what somebody said, or what describes
    them; `plain` are numbers, states and times. `closed` opens something, or says something of somebody else: no copy
    holds it. `sealed` lies sealed, and is opened for a copy.
    """

    name: str
    fate: Fate
    find: Find
    key: str
    mine: str = ""
    others: str = ""
    words: str = ""
    plain: str = ""
    closed: str = ""
    sealed: str = ""
    why: str = ""

    @property
    def columns(self) -> list[str]:
        """All of them, as often as they stand."""
        texts = (self.mine, self.others, self.words, self.plain, self.closed, self.sealed)
        return [name for text in texts for name in text.split()]

    @property
    def exported(self) -> list[str]:
        """What a copy holds of a row, but for what is opened first."""
        texts = (self.mine, self.others, self.words, self.plain)
        return [name for text in texts for name in text.split()]


class Elsewhere(NamedTuple):
    """The rule of a family of keys, or of an area."""

    name: str
    fate: Fate
    why: str


REDIS: Final = (
    Elsewhere("lane", Fate.keep, "entries under way: trimmed by age and length, emptied by the next ones"),
    Elsewhere("epoch", Fate.nobody, "of a lane"),
    Elsewhere("person", Fate.delete, "devices that are there, what is shown of somebody"),
    Elsewhere("byes", Fate.delete, "how often somebody said goodbye"),
    Elsewhere("hub", Fate.keep, "ids of devices with a socket: goes with the socket"),
    Elsewhere("roll", Fate.nobody, "hubs and a counter"),
    Elsewhere("edges", Fate.keep, "who came and went: a short stream, trimmed as it grows"),
    Elsewhere("hubs", Fate.nobody, "which hubs there are"),
    Elsewhere("sweeps", Fate.nobody, "of hubs"),
    Elsewhere("standing", Fate.delete, "in which ring around an event somebody was"),
    Elsewhere("standings", Fate.nobody, "of a bucket"),
    Elsewhere("standings:due", Fate.delete, "when somebody's standing is looked at"),
    Elsewhere("push", Fate.keep, "ids of people and rooms: judged once more, and then over"),
    Elsewhere("claim", Fate.keep, "ids of devices: runs out by itself"),
    Elsewhere("spent", Fate.keep, "ids of devices: runs out by itself"),
    Elsewhere("push:token", Fate.nobody, "this service's own word for a provider"),
    Elsewhere("toll", Fate.keep, "how much of a limit is used up, under a hash: runs out by itself"),
    Elsewhere("attempts", Fate.keep, "wrong passwords, under a hash: runs out by itself"),
    Elsewhere("known", Fate.keep, "installs that logged in, under a hash: runs out by itself"),
    Elsewhere("nonce", Fate.nobody, "of service keys, hashed"),
)  # fmt: skip
"""Every family of keys, by the word of its name."""

DEPOT: Final = (
    Elsewhere("media", Fate.delete, "what somebody uploaded, and copies that they asked for"),
    Elsewhere("quarantine", Fate.delete, "what somebody uploaded and nobody has looked at yet"),
)
"""Every area of the depot."""
