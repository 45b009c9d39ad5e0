"""Handlers about the terms and the privacy policy: what is in force, and what I have accepted.

Owns the bodies of these routes. Must never accept anything for somebody.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from api.route import Call
from muster.agreements import Agreements, Document, Documents, Mine

_Version = Annotated[str, Meta(min_length=1, max_length=100)]


class Accept(Struct, frozen=True):
    """Which versions I accept: those that are in force."""

    terms: _Version | None = None
    privacy: _Version | None = None


class AgreementHandlers:
    """The routes about agreements."""

    def __init__(self, agreements: Agreements) -> None:
        self._agreements = agreements

    async def current(self, _call: Call) -> Documents:
        return self._agreements.current()

    async def mine(self, call: Call) -> Mine:
        return await self._agreements.of(call.me)

    async def accept(self, call: Call) -> Mine:
        wanted = call.body(Accept)
        versions: dict[Document, str] = {}
        if wanted.terms is not None:
            versions["terms"] = wanted.terms
        if wanted.privacy is not None:
            versions["privacy"] = wanted.privacy
        return await self._agreements.accept(call.me, versions)
