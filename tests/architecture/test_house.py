"""The rules of the house that import-linter and ruff cannot say."""

import ast
import re
import statistics
from importlib.metadata import packages_distributions

from tests.architecture.source import PACKAGES, PRODUCT, modules

_MODULE_LINES = 350
_MODULE_LINES_MEDIAN = 130
_FUNCTION_LINES = 70
_CONSTRUCTOR_PARAMETERS = 6
_BAGS = re.compile(r"util|helper|manager|common|misc", re.IGNORECASE)
_SQL = re.compile(r"\s*(SELECT|INSERT INTO|UPDATE \w+ SET|DELETE FROM|(CREATE|ALTER) TABLE)\s")


def test_every_module_fits_in_a_head() -> None:
    """No module beyond the hard limit, and most far below it."""
    lines = {module.path: module.text.count("\n") for module in modules(*PACKAGES)}
    assert [path for path, count in lines.items() if count > _MODULE_LINES] == []
    assert statistics.median(lines.values()) <= _MODULE_LINES_MEDIAN


def test_every_function_can_be_seen_at_once() -> None:
    """Decorators and docstring included."""
    long = [
        f"{module.at(function)} {function.name}"
        for module in modules(*PACKAGES, "tests")
        for function in module.functions()
        if (function.end_lineno or 0) - function.lineno + 1 > _FUNCTION_LINES
    ]
    assert long == []


def test_no_constructor_asks_for_more_than_six_things() -> None:
    """Whoever needs more is two nouns."""
    greedy = [
        module.at(function)
        for module in modules(*PACKAGES)
        for function in module.functions()
        if function.name == "__init__"
        and len(function.args.args) + len(function.args.kwonlyargs) - 1 > _CONSTRUCTOR_PARAMETERS
    ]
    assert greedy == []


def test_every_module_says_what_it_owns() -> None:
    """A docstring, unless the file is empty."""
    silent = [
        module.path
        for module in modules(*PACKAGES, "tests")
        if module.text.strip() and ast.get_docstring(module.tree) is None
    ]
    assert silent == []


def test_no_module_is_a_bag() -> None:
    """A file named util, helper, manager or common accepts anything."""
    names = [module.path for module in modules(*PACKAGES, "tests")]
    assert [name for name in names if _BAGS.search(name)] == []


def test_every_task_has_an_owner() -> None:
    """Tasks come from a TaskGroup: nobody drops one or holds it in a local."""
    bare = [
        f"{module.at(call)} {name}"
        for module in modules(*PACKAGES, "tests")
        for name, call in module.calls()
        if re.search(
            r"(^|\.)ensure_future$|^create_task$|(asyncio|loop\w*(\(\))?)\.create_task$", name
        )
    ]
    assert bare == []


def test_no_test_sleeps() -> None:
    """A test waits for what happens; time passing is not an event. `sleep(0)` only yields."""
    naps = [
        module.at(call)
        for module in modules("tests")
        for name, call in module.calls()
        if name in ("asyncio.sleep", "time.sleep", "sleep")
        and not (call.args and isinstance(call.args[0], ast.Constant) and call.args[0].value == 0)
    ]
    assert naps == []


def test_only_entry_modules_read_the_environment() -> None:
    """`*/__main__.py` and the command line; everybody else is handed Settings."""
    readers = [
        f"{module.at(node)} {ast.unparse(node)}"
        for module in modules(*PRODUCT)
        if not module.path.endswith("__main__.py") and not module.path.startswith("muster/cli/")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute) and ast.unparse(node) in ("os.environ", "os.getenv")
    ]
    assert readers == []


def test_sql_lives_in_the_stores() -> None:
    """A statement anywhere else is one that the next change of the schema forgets."""
    elsewhere = [
        f"{module.at(node)} {node.value[:40]}"
        for module in modules(*PRODUCT)
        if not module.path.startswith("muster/stores/")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and _SQL.match(node.value)
    ]
    assert elsewhere == []


def test_ids_clock_and_errors_stand_on_nothing_else_of_muster() -> None:
    """Everything may import them, so they import nothing that may import them."""
    base = ("muster.ids", "muster.clock", "muster.errors")
    for module in modules("muster"):
        if module.name in base:
            inside = {name for name in module.imports() if name.startswith("muster.")}
            assert {name for name in inside if not name.startswith(base)} == set(), module.path


def test_nouns_know_no_store_no_service_and_no_command() -> None:
    """Stores import nouns, never the other way: whatever lies directly in muster/ is a noun."""
    above = ("muster.stores", "muster.services", "muster.cli")
    breaches = [
        f"{module.path} imports {name}"
        for module in modules("muster")
        if not module.name.startswith(above) and module.name != "muster.__main__"
        for name in sorted(module.imports())
        if name.startswith(above)
    ]
    assert breaches == []


def test_nobody_else_provides_our_import_names() -> None:
    """proto-plus, for one, installs a `proto` and would shadow ours."""
    providers = packages_distributions()
    for package in PACKAGES:
        assert set(providers.get(package, [])) <= {"muster"}, package
