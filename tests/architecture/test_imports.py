"""Importing any module is free: silent, reads no environment, starts nothing, connects nowhere."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.architecture.source import PACKAGES, ROOT, modules

_SCRIPT = Path(__file__).with_name("import_all.py")
_BREACH = """
import os, subprocess, sys
from prometheus_client import Counter
os.environ.get("MUSTER_DATA")
os.getenv("HOME")
subprocess.run([sys.executable, "-c", ""], check=True)
Counter("everywhere", "a metric of the global registry")
"""


def test_importing_every_module_is_free_and_silent() -> None:
    """In a bare process: no output, no variable read, no thread, socket, process, global metric."""
    # Alembic executes env.py inside a migration, and Locust the locustfile in a process that it patches.
    executed = {"muster.stores.migrations.env", "loadtest.locustfile"}
    names = {module.name for module in modules(*PACKAGES)} - executed
    done = _import(ROOT, sorted(names))
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)


def test_the_test_above_sees_a_breach(tmp_path: Path) -> None:
    """A module that does all that is complained about, thing by thing."""
    (tmp_path / "breach.py").write_text(_BREACH)
    done = _import(tmp_path, ["breach"])
    assert done.returncode == 1
    for complaint in ("reads MUSTER_DATA", "reads HOME", "subprocess.Popen", "global metric"):
        assert complaint in done.stderr


def _import(root: Path, names: Sequence[str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-W", "error", str(_SCRIPT), str(root), *names],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
