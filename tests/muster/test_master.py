"""The claims of master keys: whoever has one unwraps, nobody else, and none is ever shown."""

import asyncio
import stat
from pathlib import Path

import pytest

from muster.ids import SystemRandom
from muster.keys import KeysError
from muster.master import MASTERS_MOST, Masters, ensure, load

OLD, NEW = b"o" * 32, b"n" * 32


def test_the_first_wraps_and_all_unwrap() -> None:
    """So a master key is changed by putting the new one first."""
    before, after = Masters([OLD]), Masters([NEW, OLD])
    wrapped = before.wrap(b"key", "data key 2", SystemRandom())
    assert after.unwrap(wrapped, before.current, "data key 2") == b"key"
    again = after.wrap(b"key", "data key 2", SystemRandom())
    assert Masters([NEW]).unwrap(again, after.current, "data key 2") == b"key"
    for masters, name, about in (
        (before, after.current, "data key 2"),
        (after, after.current, "data key 2"),
        (before, before.current, "data key 3"),
    ):
        with pytest.raises(KeysError):
            masters.unwrap(wrapped, name, about)


def test_a_file_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    """Starting again finds the same key, also where two start at once."""
    path = tmp_path / "keys" / "master.key"
    ensure(path)
    made = path.read_bytes()
    ensure(path)
    assert path.read_bytes() == made
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load(path, "").current == Masters([bytes.fromhex(made.decode())]).current
    assert [file.name for file in path.parent.iterdir()] == ["master.key"]


async def test_two_who_make_one_have_the_same(tmp_path: Path) -> None:
    """Whoever comes second takes what the first has made."""
    path = tmp_path / "master.key"
    await asyncio.gather(*(asyncio.to_thread(ensure, path) for _ in range(8)))
    load(path, "")
    assert [file.name for file in tmp_path.iterdir()] == ["master.key"]


def test_keys_come_from_a_file_or_a_value(tmp_path: Path) -> None:
    """A line each, remarks and empty lines left out; a value with commas."""
    path = tmp_path / "master.key"
    path.write_text(f"# of May\n{NEW.hex()}\n\n  {OLD.hex()}\n")
    assert load(path, "").current == Masters([NEW]).current
    assert load(path, f"{OLD.hex()},{NEW.hex()}").current == Masters([OLD]).current


@pytest.mark.parametrize(
    "text",
    ["", "# none\n", "secret words", NEW.hex()[2:], "\n".join([NEW.hex()] * (MASTERS_MOST + 1))],
)
def test_what_is_no_key_is_refused_without_being_shown(tmp_path: Path, text: str) -> None:
    """As a file and as a value."""
    path = tmp_path / "master.key"
    path.write_text(text)
    for given in ("", text):
        if given or text == "":
            with pytest.raises(KeysError) as refused:
                load(path, given)
            assert not text or text not in str(refused.value)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(KeysError):
        load(path, "")
    with pytest.raises(KeysError, match="no master key"):
        load(tmp_path / "absent", "")


def test_nothing_of_a_key_is_in_its_repr() -> None:
    """What is logged by mistake tells nothing."""
    masters = Masters([OLD])
    assert OLD.hex() not in repr(masters)
    assert "oooo" not in repr(masters)
