"""The claims of muster/keys.py."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate_ec
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as generate_rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from muster.keys import KeysError, ensure_key, load, new_key


def test_the_first_key_is_made_once(tmp_path: Path) -> None:
    """A second start signs with the same key."""
    kid = ensure_key(tmp_path / "keys")
    assert ensure_key(tmp_path / "keys") == kid
    assert load(tmp_path / "keys").current_kid == kid


def test_the_newest_key_signs_and_all_verify(tmp_path: Path) -> None:
    """Rotation: tokens of the key before stay good."""
    (tmp_path / "20200101T000000Z-00000000.pem").write_bytes(_a_key(tmp_path / "old"))
    newest = new_key(tmp_path)
    ring = load(tmp_path)
    assert ring.current_kid == newest
    assert set(ring.publics) == {newest, "20200101T000000Z-00000000"}


def test_a_private_key_is_for_its_owner_alone(tmp_path: Path) -> None:
    """Mode 0600 from the first moment."""
    kid = new_key(tmp_path)
    assert (tmp_path / f"{kid}.pem").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("content", [b"", b"no key"])
def test_a_file_that_is_no_key_is_named(tmp_path: Path, content: bytes) -> None:
    """One sentence with the path; never the content."""
    (tmp_path / "broken.pem").write_bytes(content)
    with pytest.raises(KeysError, match=r"broken\.pem"):
        load(tmp_path)


def test_a_weak_key_is_none(tmp_path: Path) -> None:
    """Neither one of 1,024 bits, nor one of another kind."""
    for key in (generate_rsa(65537, 1024), generate_ec(SECP256R1())):  # noqa: S505  # that is what is tested
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (tmp_path / "weak.pem").write_bytes(pem)
        with pytest.raises(KeysError, match="2048 bits"):
            load(tmp_path)


def test_without_a_key_loading_says_who_makes_one(tmp_path: Path) -> None:
    """A door started by hand tells its operator what is missing."""
    with pytest.raises(KeysError, match="muster up"):
        load(tmp_path)


def _a_key(directory: Path) -> bytes:
    kid = ensure_key(directory)
    return (directory / f"{kid}.pem").read_bytes()
