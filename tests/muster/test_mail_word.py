"""Words of mails are good for one mail, one thing and some time, and cannot be made by anybody else."""

from uuid import UUID

from muster import mail_word
from muster.mail_word import Word
from tests.fixtures.sealing import envelope

SAID = Word(UUID(int=5), 1_800_000_000_000)


def test_a_word_is_read_where_it_was_made() -> None:
    """Until it is too old; the same mail has the same word and code."""
    sealer = envelope()
    word = mail_word.word(sealer, "reset", SAID)
    assert word == mail_word.word(sealer, "reset", SAID)
    assert mail_word.code(sealer, SAID) == mail_word.code(sealer, SAID)
    assert mail_word.code(sealer, SAID).isdigit()
    assert len(word) <= mail_word.WORD_CHARS
    assert mail_word.read(sealer, "reset", word, SAID.expires_at_ms - 1) == SAID
    assert mail_word.read(sealer, "reset", word, SAID.expires_at_ms) is None


def test_a_word_for_one_thing_is_none_for_another() -> None:
    """Nor is one with any letter changed, cut, or longer."""
    sealer = envelope()
    word = mail_word.word(sealer, "verify", SAID)
    assert mail_word.read(sealer, "reset", word, 0) is None
    bad = [
        word[:n] + ("B" if word[n] == "A" else "A") + word[n + 1 :] for n in range(len(word) - 1)
    ]
    bad += [word[:-1], word + "A", "", "mml_", word.upper(), "mml_" + "=" * 40, "mml_é"]
    for one in bad:
        read = mail_word.read(sealer, "verify", one, 0)
        assert read is None, one
