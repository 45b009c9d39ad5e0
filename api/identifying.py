"""The pieces about who somebody is, put together: passwords, second factors, sessions, service keys.

Owns which of them gets which store. Must never open anything: api/assembly.py brings what is open.
"""

from __future__ import annotations

from typing import NamedTuple

from api.credentials import CredentialHandlers
from api.ground import Ground
from api.limits import Limits
from muster.login import Known, Login
from muster.password_change import PasswordChange
from muster.password_policy import PasswordPolicy
from muster.passwords import Passwords
from muster.people import People
from muster.second_factor import SecondFactors
from muster.service_keys import ServiceKeys
from muster.sessions import Sessions, Surroundings, Terms
from muster.step_up import StepUp
from muster.stores.postgres.people import PostgresPeople
from muster.stores.postgres.second_factors import PostgresHalfLogins, PostgresSecondFactors
from muster.stores.postgres.service_keys import PostgresServiceKeys
from muster.stores.postgres.sessions import PostgresSessions
from muster.tokens import Tokens


class Identities(NamedTuple):
    """Who registers people, lets them in and keeps them in."""

    people: People
    login: Login
    sessions: Sessions
    credentials: CredentialHandlers
    step_up: StepUp
    change: PasswordChange


def identities(on: Ground, tokens: Tokens, limits: Limits) -> Identities:
    """These, on one set of stores."""
    settings, metrics, known = on.settings, on.identity.metrics, PostgresPeople(on.primary)
    passwords = Passwords(on.hashing, settings.password_memory_kib, settings.password_passes)
    policy = PasswordPolicy(on.identity.known, metrics)
    people = People(known, passwords, policy, on.clock, on.random)
    surroundings = Surroundings(on.clock, on.random, on.writer)
    terms = Terms(settings.refresh_days, settings.session_days)
    sessions = Sessions(PostgresSessions(on.primary), tokens, terms, surroundings, metrics)
    factors = SecondFactors(
        PostgresSecondFactors(on.primary),
        on.sealer,
        metrics,
        settings.issuer,
        on.clock,
        on.random,
    )
    asked = Known(known, passwords, factors, PostgresHalfLogins(on.primary))
    login = Login(asked, sessions, metrics, on.clock, on.random)
    step_up = StepUp(known, passwords, factors, metrics)
    change = PasswordChange(known, passwords, policy, sessions, metrics)
    credentials = CredentialHandlers(people, step_up, change, factors, limits)
    return Identities(people, login, sessions, credentials, step_up, change)


def service_keys(on: Ground) -> ServiceKeys:
    """Who believes the app's own servers."""
    store, identity = PostgresServiceKeys(on.primary), on.identity
    return ServiceKeys(store, on.sealer, identity.nonces, identity.metrics, on.clock)
