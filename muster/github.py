"""GitHub, which speaks OAuth without OpenID: who somebody is, is asked with their token.

Owns that: the account by its number, for names there change hands, and the first address that GitHub has verified.
Must never keep the token beyond these two questions.
"""

from __future__ import annotations

from typing import Any, Final

from authlib.oauth2.rfc6749.parameters import prepare_grant_uri

from muster.oauth_flow import Said, Words
from muster.oauth_provider import Provider
from muster.oauth_talk import Talk, Unheard
from muster.openid import checked

_SHOWN_CHARS: Final = 200


class GitHub:
    """See `muster.oauth.Service`."""

    def __init__(self, provider: Provider, talk: Talk) -> None:
        self._provider = provider
        self._talk = talk

    async def url(self, words: Words, callback: str) -> str:
        one = self._provider
        return str(
            prepare_grant_uri(
                one.authorize_url,
                one.client_id,
                "code",
                redirect_uri=callback,
                scope=" ".join(one.scopes),
                state=words.state,
                code_challenge=words.challenge,
                code_challenge_method="S256",
            )
        )

    async def said(self, code: str, words: Words, callback: str, more: str) -> Said:  # noqa: ARG002  # Apple's
        one = self._provider
        answer = await self._talk.post(
            one.token_url,
            {
                "grant_type": "authorization_code",
                "client_id": one.client_id,
                "client_secret": one.client_secret,
                "code": code,
                "redirect_uri": callback,
                "code_verifier": words.verifier,
            },
        )
        token = answer.get("access_token")
        if not isinstance(token, str) or not token.isascii() or not token.isprintable():
            raise Unheard("no token")
        user = await self._talk.get(one.user_url, token)
        number = user.get("id") if isinstance(user, dict) else None
        if not isinstance(number, int) or isinstance(number, bool):
            raise Unheard("subject")
        handle, name = user.get("login"), user.get("name")
        return Said(
            str(number),
            handle[:_SHOWN_CHARS] if isinstance(handle, str) else "",
            name[:_SHOWN_CHARS] if isinstance(name, str) else "",
            _verified(await self._talk.get(one.emails_url, token)) if one.emails_url else "",
        )


def _verified(addresses: Any) -> str:
    """The primary one, if it is verified; no other is."""
    for one in addresses if isinstance(addresses, list) else []:
        if isinstance(one, dict) and one.get("primary") is True and one.get("verified") is True:
            return checked(one.get("email"))
    return ""
