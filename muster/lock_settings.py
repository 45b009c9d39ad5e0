"""The settings of keys and TLS: a part of muster.config.Settings, which is all that anybody reads.

Owns their declarations. Must never read the environment.
"""

from dataclasses import dataclass
from pathlib import Path

from muster.setting import setting


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
    tls_cert: Path | None = setting(None, "certificate chain, if hubs and api end TLS themselves")
    tls_key: Path | None = setting(None, "private key of MUSTER_TLS_CERT")
    tls_min: str = setting(
        "1.3", "oldest TLS that hubs and api speak where they end it", choices=("1.2", "1.3")
    )
