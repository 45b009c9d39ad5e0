"""Two people chat in two terminals, on two hubs, and notice a hub's death only by a line."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from loadtest.stack import Stack

pytestmark = pytest.mark.asyncio(loop_scope="session")
WITHIN_S = 20.0


class Terminal:
    """A chat as a process: lines in, lines out."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin
        assert process.stdout
        self._in, self._out = process.stdin, process.stdout
        self.process = process
        self.seen: list[str] = []

    def type(self, *lines: str) -> None:
        """Type these lines."""
        self._in.write("".join(line + "\n" for line in lines).encode())

    def end(self) -> None:
        """Ctrl-D."""
        self._in.close()

    async def shows(self, text: str) -> str:
        """The next line that holds this text."""
        async with asyncio.timeout(WITHIN_S):
            while True:
                line = (await self._out.readline()).decode()
                assert line, f"the chat ended; it showed {self.seen}"
                self.seen.append(line)
                if text in line:
                    return line


@asynccontextmanager
async def _chat(stack: Stack, data: Path, who: str, *options: str) -> AsyncIterator[Terminal]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "loadtest.chat", "--as", who, "--url", stack.api_url, *options),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, "MUSTER_DATA": str(data)},
    )
    terminal = Terminal(process)
    try:
        yield terminal
    finally:
        if process.returncode is None:
            terminal.end()
            async with asyncio.timeout(WITHIN_S):
                await process.communicate()


async def test_two_terminals_talk_through_two_hubs(stack: Stack, tmp_path: Path) -> None:
    """They register by themselves, see who comes, hear each other, and survive a hub."""
    async with (
        _chat(stack, tmp_path, "Ada", "--hub", "1") as ada,
        _chat(stack, tmp_path, "bob", "--hub", "2", "--json") as bob,
    ):
        await ada.shows("-- lobby")
        await bob.shows("-- lobby")
        await ada.shows("bob joined")
        ada.type("hello bob")
        assert "Ada: hello bob" in await bob.shows("hello bob")
        bob.type("hi", "/me waves", "/edit hello Ada", "/react 👍", "/who")
        await ada.shows("* bob waves")
        await ada.shows("hello Ada")
        assert "Ada" in await bob.shows("-- here:")
        bob.type("/dm @ada psst")
        assert "[@bob]" in await ada.shows("psst")
        await stack.kill_hub(1)
        await ada.shows("trying again")
        ada.type("/join lobby", "still here?")
        bob.type("/join lobby", "yes")
        await bob.shows("still here?")
        await ada.shows("bob: yes")
        ada.type("/quit")
        assert await ada.process.wait() == 0
    assert (tmp_path / "chat" / "ada.json").stat().st_mode & 0o777 == 0o600


async def test_same_name_comes_back_as_itself(stack: Stack, tmp_path: Path) -> None:
    """The password is kept: the second time, the history is there."""
    async with _chat(stack, tmp_path, "cyd", "--room", "kitchen") as first:
        await first.shows("-- kitchen")
        first.type("I was here")
        await first.shows("I was here")
    async with _chat(stack, tmp_path, "cyd", "--room", "kitchen") as second:
        await second.shows("cyd: I was here")


async def test_somebody_elses_name_is_refused(stack: Stack, tmp_path: Path) -> None:
    """A handle that is taken, on a machine that does not know its password."""
    async with _chat(stack, tmp_path, "dan") as real:
        await real.shows("-- lobby")
        async with _chat(stack, tmp_path / "elsewhere", "dan") as other:
            await other.shows("handle or password is wrong")
            assert await other.process.wait() == 1
