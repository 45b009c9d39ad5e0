"""Handlers of the documents made from the table: OpenAPI and the page.

Owns that they are made once, when the application is. Must never read a file.
"""

from __future__ import annotations

from api.route import Call, Raw


class DocumentHandlers:
    """Hands out documents; they are filled in once the table is complete, for they are in it."""

    def __init__(self) -> None:
        self.openapi = b""
        self.page = b""

    async def openapi_json(self, _call: Call) -> Raw:
        return Raw(self.openapi, "application/json")

    async def docs(self, _call: Call) -> Raw:
        return Raw(self.page, "text/html; charset=utf-8")
