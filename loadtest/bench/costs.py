"""What a run costs the machine: processor time, memory and descriptors of processes, from /proc.

Owns the reading of /proc. Must never ask a process itself: one that is busy would answer late.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from time import monotonic
from typing import Final

_PROC: Final = Path("/proc")
_TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")
_PARENT, _USER, _SYSTEM = 1, 11, 12
"""Places in /proc/PID/stat after the name, which may hold anything."""


def processor_s(roots: Mapping[str, int]) -> dict[str, float]:
    """Seconds of processor time used so far, by name: of each process and all its living descendants."""
    stats = _stats()
    ticks = dict.fromkeys(roots, 0)
    names = {pid: name for name, pid in roots.items()}
    for pid, stat in stats.items():
        name = _owner(pid, stats, names)
        if name is not None:
            ticks[name] += stat[1]
    return {name: count / _TICKS_PER_S for name, count in ticks.items()}


class Meter:
    """The share of one core that each of these uses from now on; descendants that end meanwhile are not in it."""

    def __init__(self, roots: Mapping[str, int]) -> None:
        self._roots = roots
        self._began, self._before = monotonic(), processor_s(roots)

    def spent(self) -> dict[str, float]:
        """Until now."""
        passed_s, after = monotonic() - self._began, processor_s(self._roots)
        return {name: (after[name] - self._before[name]) / passed_s for name in self._roots}


def family(root: int) -> list[int]:
    """This process and all its living descendants."""
    stats = _stats()
    return [pid for pid in stats if _owner(pid, stats, {root: ""}) is not None]


def waited_s(pids: Iterable[int]) -> float:
    """Seconds in which these processes could have run and none of the cores was free for them."""
    return sum(int((_PROC / str(pid) / "schedstat").read_text().split()[1]) for pid in pids) / 1e9


def resident_kib(pids: Iterable[int]) -> int:
    """Memory that these processes hold, shared pages counted in each."""
    return sum(_rss_kib(pid) for pid in pids)


def descriptors(pids: Iterable[int]) -> int:
    """Files and sockets that these processes have open."""
    return sum(len(list((_PROC / str(pid) / "fd").iterdir())) for pid in pids)


def cores() -> int:
    """On how many this process, and so all it starts, may run."""
    return len(os.sched_getaffinity(0))


def _rss_kib(pid: int) -> int:
    for line in (_PROC / str(pid) / "smaps_rollup").read_text().splitlines():
        if line.startswith("Rss:"):
            return int(line.split()[1])
    raise ValueError(f"/proc/{pid}/smaps_rollup names no Rss")


def _stats() -> dict[int, tuple[int, int]]:
    """Parent and ticks of every process there is."""
    found: dict[int, tuple[int, int]] = {}
    for entry in _PROC.iterdir():
        if not entry.name.isdigit():
            continue
        try:
            stat = (entry / "stat").read_text()
        except OSError:
            continue  # it has ended
        fields = stat.rpartition(")")[2].split()
        found[int(entry.name)] = (
            int(fields[_PARENT]),
            int(fields[_USER]) + int(fields[_SYSTEM]),
        )
    return found


def _owner(pid: int, stats: Mapping[int, tuple[int, int]], names: Mapping[int, str]) -> str | None:
    """The nearest named process at or above this one."""
    while pid in stats:
        if pid in names:
            return names[pid]
        pid = stats[pid][0]
    return None
