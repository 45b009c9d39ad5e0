"""Autobahn's wstest, put into build/autobahn: a program of Python 2.7, and the last of its kind.

Owns where it lies and how it gets there. It needs a Python 2.7 of the machine's and PyPI; without either it
says so, for a run that did not happen has proven nothing.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
HOME: Final = ROOT / "build" / "autobahn"
WSTEST: Final = HOME / "venv" / "bin" / "wstest"
SUITE: Final = "autobahntestsuite==25.10.1"
VIRTUALENV: Final = "virtualenv<20.22"  # the last that makes an environment of Python 2.7
_WITHIN_S: Final = 600.0


class Missing(Exception):
    """The suite cannot be had here; `str()` is a sentence."""


def wstest() -> Path:
    """The program; installed if it is not there yet. Raises `Missing`."""
    if not WSTEST.exists():
        python = _python2()
        _run(sys.executable, "-m", "pip", "install", "-q", "--target", HOME / "tools", VIRTUALENV)
        tools = {**os.environ, "PYTHONPATH": str(HOME / "tools")}
        _run(sys.executable, "-m", "virtualenv", "-q", "-p", python, HOME / "venv", env=tools)
        _run(HOME / "venv" / "bin" / "pip", "install", "-q", SUITE)
    return WSTEST


def _python2() -> str:
    """A Python 2.7 that runs: pyenv, for one, puts names on the PATH that do not."""
    pyenv = Path.home() / ".pyenv" / "versions"
    named = [shutil.which("python2.7"), shutil.which("python2")]
    found = [*filter(None, named), *map(str, sorted(pyenv.glob("2.7*/bin/python2.7")))]
    for each in found:
        asked = subprocess.run([each, "-c", "import ctypes"], capture_output=True, check=False)
        if asked.returncode == 0:
            return each
    raise Missing("Autobahn's suite needs a Python 2.7, and this machine has none (pyenv has)")


def _run(*command: str | Path, env: dict[str, str] | None = None) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True, env=env, timeout=_WITHIN_S)
    except subprocess.TimeoutExpired:
        raise Missing(f"{command[0]} took longer than {_WITHIN_S:.0f} s") from None
    except subprocess.CalledProcessError as error:
        last = (error.stderr or b"").decode(errors="replace").strip().splitlines()[-1:]
        raise Missing(f"{SUITE} cannot be installed: {' '.join(last)}") from None
