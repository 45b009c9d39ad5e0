"""The books call every broken promise by its name."""

from loadtest.ledger import Ledger
from loadtest.percentiles import percentile


def _books() -> Ledger:
    """Two messages, seq 2 and 4, and one device that is a member from 1 on and got both."""
    ledger = Ledger()
    ledger.joined(0, 1)
    for client_id, seq in (("a", 2), ("b", 4)):
        ledger.sent(client_id, float(seq))
        ledger.acked(client_id, seq)
        ledger.given(0, seq, client_id, seq + 0.010)
    return ledger


def test_all_is_well() -> None:
    """Nothing to complain about, and the times are right."""
    figures = _books().figures()
    assert figures.clean
    assert (figures.sent, figures.acked, figures.delivered) == (2, 2, 2)
    assert (figures.p50_ms, figures.p99_ms) == (10.0, 10.0)


def test_lost() -> None:
    """A second member that got only one of the two lost the other."""
    ledger = _books()
    ledger.joined(1, 1)
    ledger.given(1, 4, "b", 5.0)
    assert ledger.figures().lost == 1
    assert ledger.expected() == 4


def test_spans_cut() -> None:
    """What was said outside is not owed; given after the leave it is a phantom, unless they return."""
    ledger = _books()
    ledger.joined(1, 3)
    ledger.left(1, 3)
    assert ledger.figures().clean
    ledger.given(1, 4, "b", 5.0)
    assert ledger.figures().phantom == 1
    ledger.joined(1, 4)
    assert ledger.figures().clean


def test_gone_while_offline_is_told_not_owed() -> None:
    """A device that learnt of its leave before it had caught up is owed nothing more of that span."""
    ledger = _books()
    ledger.joined(1, 1)
    ledger.told_gone(1, 1)
    ledger.left(1, 3)
    ledger.joined(1, 4)
    ledger.given(1, 4, "b", 5.0)
    assert ledger.figures().clean


def test_duplicated_and_reordered() -> None:
    """What the app saw and what the client hid from it both count."""
    ledger = _books()
    ledger.given(0, 2, "a", 6.0)
    assert (ledger.figures().duplicated, ledger.figures().reordered) == (1, 1)
    ledger.faults(0, duplicates=2, holes=3)
    assert (ledger.figures().duplicated, ledger.figures().reordered) == (3, 4)


def test_unacked_is_not_clean() -> None:
    """Every message sent must be acked in the end."""
    ledger = _books()
    ledger.sent("c", 9.0)
    assert ledger.unanswered() == 1
    assert not ledger.figures().clean


def test_percentile_is_one_of_the_values() -> None:
    """No figure is made up between two."""
    assert percentile([], 0.5) == 0.0
    assert percentile([1.0, 2.0, 3.0, 4.0], 0.5) == 2.0
    assert percentile([1.0, 2.0, 3.0, 4.0], 0.99) == 4.0
