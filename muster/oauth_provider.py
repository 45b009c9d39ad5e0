"""Services that people may log in by, as the operator wrote them down.

Owns the shape of MUSTER_OAUTH and what is known of Google, Apple and GitHub beforehand. Must never fetch anything.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import replace

from muster.setting import SettingsError

PROVIDERS_MOST: Final = 20
NAME: Final = r"[a-z0-9][a-z0-9-]{0,31}"
GITHUB: Final = "https://github.com"
_SETTING: Final = "MUSTER_OAUTH"
_FILE_BYTES: Final = 262_144
_Line = Annotated[str, Meta(min_length=1, max_length=500)]


class Provider(Struct, frozen=True, forbid_unknown_fields=True):
    """One service. Its repr hides the secret.

    `name` is its part of addresses of ours, `title` what people read. An OpenID provider has an `issuer`, whose
    document says the rest; GitHub speaks plain OAuth and has addresses. Apple takes no `client_secret` but signs one
    with `key_file`. `trusts_email`: what it says is verified is: an account with that verified address is entered.
    """

    name: Annotated[str, Meta(pattern=f"^{NAME}$")]
    client_id: _Line
    title: str = ""
    kind: Literal["oidc", "github", "apple"] = "oidc"
    client_secret: str = ""
    client_secret_file: str = ""
    issuer: str = ""
    scopes: tuple[str, ...] = ("openid", "email", "profile")
    algorithms: tuple[str, ...] = ("RS256", "ES256")
    trusts_email: bool = False
    form_post: bool = False
    team_id: str = ""
    key_id: str = ""
    key_file: str = ""
    authorize_url: str = ""
    token_url: str = ""
    user_url: str = ""
    emails_url: str = ""

    def __repr__(self) -> str:
        return f"Provider({self.name})"

    @property
    def realm(self) -> str:
        """Where its subjects are unique: see `externals` in Postgres."""
        return self.issuer


_KNOWN: Final[Mapping[str, Mapping[str, object]]] = {
    "google": {
        "title": "Google",
        "issuer": "https://accounts.google.com",
        "trusts_email": True,
        "algorithms": ("RS256",),
    },
    "apple": {
        "title": "Apple",
        "kind": "apple",
        "issuer": "https://appleid.apple.com",
        "scopes": ("openid", "email", "name"),
        "trusts_email": True,
        # Apple sends name and address by POST alone.
        "form_post": True,
        "algorithms": ("RS256",),
    },
    "github": {
        "title": "GitHub",
        "kind": "github",
        "issuer": GITHUB,
        "scopes": ("read:user", "user:email"),
        "trusts_email": True,
        "authorize_url": f"{GITHUB}/login/oauth/authorize",
        "token_url": f"{GITHUB}/login/oauth/access_token",
        "user_url": "https://api.github.com/user",
        "emails_url": "https://api.github.com/user/emails",
    },
}
"""What need not be said of these names; what is said comes before it."""


def parse(setting: str) -> Mapping[str, Provider]:
    """Services by name, from JSON or from the file of this path. Raises `SettingsError`, which quotes no secret."""
    if not setting:
        return {}
    text = setting if setting.lstrip().startswith(("[", "{")) else _file(setting)
    try:
        raw = msgspec.json.decode(text, type=list[dict[str, object]])
        found = [
            msgspec.convert({**_KNOWN.get(str(one.get("name")), {}), **one}, Provider)
            for one in raw
        ]
    except msgspec.MsgspecError as error:
        raise SettingsError(f"{_SETTING} is not a list of services: {error}.") from None
    found = [_complete(one) for one in found]
    by_name = {one.name: one for one in found}
    if len(by_name) < len(found) or len(found) > PROVIDERS_MOST:
        raise SettingsError(f"{_SETTING} names at most {PROVIDERS_MOST} services, each once.")
    if len({one.realm for one in found}) < len(found):
        raise SettingsError(f"{_SETTING} names an issuer twice.")
    return by_name


def _complete(one: Provider) -> Provider:
    """With its secret, and a title. Raises `SettingsError`."""
    for url in (one.issuer, one.authorize_url, one.token_url, one.user_url, one.emails_url):
        if url and not safe(url):
            raise SettingsError(f"{_SETTING}: the addresses of {one.name} begin with https://.")
    if not one.issuer:
        raise SettingsError(f"{_SETTING}: {one.name} has an `issuer`.")
    if one.kind == "github" and not (one.authorize_url and one.token_url and one.user_url):
        raise SettingsError(f"{_SETTING}: {one.name} has its addresses.")
    secret = one.client_secret
    if one.client_secret_file:
        secret = _file(one.client_secret_file).strip()
    if one.kind == "apple":
        if not (one.team_id and one.key_id and one.key_file):
            raise SettingsError(
                f"{_SETTING}: {one.name} has `team_id`, `key_id` and `key_file`, the key being a .p8 of Apple's."
            )
        # Read now, so that a wrong path is told at the beginning and not at the first login.
        secret = _file(one.key_file)
    if not secret:
        raise SettingsError(f"{_SETTING}: {one.name} has a `client_secret`.")
    return replace(one, client_secret=secret, title=one.title or one.name.capitalize())


def safe(url: str) -> bool:
    """Whether words that matter may be sent there."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    local = parts.hostname in ("localhost", "127.0.0.1", "::1")
    return bool(parts.hostname) and (parts.scheme == "https" or (parts.scheme == "http" and local))


def _file(path: str) -> str:
    try:
        with Path(path).open(encoding="utf-8") as file:
            return file.read(_FILE_BYTES)
    except (OSError, ValueError) as error:
        told = error.strerror if isinstance(error, OSError) else "not text"
        raise SettingsError(f"{_SETTING} names a file that cannot be read: {told}.") from None


def is_redirect(url: str) -> bool:
    """Whether this may stand in MUSTER_OAUTH_REDIRECTS: an address of an app or of a page, without a fragment."""
    return bool(re.fullmatch(r"[a-z][a-z0-9+.-]*:[^\s#\\]+", url)) and not url.startswith(
        ("javascript:", "data:", "file:", "vbscript:", "blob:")
    )
