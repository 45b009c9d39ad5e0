"""The Starlette application: the table of routes behind the edge.

Owns how the pieces stand together. Must never open a connection or read a setting's source: it is given both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match
from starlette.routing import Route as StarletteRoute
from starlette.types import Receive, Scope, Send

from api import docs, openapi
from api.documents import DocumentHandlers
from api.edge import ApiMetrics, Edge
from api.endpoint import Endpoint, Gate
from api.problems import problem
from api.route import Route
from muster.borders import Borders
from muster.encoded import COMPRESSED_FROM_BYTES, COMPRESSION
from muster.errors import Refused
from muster.route_rules import ROUTE_RULES, RouteRule
from proto.codes import Code

VERSION: Final = "1"
_HTTP_CODES: Final = {
    400: Code.bad_request,
    404: Code.not_found,
    405: Code.bad_request,
}


class Unruled(Exception):
    """A route without a row in the permission table, or a row without a route."""


def create_app(
    routes: Sequence[Route],
    gate: Gate,
    documents: DocumentHandlers,
    metrics: ApiMetrics,
    borders: Borders,
    origins: Sequence[str] = (),
    *,
    tls: bool = False,
) -> Starlette:
    """The application. Raises `Unruled` unless routes and permission table match exactly."""
    check_rules(routes, ROUTE_RULES)
    described = openapi.document(routes, ROUTE_RULES, VERSION)
    documents.openapi = msgspec.json.encode(described)
    documents.page = docs.page(described)
    middleware = [
        Middleware(Edge, metrics, gate.clock, gate.random, borders, tls=tls),
        Middleware(GZipMiddleware, minimum_size=COMPRESSED_FROM_BYTES, compresslevel=COMPRESSION),
    ]
    if origins:
        middleware.append(
            Middleware(
                CORSMiddleware,
                allow_origins=list(origins),
                allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
                allow_headers=[
                    "Authorization",
                    "Content-Type",
                    "Idempotency-Key",
                    "If-None-Match",
                    "Muster-Client",
                    "X-Request-Id",
                ],
                expose_headers=[
                    "ETag",
                    "Retry-After",
                    "RateLimit",
                    "RateLimit-Policy",
                    "X-Request-Id",
                    "Location",
                ],
                max_age=600,
            )
        )
    app = Starlette(
        routes=_matched([_row(route, gate) for route in routes]),
        middleware=middleware,
        exception_handlers={HTTPException: _http_problem},
    )
    # A redirect would repeat the Host that the client named, and say http behind a balancer that ends TLS.
    app.router.redirect_slashes = False
    return app


def _row(route: Route, gate: Gate) -> StarletteRoute:
    endpoint = Endpoint(route, ROUTE_RULES[route.method, route.path], gate)
    return StarletteRoute(route.path, endpoint, methods=[route.method])


def _matched(rows: Sequence[StarletteRoute]) -> list[StarletteRoute]:
    """The rows in their order, but a path without places before rows whose places its words would fill.

    After its own rows no other may answer there: else one by another method would take the word for an id.
    """
    ordered: list[StarletteRoute] = []
    plain = {row.path for row in rows if "{" not in row.path}
    for row in rows:
        for path in sorted(
            path for path in plain if "{" in row.path and row.path_regex.match(path)
        ):
            plain.remove(path)
            ordered += [one for one in rows if one.path == path and one not in ordered]
            ordered.append(StarletteRoute(path, WrongMethod()))
        if row not in ordered:
            ordered.append(row)
    return ordered


class WrongMethod:
    """Answers where there is something, but not by this method."""

    async def __call__(self, _scope: Scope, _receive: Receive, _send: Send) -> None:
        raise HTTPException(405)


def check_rules(routes: Sequence[Route], rules: Mapping[tuple[str, str], RouteRule]) -> None:
    """Raises `Unruled` unless every route has one rule and every rule one route."""
    named = [(route.method, route.path) for route in routes]
    for method, path in sorted({*named} ^ {*rules}):
        what = "no row in ROUTE_RULES" if (method, path) in named else "a row but no route"
        raise Unruled(f"{method} {path} has {what}")
    if len(named) != len({*named}):
        raise Unruled("a method and path stand in the table twice")


async def _http_problem(request: Request, error: Exception) -> Response:
    """Starlette's own refusals (no such path, not this method) as problems too."""
    assert isinstance(error, HTTPException)
    code = _HTTP_CODES.get(error.status_code, Code.bad_request)
    sentence = {404: "there is nothing at this address", 405: "not by this method"}
    refused = Refused(code, sentence.get(error.status_code, "the request was not understood"))
    response = problem(refused, error.status_code)
    response.headers.update(error.headers or {})
    if error.status_code == 405:
        response.headers["Allow"] = ", ".join(sorted(_allowed(request)))
    return response


def _allowed(request: Request) -> set[str]:
    """The methods of all rows of this path: Starlette names those of the first."""
    rows = [row for row in request.app.routes if isinstance(row, StarletteRoute)]
    fitting = (row.path for row in rows if row.matches(request.scope)[0] is not Match.NONE)
    path = next(fitting, None)
    return {method for row in rows if row.path == path for method in row.methods or ()}
