"""The settings of mail and of logging in by other services: a part of muster.config.Settings.

Owns their declarations. Must never read the environment.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from muster.lock_settings import LockSettings
from muster.setting import SettingsError, setting

_PUBLIC = re.compile(
    r"https://[A-Za-z0-9.-]+(:\d+)?|http://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MailSettings(LockSettings):
    """See `muster.config.Settings`."""

    # Mail, and logging in by other services
    public_url: str = setting(
        "", "where browsers reach the api, as https://api.example.org; mails and logins lead there"
    )
    smtp_host: str = setting("", "mail server that sends for us; empty: no mail is sent")
    smtp_port: int = setting(587, "port of MUSTER_SMTP_HOST", at_least=1, at_most=65_535)
    smtp_tls: str = setting(
        "starttls",
        "how MUSTER_SMTP_HOST speaks TLS: after STARTTLS, or from the first byte; never without",
        choices=("starttls", "implicit"),
    )
    smtp_user: str = setting("", "name at MUSTER_SMTP_HOST; empty: none is asked for")
    smtp_password: str = setting("", "password of MUSTER_SMTP_USER", secret=True)
    smtp_ca: Path | None = setting(
        None, "certificates by which MUSTER_SMTP_HOST is known; default: the system's"
    )
    mail_from: str = setting("", "who mails are from, as Muster <no-reply@example.org>")
    mail_language: str = setting("en", "language of mails to whom none is known of")
    oauth: str = setting(
        "",
        "services that people may log in by: JSON, or the path of a file of it; see docs/accounts.md",
        secret=True,
    )
    oauth_redirects: tuple[str, ...] = setting(
        (), "whither a login by another service may end, exactly; besides MUSTER_PUBLIC_URL/app"
    )

    def check_mail(self) -> None:
        """What no single one of these can tell. Raises `SettingsError`."""
        if self.smtp_host and not (self.mail_from and self.public_url):
            raise SettingsError(
                "MUSTER_SMTP_HOST needs MUSTER_MAIL_FROM, and MUSTER_PUBLIC_URL for the links in mails."
            )
        if self.oauth and not self.public_url:
            raise SettingsError("MUSTER_OAUTH needs MUSTER_PUBLIC_URL, whither services send back.")
        if self.public_url and not _PUBLIC.fullmatch(self.public_url):
            raise SettingsError(
                "MUSTER_PUBLIC_URL is an address without path: https://api.example.org."
            )
