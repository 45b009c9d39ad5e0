"""The settings of keys, TLS and origins: a part of muster.config.Settings, which is all that anybody reads.

Owns their declarations. Must never read the environment.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from muster.setting import SettingsError, setting

_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://(?:[a-z0-9.-]+|\[[0-9a-f:]+\])(?::[0-9]{1,5})?")
"""`null`, which every sandboxed frame sends, is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LockSettings:
    """See `muster.config.Settings`."""

    # Locks
    master_key_file: Path | None = setting(
        None,
        "master keys that wrap the data keys, 64 hexadecimal digits a line, the first wraps; default: master.key"
        " beside the signing keys",
    )
    master_key: str = setting(
        "", "the same as a value, with commas; empty: MUSTER_MASTER_KEY_FILE", secret=True
    )
    allowed_origins: tuple[str, ...] = setting(
        (), "browser origins that may connect, comma-separated; * allows all"
    )
    tls_cert: Path | None = setting(None, "certificate chain, if hubs and api end TLS themselves")
    tls_key: Path | None = setting(None, "private key of MUSTER_TLS_CERT")
    tls_min: str = setting(
        "1.3", "oldest TLS that hubs and api speak where they end it", choices=("1.2", "1.3")
    )


def check_locks(settings: LockSettings) -> None:
    """What no single one of them can tell. Raises `SettingsError`."""
    if settings.master_key and settings.master_key_file is not None:
        raise SettingsError("MUSTER_MASTER_KEY and MUSTER_MASTER_KEY_FILE are not both set.")
    if (settings.tls_cert is None) != (settings.tls_key is None):
        raise SettingsError("MUSTER_TLS_CERT and MUSTER_TLS_KEY are set both or neither.")
    for origin in settings.allowed_origins:
        if origin != "*" and not _ORIGIN.fullmatch(origin):
            raise SettingsError(
                f"MUSTER_ALLOWED_ORIGINS: {origin!r} is not an origin such as https://app.example.org, which browsers"
                " send in small letters and without a path."
            )
