"""`python -m tests.autobahn`: run the suite, say what it found, write docs/autobahn.md.

Owns which cases run against which subprotocol and bounds. Exit code 0: no case failed; 1: some did; 2: it
could not be run.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
from dataclasses import replace
from typing import Final, NamedTuple

import uvloop

from proto.limits import SUBPROTOCOL_JSON, SUBPROTOCOL_MSGPACK
from realtime.terms import Terms
from tests.autobahn.echo import TERMS, echoing
from tests.autobahn.install import HOME, ROOT, SUITE, Missing, wstest
from tests.autobahn.verdicts import Verdict, page, read

PAGE: Final = ROOT / "docs" / "autobahn.md"
WITHIN_S: Final = 900.0
RAISED: Final = replace(TERMS, frame_bytes=2**24, fragments=2**17)


class Run(NamedTuple):
    """Some cases against one subprotocol."""

    name: str
    subprotocol: str
    cases: list[str]
    terms: Terms = TERMS


RUNS: Final = (
    Run(
        "text",
        SUBPROTOCOL_JSON,
        ["1.1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "9.1.1", "9.7.*", "10.*"],
    ),
    Run(
        "binary",
        SUBPROTOCOL_MSGPACK,
        ["1.2.*", "2.*", "7.3.*", "7.5.*", "7.7.*", "7.9.*", "9.2.1", "9.8.*"],
    ),
    Run("text, bounds raised", SUBPROTOCOL_JSON, ["9.1.*", "9.3.*", "9.5.*"], RAISED),
    Run("binary, bounds raised", SUBPROTOCOL_MSGPACK, ["9.2.*", "9.4.*", "9.6.*"], RAISED),
)


async def _run(run: Run) -> list[Verdict]:
    """One run of wstest against a target of its own."""
    where = HOME / "report" / run.subprotocol / str(run.terms.frame_bytes)
    shutil.rmtree(where, ignore_errors=True)
    where.mkdir(parents=True)
    async with echoing(run.terms) as port:
        server = {
            "agent": "muster",
            "url": f"ws://127.0.0.1:{port}/v1/socket",
            "protocols": [run.subprotocol],
        }
        spec = {"outdir": str(where), "servers": [server], "cases": run.cases}
        given = where / "spec.json"
        given.write_text(json.dumps(spec))
        process = await asyncio.create_subprocess_exec(
            wstest(), "-m", "fuzzingclient", "-s", given, stdout=asyncio.subprocess.DEVNULL
        )
        try:
            async with asyncio.timeout(WITHIN_S):
                await process.wait()
        finally:
            if process.returncode is None:
                process.kill()
    return read(run.name, json.loads((where / "index.json").read_text()))


async def _all() -> list[Verdict]:
    return [verdict for run in RUNS for verdict in await _run(run)]


def main() -> int:
    """Run them all; the exit code."""
    try:
        wstest()
    except Missing as missing:
        print(f"not run: {missing}", file=sys.stderr)
        return 2
    verdicts = uvloop.run(_all())
    PAGE.write_text(page(verdicts, SUITE))
    print(PAGE.read_text())
    failed = [verdict for verdict in verdicts if verdict.failed]
    for each in failed:
        print(f"{each.run} {each.case}: {each.behavior}, closing {each.ending}", file=sys.stderr)
    return 1 if failed or not verdicts else 0


if __name__ == "__main__":
    sys.exit(main())
