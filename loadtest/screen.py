"""Where a chat is read and written: a terminal, or lines in and lines out.

Owns standard input and output. Must never know what a line means.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from prompt_toolkit import PromptSession
from prompt_toolkit.patch_stdout import patch_stdout


class Screen(Protocol):
    """One or the other."""

    async def run(self, on_line: Callable[[str], bool], on_typing: Callable[[], None]) -> None:
        """Pass on what is typed, until the end of it or until no more is wanted."""
        ...

    def show(self, line: str) -> None:
        """Write a line."""
        ...

    def here(self, room: str) -> None:
        """The room that what is typed goes to."""
        ...


class Terminal:
    """A prompt at the bottom, everything else above it."""

    def __init__(self) -> None:
        self._room = ""

    async def run(self, on_line: Callable[[str], bool], on_typing: Callable[[], None]) -> None:
        session: PromptSession[str] = PromptSession(erase_when_done=True)
        session.default_buffer.on_text_changed += lambda _: on_typing()
        with patch_stdout(), suppress(EOFError, KeyboardInterrupt):
            while on_line(await session.prompt_async(lambda: f"{self._room}> ")):
                pass

    def show(self, line: str) -> None:
        print(line)

    def here(self, room: str) -> None:
        self._room = room


class Lines:
    """For pipes, scripts and tests."""

    async def run(self, on_line: Callable[[str], bool], on_typing: Callable[[], None]) -> None:
        del on_typing  # nobody types
        loop = asyncio.get_running_loop()
        lines: asyncio.Queue[str] = asyncio.Queue()

        def read() -> None:
            with suppress(RuntimeError):  # the loop is closed: nobody wants the rest
                for line in sys.stdin:
                    loop.call_soon_threadsafe(lines.put_nowait, line)
                loop.call_soon_threadsafe(lines.put_nowait, "")

        # A daemon, for no one can interrupt a read: it must not keep the process alive.
        threading.Thread(target=read, daemon=True).start()
        while (line := await lines.get()) and on_line(line):
            pass

    def show(self, line: str) -> None:
        print(line, flush=True)

    def here(self, room: str) -> None:
        del room


def screen() -> Screen:
    """What this process has."""
    return Terminal() if sys.stdin.isatty() and sys.stdout.isatty() else Lines()
