"""Runs in a new child between fork and exec: ties its life to its parent's and drops root.

Started as a plain script (`python -I -S leash.py ... -- program args`), because doing this in a
`preexec_fn` would run Python code in the forked copy of a process that has threads.

It imports only what the standard library gives without site-packages, and never returns: it
becomes the program or exits with one of the codes below and a sentence on standard error.
"""

import argparse
import ctypes
import os
import signal
import sys
from pathlib import Path
from typing import NoReturn

PARENT_GONE = 94
CANNOT_RUN = 95
OUT_OF_REACH = 96
NAMESPACE_REFUSED = 97

_CLONE_NEWUSER = 0x10000000
_PR_SET_PDEATHSIG = 1
_INNER_ID = 1000  # any non-zero id does: Postgres only refuses to be 0


def main(arguments: list[str]) -> NoReturn:
    """Apply the options in the one order that works, then become the program."""
    options = _parser().parse_args(arguments)
    if options.userns:
        _enter_user_namespace()
    elif options.uid is not None:
        os.setgroups([])
        os.setgid(options.gid)
        os.setuid(options.uid)
    # Only now: a change of credentials clears the death signal.
    if sys.platform == "linux":
        _die_with_parent(options.death_signal)
    if os.getppid() != options.parent:
        sys.exit(PARENT_GONE)
    if options.reach is not None and not os.access(options.reach, os.R_OK | os.W_OK | os.X_OK):
        _leave(OUT_OF_REACH, f"{options.reach} is out of reach for user {os.geteuid()}")
    try:
        os.execvp(options.program[0], options.program)  # noqa: S606  # becoming it is the job
    except OSError as error:
        _leave(CANNOT_RUN, f"cannot run {options.program[0]}: {error.strerror}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="leash")
    parser.add_argument("--parent", type=int, required=True)
    parser.add_argument("--death-signal", type=int, default=int(signal.SIGKILL))
    parser.add_argument("--userns", action="store_true")
    parser.add_argument("--uid", type=int)
    parser.add_argument("--gid", type=int)
    parser.add_argument("--reach")
    parser.add_argument("program", nargs="+")
    return parser


def _enter_user_namespace() -> None:
    """Stay the owner of our files, yet be nobody's root: outer ids map to a non-zero inner id."""
    outer_uid, outer_gid = os.geteuid(), os.getegid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWUSER) != 0:
        _leave(NAMESPACE_REFUSED, os.strerror(ctypes.get_errno()))
    try:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{_INNER_ID} {outer_uid} 1")
        Path("/proc/self/gid_map").write_text(f"{_INNER_ID} {outer_gid} 1")
    except OSError as error:
        _leave(NAMESPACE_REFUSED, str(error.strerror))


def _die_with_parent(death_signal: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, death_signal, 0, 0, 0) != 0:
        _leave(CANNOT_RUN, f"prctl: {os.strerror(ctypes.get_errno())}")


def _leave(code: int, sentence: str) -> NoReturn:
    sys.stderr.write(f"{sentence}\n")
    sys.exit(code)


if __name__ == "__main__":
    main(sys.argv[1:])
