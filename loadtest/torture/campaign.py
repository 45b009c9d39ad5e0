"""Runs of scenarios, one after another: stacks started and reused, records judged, what failed kept.

Owns the order and the files. A run that failed is told and kept, never done again in the hope of better.
"""

from __future__ import annotations

import asyncio
import platform
import shutil
import subprocess
import tempfile
import traceback
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic
from typing import Final

from loadtest.torture import journal
from loadtest.torture.checker.verdict import Verdict, check
from loadtest.torture.line import RUNS
from loadtest.torture.play import Header, Note, play
from loadtest.torture.scenario import Scenario
from loadtest.torture.world import Shape, World, world

KEPT: Final = Path("data") / "torture"
"""Where the records of failed runs stay."""


@dataclass(frozen=True, slots=True)
class Result:
    """One run, judged. `skipped`: this machine cannot show it. `failure`: it did not come to an end."""

    scenario: str
    seed: int
    seconds: float
    verdict: Verdict | None = None
    complaints: tuple[str, ...] = ()
    skipped: str | None = None
    failure: str | None = None
    kept: Path | None = None

    @property
    def void(self) -> bool:
        """Proves nothing: the fault did not bite, or the machine cannot show it."""
        return self.skipped is not None or bool(self.verdict and self.verdict.void)

    @property
    def broken(self) -> bool:
        """A promise did not hold, or the run died of something."""
        verdict = self.verdict
        return bool(self.failure or self.complaints or (verdict is not None and verdict.broken))


class Campaign:
    """See the module. One stack at a time."""

    def __init__(self, note: Callable[[str], Note], launcher: tuple[str, ...] = ()) -> None:
        """`note` makes what is told of one run's progress; `launcher`: see `world.Shape`."""
        self._note = note
        self._launcher = launcher
        self._commit = _commit()

    def header(self, seed: int) -> Header:
        """What the record of a run with this seed begins with."""
        return Header(seed, self._commit, platform.node())

    async def run(self, scenario: Scenario, seeds: range) -> AsyncGenerator[Result, None]:
        """Once per seed. A stack is used again unless the scenario says not, or a run was not clean."""
        missing = scenario.needs()
        if missing is not None:
            yield Result(scenario.name, seeds.start, 0.0, skipped=missing)
            return
        shape = replace(scenario.shape, launcher=self._launcher)
        with tempfile.TemporaryDirectory(prefix="torture-", ignore_cleanup_errors=True) as home:
            exits, here = AsyncExitStack(), None
            try:
                for seed in seeds:
                    started = monotonic()
                    try:
                        if here is None:
                            here = await _up(exits, shape, Path(home) / "stack")
                        result = await self._one(scenario, here, seed, Path(home))
                    except Exception as error:  # noqa: BLE001  # whatever it was, the run did not hold
                        result = self._died(scenario, seed, started, error, Path(home))
                    if scenario.fresh or result.broken:
                        await exits.aclose()
                        exits, here = AsyncExitStack(), None
                    yield result
            finally:
                await exits.aclose()

    async def _one(self, scenario: Scenario, here: World, seed: int, home: Path) -> Result:
        started, folder = monotonic(), home / "history"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        await here.heal()
        name = f"{scenario.name} {seed}"
        played = await play(
            scenario, here, self.header(seed), folder / "load.jsonl", self._note(name)
        )
        verdict = await asyncio.to_thread(lambda: check(journal.read(folder)))
        result = Result(scenario.name, seed, monotonic() - started, verdict, played.complaints)
        if not result.broken and not verdict.void:
            return result
        return replace(result, kept=self._keep(scenario, seed, home))

    def _died(
        self, scenario: Scenario, seed: int, started: float, error: Exception, home: Path
    ) -> Result:
        kept = self._keep(scenario, seed, home)
        said = "; ".join(_sentences(error))
        trace = "".join(traceback.format_exception(error))
        (kept / "failure.txt").write_text(trace)
        return Result(scenario.name, seed, monotonic() - started, failure=said, kept=kept)

    def _keep(self, scenario: Scenario, seed: int, home: Path) -> Path:
        """The record, and what every process said."""
        kept = KEPT / f"{scenario.name}-{seed}"
        shutil.rmtree(kept, ignore_errors=True)
        kept.mkdir(parents=True)
        for found in (*home.glob("history/*.jsonl"), *home.glob("stack/**/*.log")):
            if found.is_file():
                shutil.copy(found, kept / found.name)
        return kept


async def _up(exits: AsyncExitStack, shape: Shape, directory: Path) -> World:
    return await exits.enter_async_context(world(shape, directory))


def _sentences(error: BaseException) -> list[str]:
    if isinstance(error, BaseExceptionGroup):
        return [said for each in error.exceptions for said in _sentences(each)]
    return [f"{type(error).__name__}: {error}"]


def _commit() -> str:
    """Of the code that runs; a tree with changes, but for the record of the runs, says so."""
    git = shutil.which("git")
    if git is None:
        return "unknown"

    def say(*words: str) -> str:
        return subprocess.run([git, *words], capture_output=True, text=True, check=False).stdout

    record = f":(exclude){RUNS.parent.name}/{RUNS.stem}.*"
    changed = say("status", "--porcelain", "--untracked-files=no", "--", ".", record)
    name = say("rev-parse", "--short=12", "HEAD").strip()
    return f"{name}-dirty" if name and changed.strip() else name or "unknown"
