"""From where one may ask, and who asks at all: lists of networks, and what balancers say."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster.addresses import networks
from muster.borders import Borders, BordersError, Lists, borders_of, read_lists
from muster.config import Settings
from muster.forwarded import client_of
from muster.setting import SettingsError

OURS = networks(("10.0.0.0/8", "::1/128"))


def lists(allowed: str = "", denied: str = "") -> Lists:
    """By their CIDRs, separated by spaces."""
    return Lists(networks(allowed.split()), networks(denied.split()))


@pytest.mark.parametrize(
    ("found", "address", "refused"),
    [
        (lists(), "203.0.113.9", False),
        (lists(denied="203.0.113.0/24"), "203.0.113.9", True),
        (lists(denied="203.0.113.0/24"), "203.0.114.9", False),
        (lists(denied="203.0.113.0/24"), "::ffff:203.0.113.9", True),
        (lists(denied="2001:db8::/32"), "2001:db8:1::1", True),
        (lists(denied="2001:db8::/32"), "2001:db9::1%eth0", False),
        (lists("192.0.2.0/24"), "192.0.2.1", False),
        (lists("192.0.2.0/24"), "203.0.113.9", True),
        (lists("192.0.2.0/24", "192.0.2.7/32"), "192.0.2.7", True),
        (lists("192.0.2.0/24"), "nonsense", True),
        (lists(denied="192.0.2.0/24"), "nonsense", False),
    ],
)
def test_denied_beats_allowed_and_what_is_not_allowed_is_denied(
    found: Lists, address: str, refused: bool
) -> None:
    """Also asked twice, and counted when refused."""
    borders = Borders(found)
    assert [borders.refuses(address) for _ in range(2)] == [refused, refused]
    assert borders.refused["networks"] == 2 * refused


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("203.0.113.9", ["198.51.100.1"], "203.0.113.9"),  # nobody we trust: a client's own words
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["192.0.2.1, 198.51.100.1"], "198.51.100.1"),  # a client's words before it
        ("10.0.0.1", ["192.0.2.1", "198.51.100.1"], "198.51.100.1"),  # in a field of their own
        ("10.0.0.1", ["198.51.100.1, 10.0.0.2"], "198.51.100.1"),  # two of ours
        ("10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        ("10.0.0.1", ["198.51.100.1:4711"], "198.51.100.1"),
        ("10.0.0.1", ["[2001:db8::1]:443"], "2001:db8::1"),
        ("10.0.0.1", ["198.51.100.1, unknown"], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1,"], "10.0.0.1"),
        ("::ffff:10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("", ["198.51.100.1"], ""),
    ],
)
def test_a_balancer_is_believed_and_nobody_else(
    peer: str, forwarded: list[str], client: str
) -> None:
    """As far to the right as trusted machines wrote."""
    assert client_of(peer, forwarded, OURS) == client


@given(st.lists(st.text(max_size=60), max_size=20))
def test_no_forged_words_change_who_asks(forged: list[str]) -> None:
    """However many fields a client sends, whatever stands in them: the balancer appends what it saw."""
    assert client_of("10.0.0.1", [*forged, "198.51.100.1"], OURS) == "198.51.100.1"
    together = ",".join([*forged, "198.51.100.1"])
    assert client_of("10.0.0.1", [together], OURS) == "198.51.100.1"
    assert client_of("203.0.113.9", forged, OURS) == "203.0.113.9"


def test_a_file_of_networks_is_read_again_when_it_changes(tmp_path: Path) -> None:
    """Beside the settings' own; one that makes no sense changes nothing."""
    file = tmp_path / "networks"
    file.write_text("# of today\ndeny 203.0.113.0/24\n\n")
    settings = Settings(deny_networks=("192.0.2.0/24",), networks_file=file)
    borders = borders_of(settings)
    asked = ("203.0.113.9", "192.0.2.1", "198.51.100.1")
    assert [borders.refuses(one) for one in asked] == [True, True, False]
    file.write_text("deny 198.51.100.0/24  # of tomorrow, and longer\n")
    borders.load()
    assert [borders.refuses(one) for one in asked] == [False, True, True]
    for nonsense in ("deny everything", "permit 10.0.0.0/8", "deny", "allow 10.0.0.1/8"):
        file.write_text(nonsense)
        os.utime(file, (1, len(nonsense)))
        with pytest.raises(SettingsError, match="line 1"):
            borders.load()
        assert [borders.refuses(one) for one in asked] == [False, True, True]
    file.unlink()
    with pytest.raises(SettingsError, match="FileNotFound"):
        borders_of(settings)


def test_what_is_no_network_is_no_setting() -> None:
    """Told by its name."""
    for name in ("allow_networks", "deny_networks", "trusted_proxies"):
        with pytest.raises(SettingsError, match=f"MUSTER_{name.upper()}.*'here'"):
            Settings(**{name: ("here",)})  # type: ignore[arg-type]  # what a test is about
    with pytest.raises(BordersError, match="more than"):
        read_lists("deny 192.0.2.1\n" * 10_001)
