"""The settings of backups: a part of muster.config.Settings, on top of those of place, which is all that anybody reads.

Owns their declarations. Must never read the environment.
"""

from dataclasses import dataclass
from pathlib import Path

from muster.place_settings import PlaceSettings
from muster.setting import SettingsError, setting


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupSettings(PlaceSettings):
    """See `muster.config.Settings`."""

    # Backups
    backup_dir: Path | None = setting(
        None,
        "directory that backups go to, on another disk or machine; `muster up` then makes them by itself",
    )
    backup_s3_bucket: str = setting("", "S3 bucket that backups go to instead, theirs alone")
    backup_s3_url: str = setting("", "S3 endpoint of backups; empty: Amazon's")
    backup_s3_region: str = setting("us-east-1", "S3 region of backups")
    backup_s3_path_style: bool = setting(
        True, "the bucket of backups stands in the path of addresses, not in the host"
    )
    backup_s3_key: str = setting(
        "",
        "S3 access key id for backups; empty: as the machine's role or profile says",
        secret=True,
    )
    backup_s3_secret: str = setting("", "S3 secret access key for backups", secret=True)
    backup_key: str = setting(
        "",
        "seals backups: 64 hex digits, made by `muster backup key`; more with commas: the first seals, all open",
        secret=True,
    )
    backup_key_file: Path | None = setting(
        None,
        "file of such keys, one a line; keep a copy where neither this machine nor backups are",
    )
    backup_signing_keys: bool = setting(
        False, "backups hold the signing keys too, so that tokens outlive the loss of this machine"
    )
    backup_keep_days: float = setting(
        30.0, "how far back a restore may go", at_least=0.01, at_most=3650.0
    )
    backup_every_h: float = setting(
        24.0, "hours from one base backup to the next", at_least=0.01, at_most=168.0
    )
    backup_wal_s: float = setting(
        15.0,
        "how often what was committed since is added: a disaster costs about as much",
        at_least=0.1,
        at_most=3600.0,
    )
    backup_port: int = setting(
        8401, "port of /metrics of the process that makes backups", at_least=1, at_most=65535
    )
    backup_programs: Path | None = setting(
        None, "directory of pg_basebackup, pg_receivewal and postgres; default: the embedded ones"
    )

    @property
    def backs_up(self) -> bool:
        """Whether there is anywhere for backups to go."""
        return bool(self.backup_dir or self.backup_s3_bucket)

    def check_backups(self) -> None:
        """What no single setting can tell. Raises `SettingsError`."""
        if self.backup_dir and self.backup_s3_bucket:
            raise SettingsError("MUSTER_BACKUP_DIR or MUSTER_BACKUP_S3_BUCKET is set, not both.")
        if bool(self.backup_s3_key) != bool(self.backup_s3_secret):
            raise SettingsError(
                "MUSTER_BACKUP_S3_KEY and MUSTER_BACKUP_S3_SECRET are set both or neither."
            )
        if self.backup_key and self.backup_key_file:
            raise SettingsError("MUSTER_BACKUP_KEY or MUSTER_BACKUP_KEY_FILE is set, not both.")
