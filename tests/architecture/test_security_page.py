"""docs/security.md names tests that exist, files that exist, metrics that exist, and counts right."""

import re

from tests.architecture.security_page import PAGE, known, lines, written
from tests.architecture.source import ROOT

TEXT = PAGE.read_text()


def test_every_line_of_the_checklist_is_held_by_a_test() -> None:
    """By path and name; a test that was renamed or removed fails here."""
    checklist = lines(TEXT)
    assert [line.tried for line in checklist if not line.tests] == []
    assert len({line.tried for line in checklist}) == len(checklist) >= 70
    there = known()
    missing = {test for line in checklist for test in line.tests} - there
    assert missing == set()


def test_its_figures_are_those_of_the_tables() -> None:
    """`python -m tests.architecture.security_page` writes them anew."""
    assert written(TEXT) == TEXT


def test_every_file_it_names_is_there() -> None:
    """Rules that moved are found where the page says."""
    named = set(re.findall(r"`((?:muster|api|realtime|proto|pushers|docs)/[\w/.]+\.\w+)`", TEXT))
    assert len(named) > 20
    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []


def test_every_metric_it_names_is_shown() -> None:
    """What is counted can be looked at."""
    metrics = (ROOT / "docs" / "metrics.md").read_text()
    named = set(re.findall(r"`(muster_\w+)`", TEXT))
    assert len(named) >= 5
    assert [name for name in sorted(named) if f"`{name}`" not in metrics] == []


def test_every_package_is_pinned_by_its_hashes() -> None:
    """What is installed is what was looked at, on any machine: no package without a hash, none taken unverified."""
    packages = re.split(r"\n(?=\S)", (ROOT / "requirements.lock").read_text().strip())
    named = [each for each in packages if not each.startswith("#")]
    assert len(named) > 50
    assert [each.split()[0] for each in named if "--hash=sha256:" not in each] == []
    assert "--require-hashes -r requirements.lock" in (ROOT / "Makefile").read_text()
