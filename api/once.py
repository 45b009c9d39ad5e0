"""A request repeated with the same Idempotency-Key within 24 hours is answered, not done again.

Owns what a repeat gets: the same body the same answer, another body 409. Must never keep an answer that says
"try again": those are forgotten, and the repeat does the work.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from starlette.responses import Response

from muster.errors import Refused
from muster.ids import NOBODY, PersonId
from muster.stores.postgres.idempotency import PostgresIdempotency, claim
from proto.codes import Code

_STILL_MS: Final = 1_000
_REPLAYED: Final = {"Idempotency-Replayed": "true"}


class Once:
    """Answers repeats."""

    def __init__(self, store: PostgresIdempotency) -> None:
        self._store = store

    async def answer(
        self,
        person: PersonId | None,
        key: str,
        request: tuple[str, str, bytes],
        work: Callable[[], Awaitable[Response]],
    ) -> Response:
        """What `work` gives, or gave. Raises `Refused`: `conflict`."""
        made = claim(person or NOBODY, key, *request)
        kept = await self._store.begin(made)
        if kept is not None:
            if not kept.same:
                raise Refused(
                    Code.conflict, "this Idempotency-Key was used for a different request"
                )
            if kept.status is None:
                raise Refused(
                    Code.conflict,
                    "the first request with this Idempotency-Key is not answered yet; try again",
                    retry_after_ms=_STILL_MS,
                )
            content = kept.answer or b""
            media_type = "application/json" if kept.status < 400 else "application/problem+json"
            return Response(
                content, kept.status, _REPLAYED, media_type=media_type if content else None
            )
        settled = False
        try:
            response = await work()
            settled = response.status_code < 500 and response.status_code != 429
            if settled:
                await self._store.keep(made, response.status_code, bytes(response.body))
        finally:
            if not settled:
                await self._store.forget(made)
        return response
