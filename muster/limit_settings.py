"""The settings of limits: a part of muster.config.Settings, between those of safety and those of pushes.

Owns their declarations. Must never read the environment.
"""

from dataclasses import dataclass
from pathlib import Path

from muster.safety_settings import SafetySettings
from muster.setting import setting


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitSettings(SafetySettings):
    """See `muster.config.Settings`; docs/limits.md has all limits in one table."""

    # Limits
    rate_limits: bool = setting(True, "refuse clients that ask too often")
    anonymous_per_min: float = setting(
        60.0, "registrations, logins and refreshes per address and minute", at_least=1.0
    )
    address_per_s: float = setting(
        500.0,
        "REST requests with a token per address and second; ten times that at once",
        at_least=1.0,
    )
    reads_per_s: float = setting(
        50.0, "REST reads per person and second; five times that at once", at_least=0.1
    )
    writes_per_s: float = setting(
        20.0, "REST writes per person and second; thrice that at once", at_least=0.1
    )
    searches_per_min: float = setting(
        30.0, "searches per person and minute; a third of that at once", at_least=1.0
    )
    media_per_min: float = setting(
        60.0, "uploads begun per person and minute; a third of that at once", at_least=1.0
    )
    service_per_s: float = setting(
        100.0, "requests per service key and second; thrice that at once", at_least=0.1
    )
    room_per_s: float = setting(
        500.0,
        "writes into one room per second, by all and by both doors; five times that at once",
        at_least=1.0,
    )
    person_posts_per_s: float = setting(
        100.0,
        "posts and changes a second that all sockets of one person may send; four times that at once",
        at_least=0.1,
    )
    session_auths_per_min: float = setting(
        120.0, "sockets that one session may authenticate per minute, and at once", at_least=1.0
    )
    address_auths_per_s: float = setting(
        400.0,
        "sockets that one address may authenticate per second; fifty times that at once",
        at_least=1.0,
    )
    allow_networks: tuple[str, ...] = setting(
        (), "networks (CIDR) from which alone anybody may ask; empty: from everywhere"
    )
    deny_networks: tuple[str, ...] = setting(
        (), "networks (CIDR) from which nobody may ask, whatever else is allowed"
    )
    networks_file: Path | None = setting(
        None,
        "more of both, a line each: `allow` or `deny` and a network; read again when it changes",
    )
    trusted_proxies: tuple[str, ...] = setting(
        (), "addresses or networks of balancers whose X-Forwarded-For hubs and api believe"
    )
