"""The long run: `python -m tests.fuzz [--frames N] [--seed S] [--target NAME] [--guided]`.

Owns the figures: frames, rate, the slowest input, memory. A find is printed with its seed and number and kept in
build/fuzz; exit code 1. With `--guided`, atheris looks for inputs of its own (guided.py).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import subprocess
import sys
from pathlib import Path
from random import Random, SystemRandom
from time import perf_counter, process_time
from typing import Final

import structlog

from tests.fuzz import corpus
from tests.fuzz.mutation import mutations
from tests.fuzz.targets import TARGETS, connections
from tests.sim.time import JumpingLoop, passing

ROOT: Final = Path(__file__).parents[2]
FINDS: Final = ROOT / "build" / "fuzz"
SHARES: Final = {"codec": 0.6, "inlet": 0.3, "connection": 0.1}
"""Of the frames; a connection costs most."""

TALKS: Final = 0.5
"""Of a connection's inputs so many are well-formed frames, which noise seldom makes."""

WHEEL_S: Final = 130.0
"""One turn of a hub's wheel, of a time that jumps."""

WARM: Final = 0.1
GROWTH_MIB: Final = 16.0
SLOWEST_S: Final = 1.0
"""No input of at most 8 KiB may take longer, on a machine that does other things too."""


class Found(Exception):
    """An input for which a target's claim does not hold."""


class Figures:
    """What a run of one target came to."""

    def __init__(self, target: str, seed: int) -> None:
        self.target = target
        self.seed = seed
        self.inputs = self.frames = 0
        self.slowest_s = self.rss_mib = self.growth_mib = 0.0
        self._began = perf_counter()
        self._warm_mib = 0.0

    def ran(self, data: bytes, frames: int, seconds: float, wanted: int) -> None:
        """One input more. Raises `Found` if it took too long."""
        self.inputs += 1
        self.frames += frames
        self.slowest_s = max(self.slowest_s, seconds)
        if seconds > SLOWEST_S:
            raise Found(f"{len(data)} bytes took {seconds:.2f} s")
        if not self._warm_mib and self.frames >= wanted * WARM:
            self._warm_mib = _rss_mib()

    def finished(self) -> None:
        """Print them. Raises `Found` if memory grew."""
        self.rss_mib = _rss_mib()
        self.growth_mib = self.rss_mib - self._warm_mib
        took = perf_counter() - self._began
        figures = {
            "target": self.target,
            "seed": self.seed,
            "inputs": self.inputs,
            "frames": self.frames,
            "frames_per_s": round(self.frames / took),
            "slowest_ms": round(self.slowest_s * 1_000, 1),
            "rss_mib": round(self.rss_mib, 1),
            "growth_mib": round(self.growth_mib, 1),
        }
        print(json.dumps(figures), flush=True)
        if self.growth_mib > GROWTH_MIB:
            raise Found(f"memory grew by {self.growth_mib:.1f} MiB")


def _rss_mib() -> float:
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1_024


async def run(target: str, wanted: int, seed: int) -> Figures:
    """`wanted` frames for one target: what was kept first, then mutations. Raises `Found`."""
    rng = Random(seed)
    seeds = corpus.seeds(target)
    made = mutations(rng, seeds)
    figures = Figures(target, seed)
    waiting = iter(seeds)
    found: Found | None = None
    async with connections() as door:
        while figures.frames < wanted and found is None:
            if figures.inputs % 1_000 == 0:
                await passing(WHEEL_S)  # until the wheel has let go of those who are gone
            data = next(waiting, None)
            if data is None:
                speaks = target == "connection" and rng.random() < TALKS
                data = corpus.talk(rng) if speaks else next(made)
            began = process_time()
            try:
                one = TARGETS.get(target)
                frames = one(data) if one is not None else await door.connection(data)
                figures.ran(data, frames, process_time() - began, wanted)
            except Exception as fault:  # noqa: BLE001  # whatever it is, it is a find
                _keep(target, data)
                where = f"{target}, seed {seed}, input {figures.inputs + 1}: {data[:200].hex()}"
                found = Found(f"{where}: {type(fault).__name__}: {fault}")
                found.__cause__ = fault
    if found is not None:
        raise found  # out here: a TaskGroup would wrap it
    return figures


def _keep(target: str, data: bytes) -> None:
    FINDS.mkdir(parents=True, exist_ok=True)
    (FINDS / f"find-{target}").write_bytes(data)


def _quiet() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


def main() -> int:
    """Read the command line and run; the exit code."""
    asked = argparse.ArgumentParser(prog="python -m tests.fuzz")
    asked.add_argument("--frames", type=int, default=1_000_000)
    asked.add_argument("--seed", type=int, default=None)
    asked.add_argument("--target", choices=SHARES)
    asked.add_argument("--guided", action="store_true", help="look for inputs with atheris")
    given = asked.parse_args()
    seed = given.seed if given.seed is not None else SystemRandom().randrange(2**31)
    targets = [given.target] if given.target else list(SHARES)
    shares = {target: 1.0 if given.target else SHARES[target] for target in targets}
    if given.guided:
        return subprocess.call(
            [sys.executable, "-m", "tests.fuzz.guided", str(given.frames), str(seed), *targets]
        )
    _quiet()
    try:
        for target, share in shares.items():
            with asyncio.Runner(loop_factory=JumpingLoop) as runner:
                runner.run(run(target, int(given.frames * share), seed)).finished()
    except Found as found:
        print(f"found: {found}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
