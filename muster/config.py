"""Owns every setting: its environment variable, its type, its default, its meaning.

A new setting is one line in `Settings` (of pushes: in `PushSettings`, of place: in `PlaceSettings`, of keys and TLS:
in `LockSettings`, of mail: in `MailSettings`, of safety: in `SafetySettings`, of privacy: in `PrivacySettings`, of
backups: in `BackupSettings`): the variable is MUSTER_ and the field's name in capitals, the type is the annotation. It
never reads the environment itself: the entry modules hand a mapping to `Settings.from_env`, once.
"""

import difflib
import ipaddress
import re
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Self

from muster.backup_settings import BackupSettings
from muster.lock_settings import check_locks
from muster.setting import PREFIX, Declaration, SettingsError, declaration, setting

_TILES = re.compile(
    r"(https?://[A-Za-z0-9.:\[\]-]+)?/(?=\S*\{z\})(?=\S*\{x\})(?=\S*\{y\})[^\s\"'<>]*"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(BackupSettings):
    """What one process was told. `Settings()` is every default; tests use `dataclasses.replace`."""

    # Where things are
    data_dir: Path = setting(
        Path("data"), "directory of everything `muster up` keeps", env="MUSTER_DATA"
    )
    keys_dir: Path | None = setting(None, "signing keys, <kid>.pem each; default: keys below data")
    database_url: str = setting(
        "", "Postgres to use; empty: `muster up` starts its own", secret=True
    )
    database_replica_url: str = setting(
        "", "read-only Postgres for history pages; empty: the primary", secret=True
    )
    database_pgbouncer: bool = setting(
        False, "a transaction pooler stands before Postgres: prepare no statements"
    )
    redis_url: str = setting("", "Redis to use; empty: `muster up` starts its own", secret=True)
    redis_cluster: bool = setting(False, "the Redis at MUSTER_REDIS_URL is a cluster")

    # Where the doors listen
    bind: str = setting("127.0.0.1", "address that hubs and api listen on")
    lan: bool = setting(
        False, "listen on all addresses, make a development certificate, show a QR code"
    )
    api_port: int = setting(8000, "port of the REST api", at_least=1, at_most=65535)
    hub_port: int = setting(8101, "port of the first hub", at_least=1, at_most=65535)
    hubs: int = setting(2, "how many hubs `muster up` starts", at_least=1, at_most=64)
    hub_index: int = setting(0, "which hub this process is, from 0", at_least=0)
    hub_urls: tuple[str, ...] = setting(
        (), "public WebSocket addresses of the hubs, told to clients by the api"
    )
    ios_app_ids: tuple[str, ...] = setting(
        (), "app ids (TEAM.bundle) that open invite links on iOS; empty: none"
    )
    android_package: str = setting("", "package that opens invite links on Android; empty: none")
    android_cert_sha256: tuple[str, ...] = setting(
        (), "SHA-256 fingerprints of the certificates MUSTER_ANDROID_PACKAGE is signed with"
    )
    log_level: str = setting(
        "info", "least level that is logged", choices=("debug", "info", "warning", "error")
    )
    gc_threshold: int = setting(
        10_000,
        "new objects after which the garbage collector looks; 0: as Python would have it",
        at_least=0,
    )

    # Database connections: 100 in all, see the budget in ARCHITECTURE.md
    db_writers: int = setting(2, "writer connections of a hub", at_least=1, at_most=16)
    db_pool: int = setting(2, "other connections of a hub", at_least=1, at_most=32)
    api_db_writers: int = setting(1, "writer connections of an api process", at_least=1, at_most=16)
    api_db_pool: int = setting(4, "other connections of an api process", at_least=1, at_most=64)

    page_cache_mib: int = setting(
        32,
        "memory of an api process for history pages, in MiB; 0: none is kept, no lane read",
        at_least=0,
        at_most=65_536,
    )

    # Lanes
    lanes: int = setting(
        16, "Redis streams the rooms hash to; fixed at first migration", at_least=1, at_most=256
    )
    lane_max_len: int = setting(100_000, "entries a lane keeps at most", at_least=1000)
    lane_max_age_s: int = setting(600, "seconds a lane keeps an entry", at_least=10)

    # Sockets
    batch_from_per_s: float = setting(
        30.0, "entries per second from which a room's deliveries are joined", at_least=1.0
    )
    batch_window_ms: float = setting(
        10.0,
        "how long a busy room's deliveries wait for each other; 0: never",
        at_least=0.0,
        at_most=1000.0,
    )
    heartbeat_s: float = setting(25.0, "silence after which a socket is pinged", at_least=0.1)
    grace_s: float = setting(
        15.0, "how long somebody whose socket was lost still counts as there", at_least=0.0
    )
    auth_within_s: float = setting(5.0, "time a new socket has to authenticate", at_least=0.1)
    drain_within_s: float = setting(
        25.0, "time a stopping process takes at most", at_least=0.1, at_most=30.0
    )
    outbox_bytes: int = setting(262_144, "bytes that may wait for one slow socket", at_least=16_384)
    max_frame_bytes: int = setting(65_536, "largest frame a client may send", at_least=4096)
    min_version: str = setting(
        "", "oldest client version let in, by socket and by REST; empty: any"
    )
    posts_per_s: float = setting(50.0, "posts a second that one socket may send", at_least=0.1)
    posts_burst: float = setting(200.0, "posts that one socket may send at once", at_least=1.0)
    socket_send_buffer: int = setting(
        65_536,
        "bytes the kernel keeps for one slow socket (Linux takes twice that); 0: as it likes, up to 4 MB",
        at_least=0,
    )
    peer_lost_s: float = setting(
        30.0,
        "how long data may go unacknowledged before the kernel gives a socket up; by itself: 15 minutes",
        at_least=1.0,
        at_most=3600.0,
    )
    max_sockets: int = setting(0, "sockets of one hub; 0: what the file limit allows", at_least=0)
    nameless_per_address: int = setting(
        10_000, "sockets of one address that may be unauthenticated at once", at_least=1
    )
    accepts_per_s: float = setting(1_500.0, "WebSockets a hub opens per second", at_least=1.0)
    accepts_burst: float = setting(3_000.0, "WebSockets a hub opens at once", at_least=1.0)
    auths_per_s: float = setting(800.0, "people a hub lets in per second", at_least=1.0)
    auths_burst: float = setting(1_000.0, "people a hub lets in at once", at_least=1.0)

    # Tokens and passwords
    issuer: str = setting("muster", "`iss` of access tokens")
    audience: str = setting("muster", "`aud` of access tokens")
    access_token_s: int = setting(900, "life of an access token", at_least=10)
    refresh_days: float = setting(7.0, "life of a refresh token", at_least=0.001)
    session_days: float = setting(
        90.0, "life of a login, however often it is refreshed", at_least=0.001
    )
    password_memory_kib: int = setting(19_456, "argon2id memory", at_least=64)
    password_passes: int = setting(2, "argon2id passes", at_least=1)
    password_threads: int = setting(2, "argon2id hashes computed at once", at_least=1, at_most=64)
    breached_file: Path | None = setting(
        None,
        "passwords nobody may take: sorted SHA-1 hashes, or words; default: a short list of ours",
    )

    # Adopters
    trusted_issuers: str = setting(
        "", "whose tokens let people in: JSON, or the path of a file of it; see docs/adopters.md"
    )
    egress_networks: tuple[str, ...] = setting(
        (), "networks (CIDR) that are not public and webhooks may yet go to, also without TLS"
    )

    # Timers and search
    jobs_every_s: float = setting(
        1.0,
        "how often an api process looks for jobs and webhooks whose time has come",
        at_least=0.05,
    )
    event_remind_s: float = setting(
        3600.0, "how long before an event starts its guests are reminded", at_least=0.0
    )
    event_settle_s: float = setting(
        30.0,
        "how long hosts may go on changing an event before its guests are told, once",
        at_least=0.0,
        at_most=3600.0,
    )
    link_previews: bool = setting(
        True, "look at the first link of a message and tell what the page says of itself"
    )
    search_language: str = setting(
        "simple",
        "Postgres text search configuration; another one makes `muster migrate` index anew",
    )

    # Media
    media_dir: Path | None = setting(
        None,
        "directory of uploads where MUSTER_MEDIA_S3_BUCKET is empty; default: media below data",
    )
    media_s3_bucket: str = setting("", "S3 bucket of uploads; empty: a directory of ours")
    media_s3_url: str = setting("", "S3 endpoint, as clients reach it too; empty: Amazon's")
    media_s3_region: str = setting("us-east-1", "S3 region")
    media_s3_path_style: bool = setting(
        True, "the bucket stands in the path of S3 addresses, not in the host"
    )
    media_s3_key: str = setting(
        "", "S3 access key id; empty: as the machine's role or profile says", secret=True
    )
    media_s3_secret: str = setting("", "S3 secret access key", secret=True)
    media_cdn_url: str = setting(
        "", "address before the store from which clients read; empty: none"
    )
    media_cdn_secret: str = setting(
        "",
        "signs addresses at MUSTER_MEDIA_CDN_URL before S3; empty: they do not expire",
        secret=True,
    )
    media_image_bytes: int = setting(20 << 20, "largest picture taken", at_least=1)
    media_voice_bytes: int = setting(10 << 20, "largest voice note taken", at_least=1)
    media_file_bytes: int = setting(
        100 << 20, "largest file or video taken", at_least=1, at_most=200 << 20
    )
    media_pixels: int = setting(36_000_000, "pixels of the largest picture taken", at_least=1)
    media_day_count: int = setting(500, "uploads of one person in a day", at_least=0)
    media_day_bytes: int = setting(1 << 30, "bytes one person uploads in a day", at_least=0)
    media_total_bytes: int = setting(10 << 30, "bytes kept for one person", at_least=0)
    media_upload_s: int = setting(600, "time in which an upload is begun", at_least=1)
    media_link_s: int = setting(600, "life of an address that reads", at_least=1)
    media_within_s: float = setting(
        20.0, "time in which an upload is checked, else `unavailable`", at_least=0.1
    )
    media_workers: int = setting(
        2, "processes of an api process that open uploads", at_least=1, at_most=32
    )

    def __post_init__(self) -> None:
        """What no single setting can tell."""
        if bool(self.media_s3_key) != bool(self.media_s3_secret):
            raise SettingsError(
                "MUSTER_MEDIA_S3_KEY and MUSTER_MEDIA_S3_SECRET are set both or neither."
            )
        check_locks(self)
        if bool(self.android_package) != bool(self.android_cert_sha256):
            raise SettingsError(
                "MUSTER_ANDROID_PACKAGE and MUSTER_ANDROID_CERT_SHA256 are set both or neither."
            )
        if self.map_tiles and not _TILES.fullmatch(self.map_tiles):
            raise SettingsError(
                "MUSTER_MAP_TILES is an address with {z}, {x} and {y}, such as https://tiles.example.org/{z}/{x}/{y}.png."
            )
        for name in ("egress_networks", "allow_networks", "deny_networks", "trusted_proxies"):
            _check_networks(name, getattr(self, name))
        self.check_mail()
        if self.redis_cluster and not self.redis_url:
            raise SettingsError("MUSTER_REDIS_CLUSTER needs MUSTER_REDIS_URL: ours is no cluster.")
        self.check_backups()

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Self:
        """Read the mapping once; the first value that cannot be is a `SettingsError`."""
        values = {}
        for declared in declarations():
            raw = environ.get(declared.env)
            if raw is not None:
                values[declared.name] = declared.parse(raw.strip())
        return cls(**values)

    def to_env(self) -> dict[str, str]:
        """The variables that make another process read these same settings."""
        written = {}
        for declared in declarations():
            value = getattr(self, declared.name)
            if value != declared.default:
                written[declared.env] = declared.write(value)
        return written

    @property
    def listen_host(self) -> str:
        return "0.0.0.0" if self.lan else self.bind  # noqa: S104  # LAN asks for just that

    @property
    def keys_path(self) -> Path:
        return self.keys_dir or self.data_dir / "keys"

    @property
    def master_path(self) -> Path:
        return self.master_key_file or self.keys_path / "master.key"

    @property
    def media_path(self) -> Path:
        return self.media_dir or self.data_dir / "media"

    @property
    def backup_spool(self) -> Path:
        """Where what is on its way to the backups waits."""
        return self.data_dir / "backup"

    @property
    def mock_push_path(self) -> Path:
        """Where the mocks keep their authority and put what a push worker needs."""
        return self.data_dir / "mock-push"

    @property
    def scheme_suffix(self) -> str:
        """'s' when hubs and api speak TLS: http and ws become https and wss."""
        return "s" if self.tls_cert else ""


def declarations() -> Iterator[Declaration]:
    """Every setting, in the order declared, those of its parts last."""
    hints = typing.get_type_hints(Settings)
    of_parts = {declared.name for declared in fields(BackupSettings)}
    for declared in sorted(fields(Settings), key=lambda one: one.name in of_parts):
        yield declaration(declared, hints[declared.name])


def unknown_names(environ: Mapping[str, str]) -> list[str]:
    """A sentence for each MUSTER_ variable that no setting reads, naming the nearest one."""
    known = [declared.env for declared in declarations()]
    sentences = []
    for name in sorted(environ):
        if name.startswith(PREFIX) and name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.0)[0]
            sentences.append(f"{name} is not a setting and does nothing; did you mean {near}?")
    return sentences


def _check_networks(name: str, networks: tuple[str, ...]) -> None:
    for network in networks:
        try:
            ipaddress.ip_network(network)
        except ValueError:
            raise SettingsError(
                f"{PREFIX}{name.upper()}: {network!r} is not a network such as 10.1.0.0/16."
            ) from None


def hide_password(url: str) -> str:
    """`url` fit for a log line: what stands between the first colon and the last @, or in the query, is gone."""
    hidden = re.sub(r"(://[^:/@]*):.*@", r"\1:***@", url)
    return re.sub(r"(?i)([?&][a-z]*(?:password|passfile)=)[^&]*", r"\1***", hidden)
