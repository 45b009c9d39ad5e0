"""The settings of pushes: a part of muster.config.Settings, on top of those of privacy; nobody reads but the whole.

Owns their declarations. Must never read the environment.
"""

from dataclasses import dataclass
from pathlib import Path

from muster.privacy_settings import PrivacySettings
from muster.setting import setting


@dataclass(frozen=True, slots=True, kw_only=True)
class PushSettings(PrivacySettings):
    """See `muster.config.Settings`."""

    # Pushes
    pushes: str = setting(
        "mock",
        "what `muster up` starts for pushes: mocks of APNs and FCM and a pusher for each; pushers for whom"
        " there is a key; nothing",
        choices=("mock", "real", "none"),
    )
    push_provider: str = setting("apns", "whom a pusher serves", choices=("apns", "fcm"))
    pusher_port: int = setting(8201, "port of the first pusher", at_least=1, at_most=65535)
    pusher_db_pool: int = setting(2, "connections of a pusher", at_least=1, at_most=16)
    push_ca: Path | None = setting(
        None, "certificates by which providers are known; default: the system's"
    )
    apns_url: str = setting("https://api.push.apple.com", "APNs")
    apns_sandbox_url: str = setting("https://api.sandbox.push.apple.com", "APNs for development")
    apns_key: Path | None = setting(None, "Apple's signing key for pushes (.p8)")
    apns_key_id: str = setting("", "id of MUSTER_APNS_KEY")
    apns_team_id: str = setting("", "the team that MUSTER_APNS_KEY is of")
    fcm_url: str = setting("https://fcm.googleapis.com", "FCM")
    fcm_account: Path | None = setting(None, "Google service account that may send (JSON)")

    mock_push_port: int = setting(
        8301,
        "port of the page of mock phones; the mocks of APNs, its sandbox, FCM and OAuth are on the four after it",
        at_least=1,
        at_most=65_531,
    )
    push_elsewhere_s: float = setting(
        30.0,
        "how long a phone stays silent for somebody who is active on another device",
        at_least=0.0,
        at_most=3600.0,
    )
    push_burst_s: float = setting(
        2.0, "least time between two pushes of a room to somebody", at_least=0.0, at_most=600.0
    )
    push_read_s: float = setting(
        3.0,
        "how long what is read in a room is put together before other devices are told",
        at_least=0.0,
        at_most=600.0,
    )

    @property
    def pushed_by(self) -> tuple[str, ...]:
        """Of which providers `muster up` runs a pusher."""
        keyed = {"apns": self.apns_key, "fcm": self.fcm_account}
        if self.pushes == "mock":
            return tuple(keyed)
        return tuple(name for name, key in keyed.items() if key and self.pushes == "real")
