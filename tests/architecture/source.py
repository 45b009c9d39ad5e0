"""Owns how the architecture tests see the source: every module, parsed when it is looked into.

It never imports what it reads, and never keeps a tree: all of them are millions of objects, and each collection of
garbage in the same process, whichever test is under way by then, would stand still for seconds.
"""

import ast
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).parents[2]
PRODUCT = ("proto", "muster", "realtime", "api", "pushers")
PACKAGES = (*PRODUCT, "loadtest")


class Module:
    """One file of Python. `path`: relative to the root, with slashes."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.text = (ROOT / path).read_text()

    @cached_property
    def tree(self) -> ast.Module:
        """As Python reads it."""
        return ast.parse(self.text, self.path)

    @property
    def name(self) -> str:
        """As one would import it."""
        return self.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    def functions(self) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
        """Every function and method, however deep."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield node

    def calls(self) -> Iterator[tuple[str, ast.Call]]:
        """Every call with what is called, as written: ('asyncio.sleep', node)."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call):
                yield ast.unparse(node.func), node

    def imports(self) -> set[str]:
        """Every module named in an import."""
        found: set[str] = set()
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                found.update(alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module is not None:
                found.update(f"{node.module}.{alias.name}" for alias in node.names)
                found.add(node.module)
        return found

    def at(self, node: ast.expr | ast.stmt) -> str:
        """Where a complaint points."""
        return f"{self.path}:{node.lineno}"


def modules(*packages: str) -> Iterator[Module]:
    """Every module of these top-level directories, one after the other; those not there yet have none."""
    for path in sorted(path for package in packages for path in (ROOT / package).rglob("*.py")):
        yield Module(path.relative_to(ROOT).as_posix())
