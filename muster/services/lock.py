"""Owns the rule that a data directory has one `muster up` at a time.

The lock is the kernel's: it is gone with the process, however that ends. The pid in the file is
only for the sentence that the second one prints.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class DataDirectoryError(Exception):
    """The data directory is in use or of no use; the message says why and what to do."""


@contextmanager
def only_one(data: Path) -> Iterator[None]:
    """Hold the lock of `data` while inside."""
    try:
        data.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(data / "up.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise DataDirectoryError(
            f"the data directory {data.absolute()} cannot be used ({error.strerror});"
            " set MUSTER_DATA to one that can."
        ) from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 20, 0).decode(errors="replace").strip()
            raise DataDirectoryError(
                f"'muster up' already runs on {data.absolute()} (process {holder or 'unknown'});"
                " stop it, or set MUSTER_DATA to another directory."
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)
