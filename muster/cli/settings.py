"""List every setting with its value here, its default and its meaning.

It never prints a secret, only whether there is one.
"""

import argparse
from typing import Any

from muster.config import Settings, declarations
from muster.setting import Declaration


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Nothing to choose."""


def run(_args: argparse.Namespace, settings: Settings) -> int:
    """Print the list."""
    for declared in declarations():
        value = getattr(settings, declared.name)
        default = _shown(declared, declared.default)
        changed = f" (here {_shown(declared, value)})" if value != declared.default else ""
        print(f"{declared.env}={default}{changed}\n    {declared.meaning}")
    return 0


def _shown(declared: Declaration, value: Any) -> str:
    return "***" if declared.secret and value else declared.write(value)
