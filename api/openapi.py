"""The OpenAPI 3.1 document, made from the table of routes.

Owns the translation of rows to operations. The schemas are those of the very types that validate.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from inspect import cleandoc
from typing import Any, Final

import msgspec
from msgspec import Struct

from api.answers import answers
from api.problems import Problem
from api.reading import BODY_BYTES
from api.route import PATH_TYPES, Limit, Route
from api.units import measured
from muster.route_rules import RouteRule

_REF: Final = "#/components/schemas/{name}"
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


class Twofold(Exception):
    """Two types of the document have one name."""


def document(
    routes: Sequence[Route], rules: Mapping[tuple[str, str], RouteRule], version: str
) -> dict[str, Any]:
    """The whole document."""
    said = [answer for route in routes for answer in (route.answer, route.halfway)]
    told = {answer for answer in said if answer is not None}
    bodies = {route.body for route in routes if route.body is not None}
    kinds = sorted(told | bodies, key=lambda kind: str(kind.__name__))
    _, components = msgspec.json.schema_components([*kinds, Problem], ref_template=_REF)
    check_names(components)
    for component in components.values():
        if "description" in component:
            component["description"] = cleandoc(component["description"])
        if "properties" in component:
            component["properties"] = measured(component["properties"])
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
                "service_signature": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "Authorization",
                    "description": "Muster-HMAC key=, at=, nonce=, sha256=, signature=: by a key that was made with"
                    " `--signs`; see docs/adopters.md",
                },
                "extension": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A notification extension's token, of POST /v1/me/push/extension",
                },
            },
        },
    }


def check_names(names: Iterable[str]) -> None:
    """Raises `Twofold` where two types share a name: their schemas would be called otherwise than rows call them."""
    for name in sorted(names):
        if not name.isidentifier():
            raise Twofold(f"two types are called {name.rpartition('.')[-1]}; one of them is {name}")


def _operation(route: Route, rule: RouteRule) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": _name(route),
        "summary": route.summary,
        "tags": [_tag(route.path)],
        "security": _security(rule),
        "responses": answers(route, rule),
    }
    if route.query is not None:
        operation["description"] = cleandoc(route.query.__doc__ or "")
    if rule.roles:
        operation["x-roles"] = sorted(role.value for role in rule.roles)
    if rule.scope is not None:
        operation["x-scope"] = rule.scope.value
    if rule.action is not None:
        operation["x-action"] = rule.action.value
    parameters = [_CLIENT, *_path_parameters(route.path), *_query_parameters(route.query)]
    if route.kept or route.limit is Limit.media:
        same = "get the first answer" if route.kept else "be about the same upload"
        parameters.append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "description": f"Makes a repeat within 24 hours {same}",
                "schema": {"type": "string", "minLength": 1, "maxLength": 64},
            }
        )
    if route.etag:
        parameters.append(
            {
                "name": "If-None-Match",
                "in": "header",
                "description": "The ETag of the answer I have: 304 without a body if it is still the same",
                "schema": {"type": "string"},
            }
        )
    if parameters:
        operation["parameters"] = parameters
    if route.stream:
        form = {"type": "object", "additionalProperties": {"type": "string"}}
        operation["requestBody"] = {
            "required": True,
            "content": {route.form: {"schema": form}},
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
    servers: list[dict[str, list[str]]] = [{"service_key": []}, {"service_signature": []}]
    return people if rule.scope is None else [*people, *servers]


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
        {
            "name": name,
            "in": "query",
            "required": name in required,
            "schema": _written_out(described, components),
        }
        for name, described in measured(schema["properties"]).items()
    ]


def _written_out(schema: dict[str, Any], components: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of one value of a query, with types in their place: no row's body or answer need know them."""
    if "$ref" in schema:
        return dict(components[schema["$ref"].rpartition("/")[2]])
    if "anyOf" in schema:
        return {**schema, "anyOf": [_written_out(each, components) for each in schema["anyOf"]]}
    return schema


def _name(route: Route) -> str:
    words = [word for word in re.split(r"\W+", route.path.replace("/v1/", "/")) if word]
    return "_".join([route.method.lower(), *words])


def _tag(path: str) -> str:
    parts = [part for part in path.split("/") if part and part != "v1"]
    return parts[0] if path.startswith("/v1/") else "service"
