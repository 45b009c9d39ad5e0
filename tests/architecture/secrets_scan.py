"""`python -m tests.architecture.secrets_scan`: no key, token or password of anything real is in the source.

Owns how detect-secrets' plugins are run over all files of the tree; what is excepted, and why, is `[tool.secrets]` in
pyproject.toml. Must never ask the network whether what it found is real.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
from detect_secrets.filters import heuristic
from detect_secrets.plugins.base import BasePlugin, RegexBasedDetector
from detect_secrets.plugins.keyword import DENYLIST, KeywordDetector

ROOT: Final = Path(__file__).parents[2]
_BINARY: Final = b"\x00"
_KEYWORDS: Final = re.compile("|".join(DENYLIST), re.IGNORECASE)
_HARMLESS: Final = (
    heuristic.is_sequential_string,
    heuristic.is_potential_uuid,
    heuristic.is_templated_secret,
    heuristic.is_prefixed_with_dollar_sign,
    heuristic.is_not_alphanumeric_string,
)


@dataclass(frozen=True)
class Exceptions:
    """What is let through; each is a pattern with the reason beside it."""

    files: dict[str, str]
    """Whole files, by a pattern of their path."""

    words: dict[str, str]
    """What looks like a secret and is none, by a pattern of all of it."""

    plugins: dict[str, str]
    """Plugins of detect-secrets, by class, that are not run."""

    @cached_property
    def skipped(self) -> re.Pattern[str]:
        """Of paths."""
        return re.compile("|".join(self.files))

    @cached_property
    def known(self) -> re.Pattern[str]:
        """Of what was found."""
        return re.compile("|".join(self.words))


def excepted() -> Exceptions:
    """What pyproject.toml says."""
    said = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["secrets"]
    return Exceptions(**{name: dict(each) for name, each in said.items()})


def plugins(exceptions: Exceptions) -> list[BasePlugin]:
    """Every plugin of the library but those that are off."""
    kinds: list[type[BasePlugin]] = list(get_mapping_from_secret_type_to_class().values())
    assert exceptions.plugins.keys() <= {kind.__name__ for kind in kinds}
    return [kind() for kind in kinds if kind.__name__ not in exceptions.plugins]


def tracked() -> Iterator[Path]:
    """All files of the tree, also those that are not added yet; never those that git ignores."""
    said = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],  # noqa: S607  # the git of whoever runs it
        cwd=ROOT, capture_output=True, check=True, text=True,
    ).stdout  # fmt: skip
    yield from (ROOT / name for name in sorted(set(said.split("\0"))) if name)


def found(name: str, text: str, running: list[BasePlugin], known: re.Pattern[str]) -> list[str]:
    """Complaints about this text: where, and of what kind; never the words themselves."""
    # A plugin that finds nothing in the whole finds nothing in a line: most files need no second look.
    asked = [plugin for plugin in running if _may_find(plugin, text)]
    complaints = []
    for number, line in enumerate(text.splitlines(), 1) if asked else ():
        for plugin in asked:
            if isinstance(plugin, KeywordDetector) and not _KEYWORDS.search(line):
                continue
            complaints += [
                f"{name}:{number} {each.type}"
                for each in plugin.analyze_line(filename=name, line=line, line_number=number)
                if not _harmless(each.secret_value or "", line, known)
            ]
    return complaints


def _may_find(plugin: BasePlugin, text: str) -> bool:
    if isinstance(plugin, KeywordDetector):
        return _KEYWORDS.search(text) is not None
    if isinstance(plugin, RegexBasedDetector):
        return any(pattern.search(text) for pattern in plugin.denylist)
    return True


def _harmless(secret: str, line: str, known: re.Pattern[str]) -> bool:
    return (
        known.fullmatch(secret) is not None
        or heuristic.is_indirect_reference(line)
        or any(harmless(secret) for harmless in _HARMLESS)
    )


def scan(paths: list[Path]) -> list[str]:
    """Complaints about these files."""
    exceptions = excepted()
    running, complaints = plugins(exceptions), []
    for path in paths:
        name = path.relative_to(ROOT).as_posix()
        if exceptions.skipped.fullmatch(name) or not path.is_file():
            continue
        if _BINARY not in (content := path.read_bytes()):
            text = content.decode(errors="replace")
            complaints += found(name, text, running, exceptions.known)
    return complaints


def main() -> int:
    """Say what was found; the exit code."""
    paths, most = list(tracked()), os.cpu_count() or 1
    with ProcessPoolExecutor(most) as pool:
        parts = pool.map(scan, [paths[first::most] for first in range(most)])
    complaints = sorted(complaint for part in parts for complaint in part)
    for complaint in complaints:
        print(complaint)
    if complaints:
        print(
            "Take it out, and change it where it is real: what was pushed is known. See [tool.secrets]."
        )
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
