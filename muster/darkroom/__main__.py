"""A worker of the darkroom: `python -m muster.darkroom`, started by pool.py with nothing in its environment.

Asked by a line of JSON on stdin, answers with one on stdout, one upload after another. Owns what it may use: memory,
processor time per upload, sizes of files, no core dump. Whatever an upload makes a decoder do, the worst is that this
process ends. Must never open a connection or read a setting.
"""

from __future__ import annotations

import os
import resource
import sys
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

from muster.darkroom.boxes import blank
from muster.darkroom.picture import develop
from muster.darkroom.pool import Answer, Ask
from muster.media import Refusal, Unfit

FILE_BYTES: Final = 256 << 20
"""No file it writes grows beyond this, whatever a box says of itself."""

FILES: Final = 32


def main() -> int:
    """Until stdin ends."""
    # What a library may print must not get between the answers.
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    asks = msgspec.json.Decoder(Ask)
    encode = msgspec.json.encode
    for line in sys.stdin.buffer:
        answers.write(encode(_answer(asks.decode(line))) + b"\n")
    return 0


def _answer(ask: Ask) -> Answer:
    _bound(ask)
    source = Path(ask.source)
    try:
        if ask.boxes:
            with source.open("r+b") as file:
                return Answer(blanked=_blank(file))
        return Answer(developed=develop(source, source.parent, ask.pixels))
    except Unfit as unfit:
        return Answer(refusal=unfit.refusal)
    except MemoryError:
        return Answer(refusal=Refusal.too_costly)
    except Exception:  # noqa: BLE001  # whatever a hostile file makes a decoder raise: it cannot be read
        return Answer(refusal=Refusal.unreadable)


def _blank(file: BinaryIO) -> int:
    return blank(file, file.seek(0, os.SEEK_END))


def _bound(ask: Ask) -> None:
    """Memory and files once; processor time from what was used so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = int(used.ru_utime + used.ru_stime + ask.cpu_s) + 1
    for limit, most in (
        (resource.RLIMIT_AS, ask.memory_bytes),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_FSIZE, FILE_BYTES),
        (resource.RLIMIT_NOFILE, FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(limit)[1]
        allowed = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(limit, (allowed, hard))


if __name__ == "__main__":
    sys.exit(main())
