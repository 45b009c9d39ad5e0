"""Owns data/run.json: what `muster up` runs and where it listens, for doctor, chat and tests.

It holds passwords, so only its owner may read it. It is there exactly while everything is ready;
a reader must still expect it to be stale: a killed supervisor removes nothing.
"""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

_NAME = "run.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """What a `muster up` is running."""

    pid: int
    api_url: str
    hub_urls: tuple[str, ...]
    database_url: str
    redis_url: str
    keys_dir: str
    tls_cert: str | None
    children: dict[str, int]  # pids when all was ready: a restart since then is not in here
    phones_url: str | None = None  # where mock phones show what they were sent

    @property
    def alive(self) -> bool:
        """Whether the supervisor that wrote this still runs."""
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:  # it is somebody else's, so it is there
            return True
        return True


def write(data: Path, running: Running) -> None:
    """Replace the file in one step: a reader never sees half of it."""
    unfinished = data / f".{_NAME}.new"
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(asdict(running), file, indent=2)
    unfinished.rename(data / _NAME)


def read(data: Path) -> Running | None:
    """What runs on `data`, or None when nothing does."""
    try:
        found = json.loads((data / _NAME).read_text())
        found["hub_urls"] = tuple(found["hub_urls"])
        running = Running(**found)
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return running if running.alive else None


def remove(data: Path) -> None:
    """Nothing is ready any more."""
    (data / _NAME).unlink(missing_ok=True)
