"""Every answer that a test of the door gets is one that the OpenAPI document names.

Owns that comparison: the status, the media type, and of a problem its code. Must never be told of exceptions.
"""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import unquote

import httpx

DOCUMENT: Final = "/v1/openapi.json"
_PLACE: Final = re.compile(r"{\w+}")
_OURS: Final = {403, 404, 405}
"""What is answered where no operation is; 403: to those whom the network's borders keep out."""


class Documented:
    """Looks at answers. The document is asked for once: it is the same whatever the settings."""

    _paths: tuple[tuple[re.Pattern[str], dict[str, Any]], ...] = ()

    def __init__(self, transport: httpx.AsyncBaseTransport) -> None:
        self._transport = transport

    async def look(self, response: httpx.Response) -> None:
        """Raises AssertionError for what is not in the document. An event hook of httpx."""
        method, path = response.request.method, unquote(response.request.url.path)
        if method == "OPTIONS":  # a browser's question, which is no operation
            return
        operation = await self._operation("GET" if method == "HEAD" else method, path)
        asked = f"{method} {path} answered {response.status_code}"
        if operation is None:
            assert response.status_code in _OURS, f"{asked}, and is in no document"
            return
        said = operation["responses"].get(str(response.status_code))
        await response.aread()
        assert said is not None, f"{asked}, which is not in the document: {response.text}"
        kind = response.headers.get("content-type", "").partition(";")[0]
        kinds = said.get("content", {})
        assert "*/*" in kinds or kind in kinds or not (kind or kinds), f"{asked} as {kind!r}"
        if kind == "application/problem+json" and method != "HEAD":
            name = response.json()["name"]
            assert name in said["x-codes"], f"{asked} {name}, which is not in the document"

    async def _operation(self, method: str, path: str) -> dict[str, Any] | None:
        if not Documented._paths:
            async with httpx.AsyncClient(transport=self._transport, base_url="http://door") as ask:
                described: dict[str, Any] = (await ask.get(DOCUMENT)).json()["paths"]
            # As OpenAPI has it: paths without places first.
            ordered = sorted(described.items(), key=lambda one: "{" in one[0])
            Documented._paths = tuple(
                (re.compile("[^/]+".join(map(re.escape, _PLACE.split(template)))), operations)
                for template, operations in ordered
            )
        for pattern, operations in Documented._paths:
            if pattern.fullmatch(path):
                found: dict[str, Any] | None = operations.get(method.lower())
                return found
        return None
