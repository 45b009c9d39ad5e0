"""A tar that is unpacked as it comes.

Owns the pipe between the two. Must never write outside the directory it is given, whatever the tar says.
"""

from __future__ import annotations

import asyncio
import os
import tarfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from muster.sealed_stream import Damaged

_DIRECTORY_MODE: Final = 0o700


async def unpack(stream: AsyncIterator[bytes], into: Path) -> None:
    """All of it. Raises `Damaged`, `OSError`, and what the stream raises."""
    read, write = os.pipe()
    extracting = asyncio.get_running_loop().run_in_executor(None, _extract, read, into)
    try:
        async for part in stream:
            await asyncio.to_thread(_write, write, part)
    except BrokenPipeError:  # the other end says why
        pass
    finally:
        os.close(write)  # the thread ends when the pipe does
        await asyncio.wait({extracting})
        failure = extracting.exception()
    if failure is not None:
        raise failure


def _extract(read: int, into: Path) -> None:
    into.mkdir(_DIRECTORY_MODE, parents=True, exist_ok=True)
    with os.fdopen(read, "rb") as pipe:
        try:
            with tarfile.open(fileobj=pipe, mode="r|") as tar:
                tar.extractall(into, filter="data")
            while pipe.read(1 << 20):  # what follows the tar's end, so that nobody writes in vain
                pass
        except tarfile.TarError:
            raise Damaged("the base backup is no tar that can be read") from None
    into.chmod(_DIRECTORY_MODE)


def _write(write: int, part: bytes) -> None:
    view = memoryview(part)
    while view:
        view = view[os.write(write, view) :]
