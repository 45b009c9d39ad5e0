"""One line that shows how far a run is, on a terminal and nowhere else.

Owns that line. Must never write to a pipe or a file.
"""

from __future__ import annotations

import sys
from typing import Final, TextIO

WIDTH: Final = 28


class Progress:
    """A bar on standard error."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out if out is not None else sys.stderr
        self._shown = self._out.isatty()

    def show(self, done: float, total: float, note: str) -> None:
        """Draw the bar anew."""
        if self._shown:
            share = min(1.0, done / total) if total else 1.0
            bar = ("#" * int(share * WIDTH)).ljust(WIDTH, ".")
            self._out.write(f"\r\x1b[2K[{bar}] {share:4.0%}  {note}")
            self._out.flush()

    def end(self) -> None:
        """Take the bar away."""
        if self._shown:
            self._out.write("\r\x1b[2K")
            self._out.flush()

    def say(self, sentence: str) -> None:
        """A line of its own, kept, terminal or not."""
        self.end()
        self._out.write(sentence + "\n")
        self._out.flush()
