"""What `muster doctor` judges of the ways in and out: TLS of the doors, to Postgres and Redis, and browsers' origins.

Owns these checks and their advice; the shape of a finding is muster/doctor.py's. Pure: what is judged was read before.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Final, NamedTuple
from urllib.parse import parse_qs, urlsplit

from muster.config import Settings
from muster.doctor import Finding, fail, ok, warn

EXPIRES_SOON_S: Final = 14 * 86_400.0
"""Whoever renews certificates by themselves does so a month ahead."""

_NO: Final = ("no", "false", "0", "n", "f")


class CertificateFile(NamedTuple):
    """The pair that settings name: why it cannot be used (empty: it can), and for how long it holds yet."""

    trouble: str
    left_s: float


def of_ways(settings: Settings, file: CertificateFile | None) -> Iterator[Finding]:
    """Everything about them; `file`: what MUSTER_TLS_CERT names."""
    yield from _doors(settings, file)
    if "*" in settings.allowed_origins:
        yield warn(
            "origins",
            "* lets every page open sockets",
            "name yours in MUSTER_ALLOWED_ORIGINS: a page elsewhere that has a token may use it",
        )
    for what, url in (
        ("way to Postgres", settings.database_url),
        ("way to the replica", settings.database_replica_url),
    ):
        if url:
            yield _postgres(what, url)
    if settings.redis_url:
        yield _redis(settings.redis_url)


def _doors(settings: Settings, file: CertificateFile | None) -> Iterator[Finding]:
    if file is None:
        yield ok("TLS of the doors", "ends elsewhere")
        return
    days = file.left_s / 86_400
    if file.trouble:
        yield fail("TLS of the doors", file.trouble, "see MUSTER_TLS_CERT and MUSTER_TLS_KEY")
    elif file.left_s < EXPIRES_SOON_S:
        advice = "renew it: processes take the new one by themselves"
        yield warn("TLS of the doors", f"the certificate holds for {days:.0f} days", advice)
    elif settings.tls_min != "1.3":
        advice = "set MUSTER_TLS_MIN=1.3 once no phone needs the older one"
        yield warn("TLS of the doors", f"{settings.tls_min} and newer", advice)
    else:
        yield ok("TLS of the doors", f"1.3, the certificate holds for {days:.0f} days")


def _postgres(what: str, url: str) -> Finding:
    there = urlsplit(url)
    asked = {name: values[-1] for name, values in parse_qs(there.query).items()}
    host = asked.get("host", there.hostname or "")
    if _here(host):
        return ok(what, "on this machine")
    mode = asked.get("sslmode", "prefer")
    if mode == "verify-full":
        return ok(what, "TLS, verified")
    advice = (
        "add ?sslmode=verify-full&sslrootcert=CA.pem&ssl_min_protocol_version=TLSv1.3: else"
        " whoever stands between reads everything"
    )
    return warn(what, f"sslmode={mode}", advice)


def _redis(url: str) -> Finding:
    there = urlsplit(url)
    if there.scheme == "unix" or _here(there.hostname or ""):
        return ok("way to Redis", "on this machine")
    asked = {name: values[-1].lower() for name, values in parse_qs(there.query).items()}
    verified = (
        asked.get("ssl_cert_reqs", "required") == "required"
        and asked.get("ssl_check_hostname", "true") not in _NO
    )
    if there.scheme == "rediss" and verified:
        return ok("way to Redis", "TLS, verified")
    found = "TLS that believes everybody" if there.scheme == "rediss" else "no TLS"
    advice = "use rediss://...?ssl_ca_certs=CA.pem&ssl_min_version=772 (772: TLS 1.3)"
    return warn("way to Redis", found, advice)


def _here(host: str) -> bool:
    """A Unix socket, or an address that no packet leaves the machine for."""
    if host in ("", "localhost") or host.startswith("/"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
