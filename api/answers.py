"""What an operation may answer, by status: what is done, and every refusal with its codes.

Owns what follows from a row's shape (a body may be too large, a place in a path may be unknown). Must never know a
route by name: what is particular to one stands in its row.
"""

from __future__ import annotations

import re
from typing import Any, Final

from api import problems
from api.route import Route
from muster.permission import Action
from muster.route_rules import RouteRule
from proto.codes import HTTP_STATUS, Code

_REF: Final = "#/components/schemas/{name}"
_PLACES: Final = re.compile(r"{(\w+)}")
_TEXT: Final[dict[str, Any]] = {"schema": {}}
"""A document that JSON Schema says nothing about."""

_VALIDATOR: Final = {
    "ETag": {
        "description": "Strong: names these bytes, compressed or not",
        "schema": {"type": "string"},
    }
}
_ALSO_ARCHIVED: Final = frozenset(
    {None, Action.see, Action.settings, Action.leave, Action.kick, Action.delete}
)
"""What is done in an archived room as in any other."""

_SILENCED: Final = {
    Action.post: (Code.silenced, Code.slow_mode),
    Action.edit: (Code.silenced,),
    Action.react: (Code.silenced,),
}
"""What whoever is silenced may not do, and who posts in a slow room."""

_ELSEWHERE: Final = {"Location": {"description": "Where", "schema": {"type": "string"}}}
_RETRY: Final = {
    "Retry-After": {
        "description": "Seconds to wait before the same request again",
        "schema": {"type": "integer"},
    }
}


def answers(route: Route, rule: RouteRule) -> dict[str, Any]:
    """The responses of an operation."""
    responses = _done(route)
    content = {problems.MEDIA_TYPE: {"schema": {"$ref": _REF.format(name="Problem")}}}
    by_status: dict[int, list[Code]] = {}
    for code in sorted(_codes(route, rule)):
        by_status.setdefault(HTTP_STATUS[code], []).append(code)
    for status, codes in by_status.items():
        responses[str(status)] = {
            "description": "; ".join(f"{problems.TITLES[code]} ({code.name})" for code in codes),
            "x-codes": {code.name: int(code) for code in codes},
            "content": content,
        }
        if status in (429, 503):
            responses[str(status)]["headers"] = _RETRY
    if route.media_type == "text/html" and _PLACES.search(route.path):
        # A page says by itself that there is nothing.
        responses["404"]["content"] = {**content, route.media_type: _TEXT}
    return responses


def _done(route: Route) -> dict[str, Any]:
    if route.answer is None:
        if route.status == 303:
            return {"303": {"description": "Elsewhere", "headers": _ELSEWHERE}}
        if not route.media_type:
            return {"204": {"description": "Done"}}
        return {"200": {"description": "The document", "content": {route.media_type: _TEXT}}}
    schema = {"$ref": _REF.format(name=route.answer.__name__)}
    done = {"description": "Done", "content": {"application/json": {"schema": schema}}}
    responses: dict[str, Any] = {str(route.status): done}
    if route.status == 201 and route.kept:
        responses["200"] = {**done, "description": "It was there already"}
    if route.halfway is not None:
        half = {"$ref": _REF.format(name=route.halfway.__name__)}
        responses["202"] = {
            "description": "One step more is needed",
            "content": {"application/json": {"schema": half}},
        }
    for status, meaning in route.also.items():
        responses[str(status)] = {**done, "description": meaning}
        if 300 <= status < 400:
            responses[str(status)] = {"description": meaning, "headers": _ELSEWHERE}
    if route.etag:
        responses["200"] = {**responses["200"], "headers": _VALIDATOR}
        responses["304"] = {"description": "As you have it (If-None-Match)", "headers": _VALIDATOR}
    return responses


def _codes(route: Route, rule: RouteRule) -> set[Code]:
    """What it may refuse with. `internal` is no answer anybody may count on, and stands nowhere."""
    codes = {
        Code.permission_denied,  # of whoever asks from a network that is kept out
        Code.too_many_requests,
        Code.unavailable,
        Code.upgrade_required,
        *route.refuses,
    }
    placed = _PLACES.search(route.path)
    if route.body is not None or route.query is not None or placed or route.kept or route.stream:
        codes |= {Code.bad_request}
    if route.body is not None or route.stream:
        codes |= {Code.too_large}
    if not rule.anyone:
        codes |= {Code.unauthorized, Code.token_expired}
        if rule.action is not None:
            codes.update(_SILENCED.get(rule.action, ()))
    if rule.roles and not rule.unagreed:
        codes |= {Code.agreement_required}
    if placed:
        codes |= {Code.not_found}
    if route.kept:
        codes |= {Code.conflict}
        if rule.action not in _ALSO_ARCHIVED:
            codes |= {Code.archived}
    return codes
