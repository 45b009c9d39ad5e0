"""The settings of safety: a part of muster.config.Settings, on top of those of mail and locks.

Owns their declarations. Must never read the environment.
"""

from dataclasses import dataclass

from muster.agreements import InForce, Said
from muster.mail_settings import MailSettings
from muster.setting import setting


@dataclass(frozen=True, slots=True, kw_only=True)
class SafetySettings(MailSettings):
    """See `muster.config.Settings`."""

    # Safety
    report_days: float = setting(
        180.0,
        "how long what a report kept as evidence stays after somebody was done with it",
        at_least=0.0,
        at_most=36_500.0,
    )
    terms_version: str = setting("", "version of the terms now in force; empty: there are none")
    terms_url: str = setting("", "where the terms can be read")
    privacy_version: str = setting(
        "", "version of the privacy policy now in force; empty: there is none"
    )
    privacy_url: str = setting("", "where the privacy policy can be read")
    agreements_enforced: bool = setting(
        False, "refuse people who have not accepted the versions now in force"
    )

    @property
    def agreements(self) -> Said:
        """As the noun takes them."""
        return Said(
            InForce("terms", self.terms_version, self.terms_url),
            InForce("privacy", self.privacy_version, self.privacy_url),
            self.agreements_enforced,
        )
