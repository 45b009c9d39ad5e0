"""`python -m loadtest NAME`: one benchmark or scenario.

Owns the list of names. A benchmark is a module with `add_arguments(parser)` and `run(args) -> int`; its
docstring's first line is its help. Must never hold a benchmark itself.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from typing import Final

BENCHMARKS: Final = {
    "replay": "loadtest.replay",
    "publish": "loadtest.bench.publish",
    "latency": "loadtest.bench.latency",
    "idle": "loadtest.bench.idle",
    "resume": "loadtest.bench.resume",
    "fanout": "loadtest.bench.fanout",
    "stalled": "loadtest.bench.stalled",
    "rest": "loadtest.bench.rest",
    "unit": "loadtest.bench.unit",
    "sync": "loadtest.bench.sync",
    "media": "loadtest.bench.media",
    "presence": "loadtest.bench.presence",
    "push": "loadtest.bench.push",
    "rotation": "loadtest.bench.rotation",
    "evening": "loadtest.bench.evening",
    "geofence": "loadtest.geofence.bench",
    "walk": "loadtest.geofence.walk",
    "curves": "loadtest.bench.curves",
    "bench": "loadtest.bench.suite",
    "people": "loadtest.people",
    "load": "loadtest.load",
    "torture": "loadtest.torture.command",
}
"""What can be named, and the module that it is."""


def main(arguments: list[str] | None = None) -> int:
    """Run what the command line names; the exit code is 1 where a promise did not hold."""
    said = sys.argv[1:] if arguments is None else arguments
    parser = argparse.ArgumentParser(prog="python -m loadtest", description=__doc__)
    names = parser.add_subparsers(dest="name", required=True, metavar="NAME")
    # One that is named is all that is imported: all of them cost three seconds.
    for name in said[:1] if said[:1] and said[0] in BENCHMARKS else BENCHMARKS:
        module = importlib.import_module(BENCHMARKS[name])
        summary = (module.__doc__ or "").partition("\n")[0]
        added = names.add_parser(name, help=summary, description=module.__doc__)
        module.add_arguments(added)
        added.add_argument("--json", action="store_true", help="end with one line of JSON")
        added.set_defaults(run=module.run)
    args = parser.parse_args(said)
    result: int = args.run(args)
    return result


if __name__ == "__main__":
    sys.exit(main())
