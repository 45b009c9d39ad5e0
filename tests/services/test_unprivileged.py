"""The claims of muster/services/unprivileged.py and leash.py."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from muster.services.unprivileged import CannotDropRootError, Identity, leashed, not_root

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="there is nothing to drop")
_WHO = (sys.executable, "-I", "-S", "-c", "import os; print(os.geteuid())")


@as_root
async def test_root_becomes_somebody_else_in_the_child(tmp_path: Path) -> None:
    """A program that refuses root sees another user, and can write the directory."""
    identity = await not_root(("true",), tmp_path)
    assert await _output(leashed(_WHO, identity)) != "0"
    await _output(leashed(("touch", str(tmp_path / "file")), identity, reach=tmp_path))
    assert (tmp_path / "file").exists()


@as_root
async def test_an_account_of_the_system_serves_where_namespaces_are_refused(
    tmp_path: Path,
) -> None:
    """The fallback drops all groups and becomes that account."""
    nobody = Identity(("--uid", "65534", "--gid", "65534"), 65534, 65534)
    assert await _output(leashed(("id", "-u"), nobody)) == "65534"


@as_root
async def test_when_nothing_works_the_sentence_says_what_to_do(tmp_path: Path) -> None:
    """A probe that cannot run anywhere ends in advice, and the directory is root's again."""
    with pytest.raises(CannotDropRootError, match="MUSTER_DATABASE_URL"):
        await not_root(("false",), tmp_path)
    assert tmp_path.stat().st_uid == 0


async def _output(argv: tuple[str, ...]) -> str:
    process = await asyncio.create_subprocess_exec(*argv, stdout=asyncio.subprocess.PIPE)
    async with asyncio.timeout(10):
        output, _ = await process.communicate()
    assert process.returncode == 0
    return output.decode().strip()
