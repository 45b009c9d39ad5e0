"""How a benchmark ends: its figures, for a person or as one line of JSON.

Owns that printing, and what every benchmark tells beside its own figures. Must never compute one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

import msgspec

LEAST_SHARE: Final = 0.005
"""Of one core. What uses less is not worth a line."""


def end(figures: Mapping[str, object], *, as_json: bool) -> None:
    """Print them; what is not a plain value is for JSON alone, it was told in words before."""
    if as_json:
        print(json.dumps(msgspec.to_builtins(dict(figures))))
        return
    plain = {key: value for key, value in figures.items() if not isinstance(value, (dict, list))}
    width = max(map(len, plain), default=0)
    for key, value in plain.items():
        print(f"{key:>{width}}  {value}")


def processor(spent: Mapping[str, float]) -> dict[str, dict[str, float]]:
    """`processor`: the share of one core that each part used while it was measured."""
    return {
        "processor": {
            name: round(share, 3) for name, share in spent.items() if share >= LEAST_SHARE
        }
    }


def server_share(spent: Mapping[str, float]) -> float:
    """All of them but the load: cores' worth of processor time."""
    return sum(share for name, share in spent.items() if not name.startswith("load "))
