"""The pieces about addresses, mails and other services, put together.

Owns which of them gets which store. Must never open anything: api/assembly.py brings what is open.
"""

from __future__ import annotations

import random
from typing import NamedTuple

from api.emails import Addressing, EmailHandlers
from api.ground import Ground
from api.identifying import Identities
from api.limits import Limits
from api.oauth import OAuthHandlers
from muster.arrivals import Arrivals
from muster.breaker import LOGINS, MAIL, Breaker
from muster.config import Settings
from muster.emails import Emails
from muster.github import GitHub
from muster.joining import Joining, Known
from muster.letter import Letters
from muster.mailing import Carrier, Mailing, MailMetrics
from muster.mails import Mails
from muster.oauth import Desk, OAuth, Service
from muster.oauth_provider import Provider, is_redirect, parse
from muster.oauth_talk import Talk
from muster.openid import OpenId
from muster.owner_proof import OwnerProof
from muster.password_reset import PasswordResets
from muster.setting import SettingsError
from muster.smtp import Server, Smtp
from muster.stores.postgres.emails import PostgresEmails
from muster.stores.postgres.externals import PostgresExternals
from muster.stores.postgres.mails import PostgresMails
from muster.stores.postgres.oauth import PostgresFlows, PostgresServices
from muster.stores.postgres.people import PostgresPeople

_NOBODY = "Muster <nobody@localhost>"
"""Who writes where no mail is sent."""


class AccountHandlers(NamedTuple):
    """The routes about these."""

    emails: EmailHandlers
    oauth: OAuthHandlers


def account_handlers(
    on: Ground, identities: Identities, arrivals: Arrivals, limits: Limits
) -> AccountHandlers:
    """These, on one set of stores."""
    settings, metrics, known = on.settings, on.identity.metrics, PostgresPeople(on.primary)
    letters = _letters(settings)
    mails = Mails(PostgresMails(on.primary), on.sealer, on.clock, on.random)
    emails = emails_of(on, mails)
    resets = PasswordResets(mails, emails, identities.change, metrics)
    proof = OwnerProof(known, identities.step_up, identities.sessions, on.clock)
    oauth = OAuth(_desk(on), PostgresFlows(on.primary), on.sealer, metrics, on.clock, on.random)
    asked = Known(
        known, PostgresExternals(on.primary), PostgresServices(on.primary), emails, arrivals
    )
    joining = Joining(oauth, asked, identities.login, metrics)
    sends = bool(settings.smtp_host)
    return AccountHandlers(
        EmailHandlers(Addressing(emails, resets, proof, letters, sends), limits),
        OAuthHandlers(oauth, joining, proof, letters, limits, sends_mail=sends),
    )


def emails_of(on: Ground, mails: Mails) -> Emails:
    """Addresses, and who writes to them."""
    metrics = on.identity.metrics
    return Emails(PostgresEmails(on.primary), mails, on.sealer, metrics, on.clock, on.random)


def mailing(on: Ground) -> Mailing:
    """Who sends mails in this process."""
    settings = on.settings
    carrier = None
    if settings.smtp_host:
        letters = _letters(settings)
        server = Server(
            settings.smtp_host,
            settings.smtp_port,
            settings.smtp_tls == "implicit",
            settings.smtp_user,
            settings.smtp_password,
            settings.smtp_ca,
        )
        carrier = Carrier(_smtp(on, server, letters.sender), letters, settings.public_url)
    metrics = MailMetrics(on.registry)
    return Mailing(PostgresMails(on.primary), carrier, on.sealer, metrics, on.clock)


def _smtp(on: Ground, server: Server, sender: str) -> Smtp:
    rng = random.Random()  # noqa: S311  # spreads probes, hides nothing
    return Smtp(server, sender, on.breakers.of("mail", Breaker(rng, MAIL)), on.clock)


def _talk(on: Ground, provider: str) -> Talk:
    rng = random.Random()  # noqa: S311  # spreads probes, hides nothing
    breaker = on.breakers.of(f"logins by {provider}", Breaker(rng, LOGINS))
    return Talk(on.abroad.issuers, breaker, on.clock)


def _letters(settings: Settings) -> Letters:
    return Letters(settings.mail_from or _NOBODY, settings.mail_language)


def _desk(on: Ground) -> Desk:
    settings = on.settings
    providers = parse(settings.oauth)
    for redirect in settings.oauth_redirects:
        if not is_redirect(redirect):
            raise SettingsError(
                "MUSTER_OAUTH_REDIRECTS are addresses of apps or pages, without a #."
            )
    services = {name: _service(one, _talk(on, name), on) for name, one in providers.items()}
    page = (f"{settings.public_url}/app",) if settings.public_url else ()
    return Desk(providers, services, settings.public_url, (*page, *settings.oauth_redirects))


def _service(provider: Provider, talk: Talk, on: Ground) -> Service:
    if provider.kind == "github":
        return GitHub(provider, talk)
    return OpenId(provider, talk, on.clock)
