"""Rows about addresses, forgotten passwords and other services that people log in by.

Owns their order: they are matched as they stand.
"""

from __future__ import annotations

from api import emails, oauth
from api.route import Limit, Route
from muster.emails import MyEmail
from muster.login import SecondStep
from muster.oauth import Begun
from muster.sessions import Grant
from proto.codes import Code


def of_emails(to: emails.EmailHandlers) -> list[Route]:
    """My address, and passwords that were forgotten."""
    mine, reset = "/v1/me/email", "/v1/password-resets"
    secret, anonymous = Limit.secret, Limit.anonymous
    wrong = (Code.permission_denied, Code.conflict)
    return [
        Route("GET", mine, to.mine, "My address of mail", MyEmail),
        Route("PUT", mine, to.change,
              "An address is to be mine: a mail with a link and a code goes there",
              body=emails.NewAddress, limit=secret, refuses=(*wrong, Code.already_done)),
        Route("POST", f"{mine}/verify", to.verify_code, "The code of that mail: it is my address",
              body=emails.AddressCode, limit=secret, refuses=wrong),
        Route("POST", f"{mine}/remove", to.remove, "No address any more",
              body=emails.Owner, limit=secret, refuses=(*wrong, Code.not_found)),
        Route("POST", "/v1/emails/verify", to.verify_word, "The link of that mail, from anywhere",
              body=emails.AddressWord, limit=anonymous,
              refuses=(Code.unauthorized, Code.conflict)),
        Route("POST", reset, to.forgot,
              "A mail for a new password, if the address is somebody's; the answer does not tell",
              body=emails.Forgotten, limit=anonymous, refuses=(Code.conflict,)),
        Route("POST", f"{reset}/complete", to.reset,
              "A new password, by the link of that mail; all sessions are over",
              body=emails.NewPassword, limit=anonymous, refuses=(Code.unauthorized,)),
    ]  # fmt: skip


def of_oauth(to: oauth.OAuthHandlers) -> list[Route]:
    """Other services."""
    secret, anonymous = Limit.secret, Limit.anonymous
    mine, back = "/v1/me/oauth", "/v1/oauth/callback/{provider}"
    wrong = (Code.permission_denied, Code.conflict)
    return [
        Route("GET", "/v1/login-options", to.options,
              "How one gets in, besides by handle and password", oauth.LoginOptions),
        Route("POST", "/v1/oauth/complete", to.end,
              "Log in with the code that another service's login ended with", Grant, 201,
              oauth.EndLogin, limit=anonymous, halfway=SecondStep,
              refuses=(Code.unauthorized, *wrong)),
        Route("GET", back, to.come_back, "Where a service sends a browser back to", status=303,
              query=oauth.Returning, limit=anonymous, refuses=(Code.unauthorized,)),
        Route("POST", back, to.come_back_by_form, "The same, by a form", status=303,
              limit=anonymous, stream=True, form="application/x-www-form-urlencoded",
              refuses=(Code.unauthorized, Code.bad_request, Code.too_large)),
        Route("POST", "/v1/oauth/{provider}/begin", to.begin,
              "Log in by another service: the address to open in a browser", Begun,
              body=oauth.BeginLogin, limit=anonymous, refuses=(Code.unavailable,)),
        Route("GET", mine, to.linked, "The services that my account is linked to", oauth.Linked),
        Route("POST", f"{mine}/complete", to.end_link, "Link what that login ended with",
              body=oauth.EndLink, limit=secret, refuses=(Code.unauthorized, Code.conflict)),
        Route("POST", f"{mine}/{{provider}}/begin", to.begin_link,
              "Link another service: the address to open in a browser", Begun,
              body=oauth.BeginLink, limit=secret, refuses=(*wrong, Code.unavailable)),
        Route("POST", f"{mine}/{{provider}}/unlink", to.unlink,
              "Unlink a service, unless it is the last way in",
              body=emails.Owner, limit=secret, refuses=(*wrong, Code.not_found)),
    ]  # fmt: skip
