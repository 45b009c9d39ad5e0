"""List every setting with its value here, its default and its meaning.

It never prints a secret, only whether there is one.
"""

import argparse
from typing import Any

from muster import limit_table
from muster.config import Settings, declarations
from muster.quotas import Quotas
from muster.setting import Declaration


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """See `muster settings --help`."""
    parser.add_argument(
        "--limits", action="store_true", help="how often who may ask, by these settings, as a table"
    )


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Print the list, or the table."""
    if args.limits:
        print(limit_table.text(Quotas.of(settings)))
        return 0
    for declared in declarations():
        value = getattr(settings, declared.name)
        default = _shown(declared, declared.default)
        changed = f" (here {_shown(declared, value)})" if value != declared.default else ""
        print(f"{declared.env}={default}{changed}\n    {declared.meaning}")
    return 0


def _shown(declared: Declaration, value: Any) -> str:
    return "***" if declared.secret and value else declared.write(value)
