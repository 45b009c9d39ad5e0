"""Owns whom a child runs as when we are root: Postgres refuses to be root.

First choice is a user namespace of the child's own, which needs no other account and changes no
file's owner. Where that is refused (a container without the right), an account of the system
that is not root. It never changes the owner of anything but the directory it is given.
"""

import asyncio
import os
import pwd
import signal
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

_LEASH = Path(__file__).with_name("leash.py")
_PROBE_WITHIN_S = 20.0
_ACCOUNTS = ("postgres", "nobody")


class CannotDropRootError(Exception):
    """No way to run a program as anybody but root; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom a child runs as: options of the leash, and who must own its files."""

    leash_options: tuple[str, ...]
    uid: int
    gid: int


SELF = Identity((), -1, -1)


def leashed(
    argv: Sequence[str],
    identity: Identity = SELF,
    death_signal: signal.Signals = signal.SIGKILL,
    reach: Path | None = None,
) -> tuple[str, ...]:
    """The command that runs `argv` as `identity` and ends it when we die (see leash.py)."""
    interpreter = (sys.executable, "-I", "-S", str(_LEASH))
    ties = ("--parent", str(os.getpid()), "--death-signal", str(int(death_signal)))
    must_reach = ("--reach", str(reach)) if reach is not None else ()
    return (*interpreter, *ties, *identity.leash_options, *must_reach, "--", *argv)


async def not_root(probe: Sequence[str], home: Path) -> Identity:
    """Whom to run as so that `probe` works and `home` can be written; `home` is theirs after."""
    if os.geteuid() != 0:
        return SELF
    refusals = []
    for identity in _candidates():
        _give(home, identity)
        refusal = await _refusal(identity, probe, home)
        if refusal is None:
            return identity
        refusals.append(refusal)
    _give(home, Identity((), 0, 0))
    raise CannotDropRootError(
        "Postgres does not run as root, and running it as somebody else failed"
        f" ({'; '.join(refusals)}). Start as an ordinary user, set MUSTER_DATA to a directory that"
        f" the account '{_ACCOUNTS[-1]}' can reach, or set MUSTER_DATABASE_URL to a Postgres of"
        " yours."
    )


def _candidates() -> Iterator[Identity]:
    if sys.platform == "linux":
        yield Identity(("--userns",), 0, 0)
    for name in _ACCOUNTS:
        try:
            account = pwd.getpwnam(name)
        except KeyError:
            continue
        uid, gid = account.pw_uid, account.pw_gid
        yield Identity(("--uid", str(uid), "--gid", str(gid)), uid, gid)


async def _refusal(identity: Identity, probe: Sequence[str], home: Path) -> str | None:
    """Why `probe` does not run as `identity`, or None when it does."""
    process = await asyncio.create_subprocess_exec(
        *leashed(probe, identity, reach=home),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(_PROBE_WITHIN_S):
        _, complaint = await process.communicate()
    if process.returncode == 0:
        return None
    return complaint.decode(errors="replace").strip() or f"exit code {process.returncode}"


def _give(home: Path, identity: Identity) -> None:
    """Make `identity` the owner of `home` and all below it, unless it is already."""
    if home.stat().st_uid == identity.uid:
        return
    for directory, _, files in os.walk(home):
        os.chown(directory, identity.uid, identity.gid)
        for name in files:
            os.chown(Path(directory, name), identity.uid, identity.gid, follow_symlinks=False)
