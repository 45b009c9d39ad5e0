"""Each check of `muster doctor` about settings made to fail once, on settings made up for it."""

from pathlib import Path
from typing import Any

import pytest

from muster.config import Settings
from muster.doctor import Verdict
from muster.doctor_seals import MasterFile, of_master
from muster.doctor_settings import of_settings, of_staff
from muster.master import Masters


def _bad(**settings: Any) -> set[str]:
    found = list(of_settings(Settings(**settings)))
    assert all(f.advice for f in found if f.verdict is not Verdict.ok), "bad news without advice"
    assert not any(f.verdict is Verdict.fail for f in found)
    return {f.what for f in found if f.verdict is not Verdict.ok}


def test_what_is_as_it_comes_is_not_complained_of() -> None:
    """A laptop's."""
    assert _bad() == set()


@pytest.mark.parametrize(
    ("settings", "what"),
    [
        ({"rate_limits": False}, "rate limits"),
        ({"log_level": "debug"}, "log level"),
        ({"hub_urls": ("wss://a.example", "ws://b.example")}, "public addresses"),
        ({"media_cdn_url": "http://cdn.example"}, "public addresses"),
        ({"media_s3_bucket": "b", "media_s3_url": "http://s3.example:9000"}, "way to media"),
        ({"bind": "0.0.0.0"}, "listening"),
        ({"bind": "::"}, "listening"),
        ({"lan": True}, "listening"),
    ],
)
def test_what_is_unsafe_is_said(settings: dict[str, Any], what: str) -> None:
    """Alone, and with what to do."""
    assert _bad(**settings) == {what}


@pytest.mark.parametrize(
    "settings",
    [
        {"hub_urls": ("wss://a.example", "ws://127.0.0.1:8101")},
        {"public_url": "https://chat.example"},
        {"media_s3_bucket": "b"},
        {"media_s3_bucket": "b", "media_s3_url": "https://s3.example"},
        {"media_s3_bucket": "b", "media_s3_url": "http://127.0.0.1:9000"},
        {"media_s3_url": "http://s3.example:9000"},
        {"bind": "0.0.0.0", "tls_cert": Path("c"), "tls_key": Path("k")},
        {"bind": "0.0.0.0", "trusted_proxies": ("10.0.0.0/8",)},
        {"log_level": "warning"},
    ],
)
def test_what_is_safe_is_not(settings: dict[str, Any]) -> None:
    """TLS, this machine alone, or somebody before us who ends it."""
    assert _bad(**settings) == set()


def test_staff_have_a_second_factor() -> None:
    """All of them."""
    assert of_staff(0).verdict is Verdict.ok
    assert (of_staff(2).verdict, "2" in of_staff(2).found) == (Verdict.warn, True)


@pytest.mark.parametrize("key", [bytes(32), b"\x01" * 32, b"0123456789abcdef" * 2, b"password" * 4])
def test_a_master_key_that_is_none_is_said(key: bytes) -> None:
    """Zeros, one letter, letters where bytes were meant; a random one is fine."""
    assert Masters([key]).guessable
    assert Masters([bytes(range(32)), key]).guessable
    assert not Masters([bytes(range(32))]).guessable
    bad = of_master(MasterFile("f", "", exposed=False, guessable=True))
    assert (bad.verdict, bool(bad.advice)) == (Verdict.warn, True)
