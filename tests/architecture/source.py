"""Owns how the architecture tests see the source: every module, parsed once.

It never imports what it reads.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PRODUCT = ("proto", "muster", "realtime", "api", "pushers")
PACKAGES = (*PRODUCT, "loadtest")


@dataclass(frozen=True, slots=True)
class Module:
    """One file of Python."""

    path: str  # relative to the root, with slashes
    text: str
    tree: ast.Module

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


@cache
def modules(*packages: str) -> tuple[Module, ...]:
    """Every module of these top-level directories; those not there yet have none."""
    paths = sorted(path for package in packages for path in (ROOT / package).rglob("*.py"))
    return tuple(
        Module(path.relative_to(ROOT).as_posix(), text, ast.parse(text, path.as_posix()))
        for path, text in ((path, path.read_text()) for path in paths)
    )
