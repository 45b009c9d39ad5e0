"""What `muster doctor` judges of what is unsafe by itself: addresses told to phones, the store, rates, logs, staff.

Owns these checks and their advice; the shape of a finding is muster/doctor.py's, ways to Postgres and Redis are
muster/doctor_ways.py's. Pure. Must never show a value that may hold a secret.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from muster.config import Settings
from muster.doctor import Finding, ok, warn
from muster.doctor_ways import is_here

_PLAIN: Final = ("http", "ws")


def of_settings(settings: Settings) -> Iterator[Finding]:
    """Everything about them."""
    yield _addresses(settings)
    yield _listening(settings)
    yield _store(settings)
    if settings.rate_limits:
        yield ok("rate limits", "on")
    else:
        advice = "unset MUSTER_RATE_LIMITS: 0 is for load tests, passwords can be guessed at will"
        yield warn("rate limits", "off", advice)
    if settings.log_level == "debug":
        advice = "set MUSTER_LOG_LEVEL=info: who wrote where and when fills logs that live long"
        yield warn("log level", "debug", advice)
    else:
        yield ok("log level", settings.log_level)


def of_staff(without_factor: int) -> Finding:
    """Support and admins who are asked for nothing but a password."""
    if not without_factor:
        return ok("staff", "all have a second factor")
    advice = "have them set one up (POST /v1/me/second-factor): else a stolen password bans anybody"
    return warn("staff", f"{without_factor} without a second factor", advice)


def _addresses(settings: Settings) -> Finding:
    """What clients are told to ask."""
    told = (settings.media_cdn_url, *settings.hub_urls)  # MUSTER_PUBLIC_URL must be https://
    plain = sum(_is_plain(url) for url in told if url)
    if plain:
        advice = "end TLS there and name them https:// and wss://: see MUSTER_HUB_URLS, MUSTER_MEDIA_CDN_URL"
        return warn("public addresses", f"{plain} without TLS", advice)
    return ok("public addresses", "none without TLS")


def _listening(settings: Settings) -> Finding:
    """A door that others reach by itself, with nobody before it who ends TLS."""
    if settings.tls_cert is not None or is_here(settings.listen_host):
        return ok("listening", f"on {settings.listen_host}")
    if settings.trusted_proxies:
        return ok("listening", f"on {settings.listen_host}, behind a proxy")
    advice = (
        "set MUSTER_TLS_CERT, or bind to 127.0.0.1 or name in MUSTER_TRUSTED_PROXIES what ends TLS before it:"
        " passwords and tokens travel in the clear"
    )
    return warn("listening", f"on {settings.listen_host} without TLS", advice)


def _store(settings: Settings) -> Finding:
    if settings.media_s3_bucket and _is_plain(settings.media_s3_url):
        advice = "set MUSTER_MEDIA_S3_URL to https://: pictures, and addresses that open them, are read on the way"
        return warn("way to media", "no TLS", advice)
    return ok("way to media", "TLS" if settings.media_s3_bucket else "a directory")


def _is_plain(url: str) -> bool:
    there = urlsplit(url)
    return there.scheme in _PLAIN and not is_here(there.hostname or "")
