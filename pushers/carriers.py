"""The carrier that the settings name, with its keys read.

Owns which settings a provider needs. Must never open a connection: a carrier's `run` does, when it is wanted.
"""

from __future__ import annotations

import random
import ssl
from pathlib import Path

from muster.clock import Clock
from muster.config import Settings
from muster.push_device import Environment, Provider
from muster.setting import SettingsError
from muster.token_shelf import TokenShelf
from pushers import apns, fcm
from pushers.apns import Apns
from pushers.apns_token import BadKey, provider_tokens, read_key
from pushers.fcm import Fcm
from pushers.fcm_token import access_tokens, read_account
from pushers.gate import Gate
from pushers.http2.client import Client, Manner
from pushers.http2.dial import Dial, base, trust

Carried = Apns | Fcm


def carrier_of(
    settings: Settings, provider: Provider, shelf: TokenShelf, clock: Clock, rng: random.Random
) -> Carried:
    """Apple's or Google's. Raises `SettingsError` where a key is missing or is none."""
    tls = trust(settings.push_ca)
    if provider is Provider.apns:
        return _apns(settings, tls, shelf, clock, rng)
    return _fcm(settings, tls, shelf, clock, rng)


def _apns(
    settings: Settings, tls: ssl.SSLContext, shelf: TokenShelf, clock: Clock, rng: random.Random
) -> Apns:
    if settings.apns_key is None or not settings.apns_key_id or not settings.apns_team_id:
        raise SettingsError(
            "A pusher of APNs needs MUSTER_APNS_KEY, MUSTER_APNS_KEY_ID and MUSTER_APNS_TEAM_ID."
        )
    try:
        key = read_key(_read(settings.apns_key, "MUSTER_APNS_KEY"))
    except BadKey as bad:
        raise SettingsError(f"MUSTER_APNS_KEY: {bad}") from None
    tokens = provider_tokens(settings.apns_team_id, settings.apns_key_id, key, shelf, clock)
    clients = {
        Environment.production: _client(
            settings.apns_url, "MUSTER_APNS_URL", tls, apns.MANNER, rng
        ),
        Environment.sandbox: _client(
            settings.apns_sandbox_url, "MUSTER_APNS_SANDBOX_URL", tls, apns.MANNER, rng
        ),
    }
    return Apns(clients, tokens, Gate(apns.RATES, clock, rng), clock)


def _fcm(
    settings: Settings, tls: ssl.SSLContext, shelf: TokenShelf, clock: Clock, rng: random.Random
) -> Fcm:
    if settings.fcm_account is None:
        raise SettingsError("A pusher of FCM needs MUSTER_FCM_ACCOUNT.")
    try:
        account = read_account(_read(settings.fcm_account, "MUSTER_FCM_ACCOUNT"))
    except BadKey as bad:
        raise SettingsError(f"MUSTER_FCM_ACCOUNT: {bad}") from None
    tokens = access_tokens(account, "", trust(settings.push_ca), shelf, clock)
    client = _client(settings.fcm_url, "MUSTER_FCM_URL", tls, fcm.MANNER, rng)
    return Fcm(client, tokens, Gate(fcm.RATES, clock, rng), clock)


def _client(url: str, name: str, tls: ssl.SSLContext, manner: Manner, rng: random.Random) -> Client:
    try:
        return Client(Dial(base(url), tls), manner, rng)
    except ValueError as bad:
        raise SettingsError(f"{name}: {bad}.") from None


def _read(path: Path, name: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SettingsError(f"{name} cannot be read: {error.strerror}.") from None
