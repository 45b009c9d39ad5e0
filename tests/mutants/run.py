"""A door with a mutant in it: `python -m tests.mutants.run NAME realtime`, started as the launcher of a torture run.

Owns the order: the patch, then the real `__main__`. Must never be imported.
"""

from __future__ import annotations

import runpy
import sys

from tests.mutants.mutants import MUTANTS


def main() -> None:
    """Break what is named, and become the door."""
    _, name, module = sys.argv
    MUTANTS[name].apply(module)
    sys.argv = [module]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
