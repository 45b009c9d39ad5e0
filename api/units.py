"""What a number of the REST door is measured in, by the end of its name.

Owns that one table. Must never know which type a field belongs to: a name ends alike wherever it stands.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

UNITS: Final = {
    "_ms": "Milliseconds; a time is so many since 1970-01-01 UTC",
    "_us": "Microseconds; a time is so many since 1970-01-01 UTC",
    "_min": "Minutes",
    "minutes": "Minutes",
    "_mps": "Metres per second",
    "_m": "Metres",
    "bytes": "Bytes",
    "expires_in": "Seconds from now",
    "lat": "Degrees north, WGS 84",
    "lon": "Degrees east, WGS 84",
}
"""By the end of a name. Of those that fit the first."""


def unit_of(name: str) -> str | None:
    """What a field of this name is measured in; None: in nothing."""
    return next((unit for end, unit in UNITS.items() if name.endswith(end)), None)


def measured(properties: Mapping[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The schemas of fields, those that are numbers with their unit, unless they say something themselves."""
    return {
        name: {**schema, "description": unit}
        if (unit := unit_of(name)) and "description" not in schema and _is_number(schema)
        else schema
        for name, schema in properties.items()
    }


def _is_number(schema: Mapping[str, Any]) -> bool:
    return any(
        each.get("type") in ("integer", "number") for each in (schema, *schema.get("anyOf", ()))
    )
