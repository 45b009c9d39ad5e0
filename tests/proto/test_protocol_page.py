"""docs/protocol.md says what the code does: its tables are the code's, and nothing is left out."""

import re

import pytest

from proto import frames, limits
from proto.codes import CLOSE_TABLE, HTTP_STATUS, Close, Code
from proto.entry import EntryKind
from tests.proto import tables

TEXT = tables.PAGE.read_text(encoding="utf-8")
_FRAMES = [*frames.Client.__subclasses__(), *frames.Server.__subclasses__()]


def test_tables_are_the_codes() -> None:
    """The tables are generated, never edited."""
    assert tables.page(TEXT) == TEXT, "run: python -m tests.proto.tables"


@pytest.mark.parametrize("name", tables.tables())
def test_every_table_is_on_the_page(name: str) -> None:
    """A table nobody put on the page tells nobody anything."""
    assert f"<!-- table: {name} -->\n| " in TEXT


@pytest.mark.parametrize("frame", _FRAMES, ids=lambda frame: frame.__name__)
def test_every_frame_is_told(frame: type[frames.Client] | type[frames.Server]) -> None:
    """Each frame has its row, with its number and every field."""
    kind = frame.__struct_config__.tag
    row = next(
        line for line in TEXT.splitlines() if line.startswith(f"| {kind} | `{frame.__name__}`")
    )
    assert all(f"`{name}`: " in row for name in frame.__struct_fields__ if name != "id")


@pytest.mark.parametrize("code", [*Code, *Close], ids=lambda code: code.name)
def test_every_code_is_told(code: Code | Close) -> None:
    """Each error and each close code has its row."""
    assert f"| {code:d} | `{code.name}` |" in TEXT


@pytest.mark.parametrize("kind", EntryKind)
def test_every_entry_kind_is_told(kind: EntryKind) -> None:
    """Each kind of entry is described."""
    assert f"`{kind.value}`" in TEXT


def test_every_code_has_its_meaning() -> None:
    """No code without a row in its table."""
    assert set(CLOSE_TABLE) == set(Close)
    assert set(HTTP_STATUS) == set(Code)


def test_ranges_carry_the_advice() -> None:
    """A client that has never seen a code acts rightly by its range."""
    assert all(advice.reconnect == (code < 4_500) for code, advice in CLOSE_TABLE.items())
    assert all(4_000 <= code < 5_000 for code in Close)


def test_kinds_tell_the_direction() -> None:
    """Clients' kinds are below 64, servers' from there, and no number means two things."""
    kinds = [frame.__struct_config__.tag for frame in _FRAMES]
    assert len(set(kinds)) == len(kinds)
    assert all(isinstance(kind, int) for kind in kinds)
    for frame in frames.Client.__subclasses__():
        assert isinstance(frame.__struct_config__.tag, int)
        assert frame.__struct_config__.tag < 64


def test_every_json_line_of_the_walk_through_is_a_frame() -> None:
    """What a person is told to type has the kinds and the form it says."""
    walk = TEXT[TEXT.index("## 1. ") : TEXT.index("## 2. ")]
    lines = re.findall(r"^([<>]) \[(\d+),", walk, re.MULTILINE)
    assert len(lines) >= 10
    assert all((int(kind) < 64) == (sign == ">") for sign, kind in lines)


def test_links_lead_somewhere() -> None:
    """Every link within the page has its heading."""
    slugs = {
        re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
        for heading in re.findall(r"^#+ (.*)$", TEXT, re.MULTILINE)
    }
    assert set(re.findall(r"\]\(#([^)]+)\)", TEXT)) <= slugs


def test_limits_are_announced_or_told() -> None:
    """The bounds in prose are those of the code."""
    assert f"`frame_bytes` | {limits.FRAME_BYTES:,}" in TEXT
