"""Owns the entry to `muster`: the environment is read here and nowhere else on this path.

It never does a subcommand's work; it finds them (see the package's docstring) and imports the
one that was asked for: nobody waits for the others' libraries.
"""

import argparse
import ast
import importlib
import os
import pkgutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType

import muster.cli
from muster.config import Settings, unknown_names
from muster.setting import SettingsError

_MISUSED = 2
_INTERRUPTED = 130


def main(argv: Sequence[str] | None = None, environ: Mapping[str, str] | None = None) -> int:
    """Run one subcommand; its exit code."""
    argv = sys.argv[1:] if argv is None else argv
    environ = os.environ if environ is None else environ
    helps = _helps()
    asked = next((word for word in argv if not word.startswith("-")), "")
    module = f"muster.cli.{asked.replace('-', '_')}"
    chosen = importlib.import_module(module) if asked in helps else None
    args = _parser(helps, asked, chosen).parse_args(argv)
    try:
        settings = Settings.from_env(environ)
    except SettingsError as error:
        sys.stderr.write(f"muster: {error}\n")
        return _MISUSED
    for sentence in unknown_names(environ):
        sys.stderr.write(f"muster: {sentence}\n")
    if chosen is None:  # argparse has refused it already
        return _MISUSED
    try:
        code: int = chosen.run(args, settings)
    except KeyboardInterrupt:
        return _INTERRUPTED
    return code


def _helps() -> dict[str, str]:
    """Subcommand -> the first line of its module, read without importing it."""
    directory = Path(muster.cli.__path__[0])
    names = sorted(module.name for module in pkgutil.iter_modules(muster.cli.__path__))
    texts = {
        name.replace("_", "-"): directory / f"{name}.py"
        for name in names
        if not name.startswith("_")
    }
    return {
        name: (ast.get_docstring(ast.parse(path.read_text("utf-8"))) or name).splitlines()[0]
        for name, path in texts.items()
    }


def _parser(
    helps: Mapping[str, str], asked: str, chosen: ModuleType | None
) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="muster",
        description="Muster: rooms, presence and events over sockets.",
        epilog="Every setting is an environment variable MUSTER_*: see 'muster settings'.",
    )
    choices = parser.add_subparsers(dest="subcommand", metavar="COMMAND", required=True)
    for name, help_line in helps.items():
        subcommand = choices.add_parser(name, help=help_line, description=help_line)
        if chosen is not None and name == asked:
            chosen.add_arguments(subcommand)
    return parser


if __name__ == "__main__":
    sys.exit(main())
