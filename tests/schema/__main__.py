"""`python -m tests.schema [--examples N] [--seed S]`: every operation, asked by nobody, by eve and by an admin.

Owns the run: a Muster of its own, schemathesis once per party, and ada's state before and after. Exit code 0: every
check held.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from random import SystemRandom
from tempfile import TemporaryDirectory
from typing import Final

import httpx
import msgspec

from loadtest.stack import ROOMY, Stack, muster_up
from tests.schema.parties import Ada, Party, enter

ROOT: Final = Path(__file__).parents[2]
ADMIN: Final = "schema-grace"
PARTIES: Final = ("", "schema-eve", ADMIN)
CONFIG: Final = Path(__file__).with_name("schemathesis.toml")
WITHIN_S: Final = 1_800.0


def installed() -> bool:
    """Whether schemathesis is here."""
    return importlib.util.find_spec("schemathesis") is not None


def ask(party: Party, examples: int, seed: int, where: Path, phases: str = "") -> int:
    """One run of schemathesis; its exit code. `phases`: those of its own to be gone through, all by default."""
    given = where / "party.json"
    given.write_bytes(msgspec.json.encode(party))
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIG), "run"),
        f"{party.api_url}/v1/openapi.json",
        *("--seed", str(seed), "-n", str(examples), "--generation-database", "none", "--no-color"),
        *(("--phases", phases) if phases else ()),
    ]
    told = {"SCHEMATHESIS_HOOKS": "tests.schema.hooks", "SCHEMA_PARTY": str(given)}
    env = {**os.environ, **told, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, env=env, check=False, timeout=WITHIN_S, cwd=where).returncode


async def run(examples: int, seed: int) -> int:
    """All parties against a Muster of their own; the exit code."""
    async with muster_up(1, ROOMY) as stack:
        return await compare(stack, examples, seed)


async def compare(
    stack: Stack, examples: int, seed: int, parties: Sequence[str] = PARTIES, phases: str = ""
) -> int:
    """These parties, one after another, and ada, whose handle nobody else may have here; the exit code."""
    worst = 0
    with httpx.Client(base_url=stack.api_url) as client, TemporaryDirectory() as where:
        ada = Ada(client)
        before = ada.state()
        for handle in parties:
            print(f"== {handle or 'nobody'}, seed {seed}", flush=True)
            if handle:
                enter(client, handle)
            if handle == ADMIN:
                await _promoted(stack.found.database_url, handle)
            # An admin may do things to ada; only strangers must not.
            ids = {} if handle == ADMIN else ada.ids
            party = Party(stack.api_url, handle, ids, ada.secret)
            worst |= await asyncio.to_thread(ask, party, examples, seed, Path(where), phases)
            after = ada.state()
            for path in (path for path in before if after[path] != before[path]):
                print(f"ada's {path} has changed: {after[path]}", flush=True)
                worst |= 1
    return worst


async def _promoted(database_url: str, handle: str) -> None:
    program = [sys.executable, "-m", "muster", "people", "promote", handle, "--role", "admin"]
    env = {**os.environ, "MUSTER_DATABASE_URL": database_url}
    process = await asyncio.create_subprocess_exec(*program, env=env)
    assert await process.wait() == 0


def main() -> int:
    """Read the command line and run; the exit code."""
    asked = argparse.ArgumentParser(prog="python -m tests.schema")
    asked.add_argument("--examples", type=int, default=50, help="of an operation and a phase")
    asked.add_argument("--seed", type=int, default=None)
    given = asked.parse_args()
    if not installed():
        print("not run: schemathesis is not installed here", file=sys.stderr)
        return 2
    seed = given.seed if given.seed is not None else SystemRandom().randrange(2**31)
    return asyncio.run(run(given.examples, seed))


if __name__ == "__main__":
    sys.exit(main())
