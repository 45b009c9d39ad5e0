"""README and ARCHITECTURE name modules, tests, settings, commands and pages: all of them are there."""

import re
from functools import cache
from pathlib import Path

import pytest

from muster.cli.__main__ import main
from muster.config import declarations
from tests.architecture.source import PACKAGES, ROOT, modules

PAGES = ("README.md", "ARCHITECTURE.md", "CHANGELOG.md")
_NO_SETTINGS = {"MUSTER_", "MUSTER_TEST_WORKERS"}  # as in `MUSTER_*`; read by the Makefile alone

pytestmark = pytest.mark.parametrize("page", PAGES)


def _text(page: str) -> str:
    return (ROOT / page).read_text("utf-8")


@cache
def _functions_of_tests() -> frozenset[str]:
    return frozenset(
        function.name for module in modules("tests") for function in module.functions()
    )


def test_every_module_and_directory_named_is_there(page: str) -> None:
    """Whatever looks like a path below one of our packages, or in docs."""
    roots = "|".join((*PACKAGES, "tests", "docs"))
    named = set(re.findall(rf"`((?:{roots})/[\w./]*)`", _text(page)))
    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []


def test_every_test_named_is_there(page: str) -> None:
    """A promise whose test was renamed is a promise nobody can check."""
    assert set(re.findall(r"`(test_\w+)`", _text(page))) - _functions_of_tests() == set()


def test_every_setting_named_is_one(page: str) -> None:
    """Misspelt ones do nothing, so a page must not teach them."""
    settings = {declared.env for declared in declarations()}
    assert set(re.findall(r"MUSTER_[A-Z0-9_]*", _text(page))) - settings - _NO_SETTINGS == set()


def test_every_command_named_is_one(page: str, capsys: pytest.CaptureFixture[str]) -> None:
    """`muster X` in code, for every X."""
    with pytest.raises(SystemExit):
        main(["--help"], {})
    commands = set(re.findall(r"^    (\w+)", capsys.readouterr().out, re.MULTILINE))
    assert set(re.findall(r"`muster (\w+)", _text(page))) - commands == set()


def test_every_make_target_named_is_one(page: str) -> None:
    """`make X` in code or in a block of it."""
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = re.findall(r"(?:`|\$ )make ([a-z]+)", _text(page))
    assert set(named) - targets == set()


def test_links_lead_somewhere(page: str) -> None:
    """To a file that is there, and a heading in it."""
    for target in re.findall(r"\]\(([^)\s]+)\)", _text(page)):
        if "://" in target:
            continue
        path, _, heading = target.partition("#")
        linked = ROOT / (path or page)
        assert linked.exists(), target
        assert not heading or heading in _headings(linked), target


def _headings(path: Path) -> set[str]:
    """As a forge makes anchors of them."""
    found = re.findall(r"^#+ (.+)$", path.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in found}
