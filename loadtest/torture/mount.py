"""A small file system in memory, for a disk that can be full.

Owns mounting and unmounting it. Must never be needed by anybody who is not root: `cannot_mount` says so first.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path


def cannot_mount() -> str | None:
    """Why this machine does not let us, or None."""
    if os.geteuid() != 0:
        return "only root can mount a small file system"
    with tempfile.TemporaryDirectory() as directory:
        try:
            mount(Path(directory), 1)
        except (OSError, subprocess.CalledProcessError):
            return "this machine does not let us mount a file system"
        unmount(Path(directory))
    return None


def mount(at: Path, mib: int) -> None:
    """A new, empty one. Raises CalledProcessError."""
    at.mkdir(parents=True, exist_ok=True)
    command = ["/bin/mount", "-t", "tmpfs", "-o", f"size={mib}m", "tmpfs", str(at)]
    subprocess.run(command, check=True, capture_output=True)


def unmount(at: Path) -> None:
    """Gone with all that is in it; harmless where there is none."""
    subprocess.run(["/bin/umount", "-l", str(at)], check=False, capture_output=True)
