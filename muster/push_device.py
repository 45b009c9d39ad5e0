"""A device that pushes reach: where, and what its owner wants shown there.

Owns what is known of one. Must never be logged whole: a token lets whoever has it ring the phone.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple
from uuid import UUID

from muster.sealer import Field

TOKEN: Final = Field("push_devices", "token_sealed")
"""A token lies sealed, bound to its device."""


class Provider(StrEnum):
    """Who carries pushes to it."""

    apns = "apns"
    fcm = "fcm"


class Environment(StrEnum):
    """Which of Apple's two worlds a token is of; tokens of Firebase know only production."""

    production = "production"
    sandbox = "sandbox"


class TargetKind(StrEnum):
    """What `token` is: a registration token, or (FCM) a Firebase installation id."""

    token = "token"  # noqa: S105  # a kind of target, no secret
    fid = "fid"


class Privacy(StrEnum):
    """How much of a message leaves for the provider, from most to least.

    full: title and text. sender: who and where, no text. generic: that there is something. ids: room and seq
    alone,
    for an app that fetches what it shows.
    """

    full = "full"
    sender = "sender"
    generic = "generic"
    ids = "ids"


class PushDevice(NamedTuple):
    """One registration. `device` is the id that sockets and pointers have; times in Unix milliseconds.

    `topic`: the app's bundle id (APNs) or the Firebase project (FCM). `zone`: an IANA time zone. `shows_local`:
    it shows
    a notification by itself for what comes over its socket, so that what it acked needs no push.
    """

    device: UUID
    provider: Provider
    environment: Environment
    topic: str
    token: str
    target_kind: TargetKind
    locale: str
    zone: str
    app_version: str
    privacy: Privacy
    shows_local: bool
    registered_ms: int
