"""Rows about what is kept of people: copies, erasure, consents.

Owns their order: they are matched as they stand.
"""

from __future__ import annotations

from api import mine
from api.route import Limit, Route
from muster.consents import Consents
from muster.exporting import Export
from proto.codes import Code


def of_mine(to: mine.MineHandlers) -> list[Route]:
    """A copy, an end, and what I consent to."""
    write, secret, somebody = Limit.write, Limit.secret, "/v1/people/{person}/erasure"
    unproven = (Code.permission_denied, Code.conflict)
    return [
        Route("POST", "/v1/me/export", to.export,
              "Make a copy of everything that is kept of me", Export, 202, mine.Prove, limit=secret,
              refuses=(*unproven, Code.limit_exceeded)),
        Route("GET", "/v1/me/exports", to.exports, "Copies I asked for, and where to download them",
              mine.MyExports),
        Route("DELETE", "/v1/me", to.end, "Delete my account, after some days in which I may come back",
              mine.Ending, 202, mine.Prove, limit=secret, refuses=(*unproven, Code.not_found)),
        Route("PUT", somebody, to.erase, "Delete somebody's account, for them", mine.Ending, 202,
              mine.EraseSomebody, limit=write, bare=True),
        Route("DELETE", somebody, to.spare, "Delete it after all not", limit=write,
              refuses=(Code.conflict,)),
        Route("GET", "/v1/me/consents", to.consents, "What I consent to, and since when", Consents),
        Route("PUT", "/v1/me/consents/{purpose}", to.consent,
              "Consent to something, or take that back", Consents, body=mine.Consenting,
              limit=write, refuses=(Code.not_found, Code.conflict)),
    ]  # fmt: skip
