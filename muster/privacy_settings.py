"""The settings of privacy and retention: a part of muster.config.Settings, on top of those of limits.

Owns their declarations. Must never read the environment.
"""

from dataclasses import dataclass

from muster.limit_settings import LimitSettings
from muster.permission import RoomKind
from muster.setting import setting

_DAYS_MOST = 36_500.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivacySettings(LimitSettings):
    """See `muster.config.Settings`."""

    # Privacy
    erasure_days: float = setting(
        7.0,
        "from when on somebody who asked for it is forgotten; until then logging in takes it back",
        at_least=0.0,
        at_most=90.0,
    )
    exports_per_day: int = setting(
        1, "copies of what is kept of them that one person may ask for in a day", at_least=1
    )
    export_days: float = setting(
        7.0, "how long such a copy can be downloaded", at_least=0.01, at_most=90.0
    )
    consents: tuple[str, ...] = setting(
        (), "what people are asked to consent to, as purpose=version of the text they are shown"
    )
    keep_direct_days: float = setting(
        0.0, "how long messages of direct rooms stay; 0: for ever", at_least=0.0, at_most=_DAYS_MOST
    )
    keep_group_days: float = setting(
        0.0, "how long messages of groups stay; 0: for ever", at_least=0.0, at_most=_DAYS_MOST
    )
    keep_public_days: float = setting(
        0.0, "how long messages of public rooms stay; 0: for ever", at_least=0.0, at_most=_DAYS_MOST
    )
    keep_announcement_days: float = setting(
        0.0, "how long announcements stay; 0: for ever", at_least=0.0, at_most=_DAYS_MOST
    )
    keep_event_days: float = setting(
        0.0, "how long messages of events stay; 0: for ever", at_least=0.0, at_most=_DAYS_MOST
    )
    keep_notices_days: float = setting(
        0.0,
        "how long people's own logs (notices, what their other devices did) stay; 0: for ever",
        at_least=0.0,
        at_most=_DAYS_MOST,
    )
    keep_sessions_days: float = setting(
        90.0, "how long sessions that are over stay on record", at_least=1.0, at_most=_DAYS_MOST
    )
    keep_reasons_days: float = setting(
        730.0,
        "how long it stays on record why moderators and staff did something",
        at_least=1.0,
        at_most=_DAYS_MOST,
    )

    @property
    def keep_days(self) -> dict[RoomKind, float]:
        """How long messages stay, by kind of room; those that are not named stay for ever."""
        days = {
            RoomKind.direct: self.keep_direct_days,
            RoomKind.group: self.keep_group_days,
            RoomKind.public: self.keep_public_days,
            RoomKind.announcement: self.keep_announcement_days,
            RoomKind.event: self.keep_event_days,
            RoomKind.self_: self.keep_notices_days,
        }
        return {kind: each for kind, each in days.items() if each}
