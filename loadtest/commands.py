"""What somebody typed into the chat.

Owns the commands and how they are written. Pure. Must never do what they say.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

HELP: Final = """\
/rooms              my rooms, and those anyone may join
/join NAME          go to a room; it is made if there is none
/dm @HANDLE TEXT    say something to one person
/me TEXT            do something
/edit [#N] TEXT     change my message N, else my last
/delete [#N]        take my message N back, else my last
/react [#N] EMOJI   react to message N, else to the last
/who                who is here
/leave              leave this room
/quit               go (Ctrl-D too)"""

_FORM: Final = re.compile(r"/(\w+)(?:\s+#(\d+))?(?:\s+(.*))?", re.DOTALL)
_NEEDS_TEXT: Final = frozenset({"join", "dm", "me", "edit", "react"})
NAMES: Final = frozenset({"rooms", "delete", "who", "leave", "quit", "help", *_NEEDS_TEXT})


class Command(NamedTuple):
    """`name` is a command's, `say` for plain text, or `wrong`, with the reason in `text`."""

    name: str
    text: str = ""
    seq: int | None = None
    handle: str = ""


def parse(line: str) -> Command | None:
    """A line as a command; None if nothing was typed. `//x` says `/x`."""
    line = line.strip()
    if not line:
        return None
    if not line.startswith("/") or line.startswith("//"):
        return Command("say", line.removeprefix("/") if line.startswith("//") else line)
    form = _FORM.fullmatch(line)
    if form is None or form[1] not in NAMES:
        return Command("wrong", f"there is no {line.split()[0]}; /help lists what there is")
    name, text = form[1], (form[3] or "").strip()
    if name == "dm":
        return _direct(text)
    if name in _NEEDS_TEXT and not text:
        return Command("wrong", f"/{name} needs something after it; see /help")
    return Command(name, text, int(form[2]) if form[2] else None)


def _direct(text: str) -> Command:
    handle, _, said = text.partition(" ")
    if not handle.startswith("@") or len(handle) == 1 or not said.strip():
        return Command("wrong", "it is written /dm @handle text")
    return Command("dm", said.strip(), handle=handle[1:])
