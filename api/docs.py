"""The OpenAPI document as a page to read: plain HTML, no script, nothing fetched from elsewhere.

Owns how the page looks. It is made from the document, so it cannot say anything else. (Swagger UI would need a
release that reads OpenAPI 3.1, a megabyte of script, and a policy that lets it run.)
"""

from __future__ import annotations

import json
from html import escape
from typing import Any, Final

_STYLE: Final = """
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
h2{margin-top:2.5rem;text-transform:capitalize;border-bottom:1px solid #d0d7de}
details{border:1px solid #d0d7de;border-radius:6px;margin:.5rem 0;padding:.4rem .8rem}
summary{cursor:pointer}
code,pre{font:14px/1.45 ui-monospace,monospace}
pre{overflow-x:auto;background:#f6f8fa;padding:.7rem}
b.method{display:inline-block;min-width:4.5rem}
.note{color:#57606a}
td{padding-right:1rem;vertical-align:top}
"""


def page(document: dict[str, Any]) -> bytes:
    """The page of `document`."""
    info = document["info"]
    tags: dict[str, list[str]] = {}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            tags.setdefault(operation["tags"][0], []).append(_operation(method, path, operation))
    schemas = "".join(
        f'<details id="{escape(name)}"><summary><code>{escape(name)}</code></summary>{_json(schema)}</details>'
        for name, schema in sorted(document["components"]["schemas"].items())
    )
    sections = "".join(
        f"<h2>{escape(tag)}</h2>{''.join(operations)}" for tag, operations in tags.items()
    )
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(info["title"])} REST</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head><body>'
        f"<h1>{escape(info['title'])} {escape(info['version'])}</h1><p>{escape(info['description'])}</p>"
        f'<p>As data: <a href="/v1/openapi.json">/v1/openapi.json</a></p>{sections}<h2>Types</h2>{schemas}'
        "</body></html>"
    ).encode()


def _operation(method: str, path: str, operation: dict[str, Any]) -> str:
    notes = ", ".join(operation.get("x-roles", [])) if operation["security"] else "no token"
    rows = "".join(
        f"<tr><td><code>{escape(each['name'])}</code></td><td>{each['in']}</td>"
        f"<td><code>{escape(json.dumps(each['schema']))}</code></td></tr>"
        for each in operation.get("parameters", [])
    )
    body = operation.get("requestBody")
    asked = f"<p>Body: {_body(body['content'])}</p>" if body else ""
    answers = "".join(
        f"<tr><td>{status}</td><td>{escape(answer['description'])}</td><td>{_answer(answer)}</td></tr>"
        for status, answer in sorted(operation["responses"].items())
    )
    return (
        f'<details><summary><b class="method">{method.upper()}</b> <code>{escape(path)}</code> '
        f'{escape(operation["summary"])} <span class="note">({escape(notes)})</span></summary>'
        f"<table>{rows}</table>{asked}<table>{answers}</table></details>"
    )


def _answer(answer: dict[str, Any]) -> str:
    return " ".join(
        _type(content["schema"]) if content["schema"] else escape(media_type)
        for media_type, content in answer.get("content", {}).items()
    )


def _body(content: dict[str, Any]) -> str:
    """Its type, or what form it has."""
    known = content.get("application/json")
    return _type(known["schema"]) if known else ", ".join(map(escape, content))


def _type(schema: dict[str, Any]) -> str:
    name = escape(schema["$ref"].rsplit("/", 1)[-1])
    return f'<a href="#{name}"><code>{name}</code></a>'


def _json(schema: dict[str, Any]) -> str:
    return f"<pre>{escape(json.dumps(schema, indent=2))}</pre>"
