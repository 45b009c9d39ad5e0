"""Run as a script in a bare process: imports modules and tells what they did meanwhile.

    python import_all.py ROOT MODULE ...      a complaint per line on standard error, exit code 1

It never imports anything of ours but the modules it is given.
"""

import importlib
import os
import sys
import threading
from typing import Any

import prometheus_client

_EVENTS = ("socket.connect", "socket.bind", "subprocess.Popen", "os.exec", "os.fork")
_root = ""
_complaints: list[str] = []


class _Watched(type(os.environ)):  # type: ignore[misc]  # there is no other name for the class
    """The environment, which tells when a module below the root reads it."""

    def __getitem__(self, key: str) -> Any:
        if _asked_by_ours():
            _complaints.append(f"reads {key}")
        return super().__getitem__(key)


def main(root: str, names: list[str]) -> str:
    """Import all; the complaints."""
    global _root  # noqa: PLW0603  # a script of one run
    _root = root
    sys.path.insert(0, root)
    os.environ.__class__ = _Watched
    sys.addaudithook(_on_audit)
    for name in names:
        before = len(_complaints)
        importlib.import_module(name)
        _complaints[before:] = [f"{name} {complaint}" for complaint in _complaints[before:]]
    if threading.active_count() > 1:
        _complaints.append(f"threads: {threading.enumerate()}")
    metrics = [metric.name for metric in prometheus_client.REGISTRY.collect()]
    globals_ = [name for name in metrics if not name.startswith(("python_", "process_"))]
    _complaints.extend(f"global metric {name}" for name in globals_)
    return "\n".join(_complaints)


def _asked_by_ours() -> bool:
    frame = sys._getframe(2)
    while frame.f_back is not None and frame.f_code.co_filename.startswith("<frozen"):
        frame = frame.f_back  # os.getenv and Mapping.get stand between
    path = frame.f_code.co_filename
    return path.startswith(_root) and "/.venv/" not in path


def _on_audit(event: str, arguments: tuple[Any, ...]) -> None:
    if event in _EVENTS:
        _complaints.append(f"{event} {arguments!r}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]) or 0)
