"""The targets under atheris, which looks for inputs that reach code no other reached: `python -m tests.fuzz --guided`.

Owns how it is called: so many runs a target, a seed, a bound on memory and on time per input; what it finds goes to
build/fuzz, what reached new code into tests/fixtures/corpus.jsonl. atheris is no dependency: it is put into
build/atheris, and where that cannot be, this says so.
"""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
HOME: Final = ROOT / "build" / "atheris"
FINDS: Final = ROOT / "build" / "fuzz"
ATHERIS: Final = "atheris==3.0.0"
RSS_MIB: Final = 512
INPUT_S: Final = 5
KEPT_MOST: Final = 60
"""Inputs of a target in the corpus. What is there stays; the shortest of the new ones fill it up."""

KEPT_BYTES: Final = 512
_TARGETS: Final = ("codec", "inlet")
"""A connection runs on a loop of its own, and atheris never gives the thread back."""


def look(target: str, runs: int, seed: int, found: Path) -> None:
    """Run `target` under atheris in this process, which ends with it."""
    sys.path.insert(0, str(HOME))
    atheris = importlib.import_module("atheris")
    with atheris.instrument_imports(include=["proto", "realtime", "websockets"]):
        targets = importlib.import_module("tests.fuzz.targets")
    arguments = [
        f"-runs={runs}",
        f"-seed={seed}",
        f"-rss_limit_mb={RSS_MIB}",
        f"-timeout={INPUT_S}",
        "-max_len=4096",
        f"-artifact_prefix={FINDS}/find-{target}-",
        "-print_final_stats=1",
    ]

    def one_input(data: bytes) -> None:
        targets.TARGETS[target](data)

    atheris.Setup([sys.argv[0], *arguments, str(found)], one_input)
    atheris.Fuzz()


def _installed() -> bool:
    if not HOME.exists():
        command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target"]
        done = subprocess.run([*command, str(HOME), ATHERIS], check=False, capture_output=True)
        if done.returncode != 0:
            print(f"not run: {ATHERIS} cannot be installed here", file=sys.stderr)
            return False
    return True


def _all(runs: int, seed: int, wanted: list[str]) -> int:
    from tests.fuzz import corpus  # not before the targets are imported under instruments

    for target in [target for target in _TARGETS if target in wanted]:
        found = FINDS / target
        found.mkdir(parents=True, exist_ok=True)
        for number, data in enumerate(corpus.seeds(target)):
            (found / f"seed-{number}").write_bytes(data)
        command = [sys.executable, "-m", "tests.fuzz.guided", "look", target, str(runs), str(seed)]
        print(f"{target}: {runs} runs, seed {seed}", flush=True)
        if (code := subprocess.call([*command, str(found)])) != 0:
            return code
        new = {path.read_bytes() for path in found.iterdir()} - set(corpus.seeds(target))
        short = sorted(
            (one for one in new if len(one) <= KEPT_BYTES), key=lambda one: (len(one), one)
        )
        kept = corpus.kept(target)
        corpus.keep(target, [*kept, *short[: KEPT_MOST - len(kept)]])
    return 0


def main() -> int:
    """`look TARGET RUNS SEED WHERE`, or `RUNS SEED TARGET...`; the exit code."""
    if sys.argv[1] == "look":
        target, runs, seed, found = sys.argv[2:6]
        look(target, int(runs), int(seed), Path(found))
        return 0
    FINDS.mkdir(parents=True, exist_ok=True)
    runs, seed, *wanted = sys.argv[1:]
    return _all(int(runs), int(seed), wanted) if _installed() else 2


if __name__ == "__main__":
    sys.exit(main())
