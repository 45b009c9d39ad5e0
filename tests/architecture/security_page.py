"""Owns what can be counted in docs/security.md: tests that hold it, cells of the permission matrix.

It reads the page and the source; `python -m tests.architecture.security_page` writes the figures anew.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Final, NamedTuple

from muster.ids import RoomId
from muster.permission import Relation, RoomKind, Scope, ServiceRole
from muster.route_rules import ROUTE_RULES
from tests.api import test_permission_matrix as rest
from tests.architecture.source import ROOT, modules
from tests.realtime import test_frame_matrix as socket
from tests.vocabulary import new_id

PAGE: Final = ROOT / "docs" / "security.md"
REFERENCE: Final = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
_CELLS: Final = re.compile(r"(<!-- cells -->\n).*?(<!-- end -->)", re.DOTALL)
_COUNT: Final = re.compile(r"(<!-- count -->).*?(<!-- end -->)", re.DOTALL)


class Line(NamedTuple):
    """A line of the checklist."""

    tried: str
    answered: str
    tests: list[tuple[str, str]]


def lines(page: str) -> list[Line]:
    """Every line of the checklist's tables."""
    checklist = page.partition("## The checklist")[2].partition("\n## ")[0]
    rows = [row for row in checklist.splitlines() if row.startswith("| ")]
    cells = [[cell.strip() for cell in row.strip("|").split(" | ")] for row in rows]
    return [
        Line(one[0], one[1], REFERENCE.findall(one[2]))
        for one in cells
        if one[0] != "what is tried"
    ]


def known() -> set[tuple[str, str]]:
    """Every test there is: its file and its name."""
    return {
        (module.path, function.name)
        for module in modules("tests")
        for function in module.functions()
        if function.name.startswith("test_")
    }


def matrix() -> dict[str, int]:
    """How many cells each part of the permission matrix has, by the tables that the tests walk through."""
    asks = sum(len(each) for each in rest.ASKS.values())
    rooms = len(RoomKind) - 2  # nobody is anything to a log that is no room, but its own person
    routes, relations = len(ROUTE_RULES), len(Relation)
    frames = len(socket.submissions(RoomId(new_id())))
    return {
        "kind of room, relation, request of a room's route": len(rest.KINDS) * relations * asks,
        "log that is no room, request of a room's route": 3 * asks,
        "service role or nobody, route": (1 + len(ServiceRole)) * routes,
        "scope of a service key, route": len(Scope) * routes,
        "token of an extension, as it is and undressed, route": 2 * routes,
        "staff, whom they act on, act": len(ServiceRole) ** 2 * 3,
        "kind of room, relation, frame that asks for an entry": len(socket.CELLS) * frames,
        "kind of room, relation, following and typing": rooms * relations * 2,
    }


def table() -> str:
    """The matrix as the page has it."""
    cells = matrix()
    rows = [f"| {what} | {count:,} |" for what, count in cells.items()]
    total = f"| in all | {sum(cells.values()):,} |"
    return "\n".join(["| every | cells |", "|---|---|", *rows, total, ""])


def written(page: str) -> str:
    """The page with its figures anew."""
    found = lines(page)
    tests = {test for line in found for test in line.tests}
    count = f"{len(found)} lines, held by {len(tests)} tests"
    page = _CELLS.sub(lambda match: match[1] + table() + match[2], page)
    return _COUNT.sub(lambda match: match[1] + count + match[2], page)


def main() -> int:
    """Write the page."""
    page = Path(PAGE)
    page.write_text(written(page.read_text()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
