"""The OpenAPI 3.1 document, made from the table of routes.

Owns the translation of rows to operations. The schemas are those of the very types that validate.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct

from api import problems
from api.problems import Problem
from api.reading import BODY_BYTES
from api.route import PATH_TYPES, Route
from muster.route_rules import RouteRule
from proto.codes import HTTP_STATUS, Code

_REF: Final = "#/components/schemas/{name}"
_TEXT: Final[dict[str, Any]] = {"schema": {}}
"""A document that JSON Schema says nothing about."""

_PLACES: Final = re.compile(r"{(\w+)}")
_DESCRIPTION: Final = f"""
The REST door of Muster. Bodies are JSON of at most {BODY_BYTES} bytes; times are Unix milliseconds; ids are UUIDs.
An unknown room and one you are not in answer the same 404. Errors are RFC 9457 problem documents whose `code` and
`temporary` are those of the socket protocol: repeat a request that failed temporarily, with the same `client_id` or
Idempotency-Key, which holds for 24 hours. An app says which it is, as Muster-Client:
platform/version; where that version is no longer served, every route answers 426.
"""

_CLIENT: Final = {
    "name": "Muster-Client",
    "in": "header",
    "description": "Which app asks, as ios/2.11.0; an old one is answered 426",
    "schema": {"type": "string"},
}


def document(
    routes: Sequence[Route], rules: Mapping[tuple[str, str], RouteRule], version: str
) -> dict[str, Any]:
    """The whole document."""
    answers = {route.answer for route in routes if route.answer is not None}
    bodies = {route.body for route in routes if route.body is not None}
    kinds = sorted(answers | bodies, key=lambda kind: str(kind.__name__))
    _, components = msgspec.json.schema_components([*kinds, Problem], ref_template=_REF)
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        rule = rules[route.method, route.path]
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, rule)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Muster",
            "version": version,
            "description": " ".join(_DESCRIPTION.split()),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
                "service_key": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A key of the app's own servers, made by `muster keys service add`",
                },
                "extension": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A notification extension's token, of POST /v1/me/push/extension",
                },
            },
        },
    }


_VALIDATOR: Final = {
    "ETag": {
        "description": "Strong: names these bytes, compressed or not",
        "schema": {"type": "string"},
    }
}


def _operation(route: Route, rule: RouteRule) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": _name(route),
        "summary": route.summary,
        "tags": [_tag(route.path)],
        "security": _security(rule),
        "responses": _responses(route, rule),
    }
    if rule.roles:
        operation["x-roles"] = sorted(role.value for role in rule.roles)
    if rule.scope is not None:
        operation["x-scope"] = rule.scope.value
    if rule.action is not None:
        operation["x-action"] = rule.action.value
    parameters = [_CLIENT, *_path_parameters(route.path), *_query_parameters(route.query)]
    if route.kept:
        parameters.append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "description": "Makes a repeat within 24 hours get the first answer",
                "schema": {"type": "string", "minLength": 1, "maxLength": 64},
            }
        )
    if route.etag:
        parameters.append(
            {
                "name": "If-None-Match",
                "in": "header",
                "description": "The ETag of the answer I have: 304 without a body if it is still the same",
                "schema": {"type": "string", "maxLength": 1_000},
            }
        )
    if parameters:
        operation["parameters"] = parameters
    if route.stream:
        form = {"type": "object", "additionalProperties": {"type": "string"}}
        operation["requestBody"] = {
            "required": True,
            "content": {"multipart/form-data": {"schema": form}},
        }
    if route.body is not None:
        operation["requestBody"] = {
            "required": not route.bare,
            "content": {
                "application/json": {"schema": {"$ref": _REF.format(name=route.body.__name__)}}
            },
        }
    return operation


def _security(rule: RouteRule) -> list[dict[str, list[str]]]:
    people: list[dict[str, list[str]]] = [{"token": []}] if rule.roles else []
    if rule.extension:
        people.append({"extension": []})
    return people if rule.scope is None else [*people, {"service_key": []}]


def _responses(route: Route, rule: RouteRule) -> dict[str, Any]:
    responses: dict[str, Any] = {}
    if route.answer is not None:
        schema = {"$ref": _REF.format(name=route.answer.__name__)}
        done = {"description": "Done", "content": {"application/json": {"schema": schema}}}
        responses[str(route.status)] = done
        if route.status == 201:
            responses["200"] = {**done, "description": "It was there already"}
    elif route.media_type:
        responses["200"] = {"description": "The document", "content": {route.media_type: _TEXT}}
    else:
        responses["204"] = {"description": "Done"}
    if route.etag:
        responses["200"] = {**responses["200"], "headers": _VALIDATOR}
        responses["304"] = {"description": "As you have it (If-None-Match)", "headers": _VALIDATOR}
    codes = {Code.too_many_requests, Code.unavailable, Code.upgrade_required, *route.refuses}
    placed = _PLACES.search(route.path)
    if route.body is not None or route.query is not None or placed or route.kept:
        codes |= {Code.bad_request}
    if route.body is not None:
        codes |= {Code.too_large}
    if not rule.anyone:
        codes |= {Code.unauthorized, Code.permission_denied}
    if placed:
        codes |= {Code.not_found}
    if route.kept:
        codes |= {Code.conflict}
    content = {problems.MEDIA_TYPE: {"schema": {"$ref": _REF.format(name="Problem")}}}
    for code in sorted(codes):
        responses[str(HTTP_STATUS[code])] = {
            "description": problems.TITLES[code],
            "content": content,
        }
    if route.media_type and placed:  # a page says by itself that there is nothing
        responses["404"]["content"] = {**content, route.media_type: _TEXT}
    return responses


def _path_parameters(path: str) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": msgspec.json.schema(PATH_TYPES[name]),
        }
        for name in _PLACES.findall(path)
    ]


def _query_parameters(query: type[Struct] | None) -> list[dict[str, Any]]:
    if query is None:
        return []
    _, components = msgspec.json.schema_components([query], ref_template=_REF)
    schema = components[query.__name__]
    required = schema.get("required", [])
    return [
        {"name": name, "in": "query", "required": name in required, "schema": described}
        for name, described in schema["properties"].items()
    ]


def _name(route: Route) -> str:
    words = [word for word in re.split(r"\W+", route.path.replace("/v1/", "/")) if word]
    return "_".join([route.method.lower(), *words])


def _tag(path: str) -> str:
    parts = [part for part in path.split("/") if part and part != "v1"]
    return parts[0] if path.startswith("/v1/") else "service"
