"""The claims of muster/sealed_stream.py and muster/backup_key.py."""

from __future__ import annotations

import os
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster.backup_key import BackupKeyError, Keyring, keyring, new_key
from muster.ids import SystemRandom
from muster.sealed_stream import CHUNK_BYTES, SALT_BYTES, Damaged, Opening, Sealing, opened, sealed

ONE, OTHER = "1e" * 32, "07" * 32
RING = keyring(ONE)
NAME = "1/base/a/pieces"
SALT = bytes(range(SALT_BYTES))
_HEAD = 48
_CHUNK = CHUNK_BYTES + 16
# Nothing that zlib makes smaller, so that chunks are where they are thought to be.
LONG = random.Random(7).randbytes(3 * CHUNK_BYTES + 1234)
SEALED = sealed(RING, NAME, SALT, LONG)


@given(plain=st.binary(max_size=5000), cuts=st.lists(st.integers(1, 700), max_size=20))
def test_what_is_sealed_is_opened(plain: bytes, cuts: list[int]) -> None:
    """However it is cut on the way in and out."""
    sealing, opening = Sealing(RING, NAME, SALT), Opening(RING, NAME)
    stream, result = b"", b""
    for part in _cut(plain, cuts):
        stream += sealing.feed(part)
    stream += sealing.finish()
    for part in _cut(stream, cuts):
        result += opening.feed(part)
    assert result + opening.finish() == plain


def test_a_long_stream_is_held_in_chunks() -> None:
    """And comes out the same; the words are not in it."""
    assert opened(RING, NAME, SEALED) == LONG
    assert len(SEALED) > len(LONG)
    assert LONG[:64] not in SEALED


@pytest.mark.parametrize(
    "at", [0, 7, _HEAD, _HEAD + 1, _HEAD + _CHUNK, _HEAD + 2 * _CHUNK, -17, -16, -1]
)
def test_a_stream_that_is_cut_short_does_not_open(at: int) -> None:
    """Anywhere, and also exactly between two chunks."""
    with pytest.raises(Damaged):
        opened(RING, NAME, SEALED[:at])


def test_chunks_that_are_moved_doubled_or_left_out_do_not_open() -> None:
    """Each is bound to its number."""
    head, one, two, rest = (
        SEALED[:_HEAD],
        SEALED[_HEAD : _HEAD + _CHUNK],
        SEALED[_HEAD + _CHUNK : _HEAD + 2 * _CHUNK],
        SEALED[_HEAD + 2 * _CHUNK :],
    )
    for wrong in (head + two + one + rest, head + one + one + two + rest, head + two + rest):
        with pytest.raises(Damaged):
            opened(RING, NAME, wrong)
    with pytest.raises(Damaged):
        opened(RING, NAME, SEALED + b"!")


@given(at=st.integers(0, len(SEALED) - 1), bit=st.integers(0, 7))
def test_a_bit_that_flips_is_noticed(at: int, bit: int) -> None:
    """In the head, in any chunk, in a tag."""
    wrong = bytearray(SEALED)
    wrong[at] ^= 1 << bit
    with pytest.raises(Damaged):
        opened(RING, NAME, bytes(wrong))


def test_a_stream_opens_under_its_own_name_alone() -> None:
    """An archive that swaps two of its objects is found out."""
    with pytest.raises(Damaged):
        opened(RING, "1/base/b/pieces", SEALED)


def test_a_chunk_of_another_stream_does_not_fit() -> None:
    """Each has a key of its own, by its salt."""
    other = sealed(RING, NAME, os.urandom(SALT_BYTES), LONG)
    with pytest.raises(Damaged):
        opened(RING, NAME, SEALED[: _HEAD + _CHUNK] + other[_HEAD + _CHUNK :])


def test_an_old_key_opens_while_it_is_there() -> None:
    """The first seals, all open; one that is gone is named by what is to be done, not by what it was."""
    both = keyring(f"{OTHER}\n{ONE}\n")
    assert opened(both, NAME, SEALED) == LONG
    fresh = sealed(both, NAME, SALT, b"fresh")
    assert opened(keyring(OTHER), NAME, fresh) == b"fresh"
    with pytest.raises(Damaged, match="not among those given") as refused:
        opened(RING, NAME, fresh)
    assert OTHER not in str(refused.value)


@pytest.mark.parametrize("text", ["", " \n", "12", ONE[:-1], ONE + "0", "g" * 64, f"{ONE},x"])
def test_what_is_no_key_is_refused(text: str) -> None:
    """By a sentence in which nothing of it stands."""
    with pytest.raises(BackupKeyError) as refused:
        keyring(text)
    assert not text.strip() or text not in str(refused.value)


def test_a_key_is_not_shown() -> None:
    """Not by the ring of it either."""
    ring: Keyring = keyring(new_key(SystemRandom()))
    assert all(
        key.hex() not in repr(ring) and repr(key) not in repr(ring) for key in ring.keys.values()
    )


def _cut(whole: bytes, cuts: list[int]) -> list[bytes]:
    parts, at = [], 0
    for length in cuts:
        parts.append(whole[at : at + length])
        at += length
    return [*parts, whole[at:]]
