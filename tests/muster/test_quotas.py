"""The table of limits: whole, told, and sane whatever the settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from muster.config import Settings
from muster.limit_table import markdown, rows, text
from muster.quotas import Quotas, address_key

PAGE = Path(__file__).parents[2] / "docs" / "limits.md"


def test_the_page_has_every_limit() -> None:
    """As the settings are by themselves; else run this module."""
    page = PAGE.read_text(encoding="utf-8")
    table = page.partition("<!-- limits -->\n")[2].partition("\n<!-- end -->")[0]
    assert table == markdown(Quotas.of(Settings()))


def test_the_terminal_has_every_limit() -> None:
    """Each by its name, with the settings of here."""
    settings = Settings(writes_per_s=7.0)
    said = text(Quotas.of(settings)).splitlines()
    for row in rows(Quotas.of(settings)):
        [line] = [one for one in said if one.split()[0] == row.name]
        assert row.what in line
    assert any(line.startswith("writes") and " 21 " in line for line in said)


@pytest.mark.parametrize("smallest", [False, True])
def test_one_can_always_be_taken_and_ahead_is_little(*, smallest: bool) -> None:
    """Whatever is set."""
    least = {
        "reads_per_s": 0.1,
        "writes_per_s": 0.1,
        "service_per_s": 0.1,
        "person_posts_per_s": 0.1,
        "anonymous_per_min": 1.0,
    }
    quotas = Quotas.of(Settings(**least) if smallest else Settings())  # type: ignore[arg-type]  # all are numbers
    for quota in quotas.all():
        assert quota.rate.burst >= 1
        assert 0 <= quota.lease <= quota.rate.burst * 0.1


def test_whose_an_address_is() -> None:
    """IPv6 by its /64, and a mapped address is the one it stands for."""
    assert address_key("2001:db8:1:2:3::4") == address_key("2001:db8:1:2::9")
    assert address_key("2001:db8:1:2::9") != address_key("2001:db8:1:3::9")
    assert address_key("::ffff:192.0.2.1") == address_key("192.0.2.1") != address_key("192.0.2.2")


if __name__ == "__main__":
    head, _, rest = PAGE.read_text(encoding="utf-8").partition("<!-- limits -->\n")
    tail = rest.partition("<!-- end -->")[2]
    table = markdown(Quotas.of(Settings()))
    PAGE.write_text(f"{head}<!-- limits -->\n{table}\n<!-- end -->{tail}", encoding="utf-8")
