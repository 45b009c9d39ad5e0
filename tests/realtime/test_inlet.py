"""The inlet: however bytes are cut, the same messages; and a parser is given back only between frames."""

from hypothesis import given, settings
from hypothesis import strategies as st

from realtime.inlet import Inlet
from realtime.spare import Spare
from realtime.terms import Terms
from tests.realtime.sockets.door import masked

TERMS = Terms().without_rates()
MESSAGES = st.lists(st.binary(max_size=300), max_size=8)
CUTS = st.lists(st.integers(1, 400), max_size=60)


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    """`data` in pieces of these sizes, and the rest."""
    out = []
    for size in cuts:
        out.append(data[:size])
        data = data[size:]
    return [piece for piece in [*out, data] if piece]


@given(MESSAGES, CUTS, st.lists(st.integers(1, 50), max_size=3))
def test_cutting_the_bytes_anywhere_changes_nothing(
    messages: list[bytes], cuts: list[int], fragments: list[int]
) -> None:
    """Two connections share parsers, one of them always in the middle of something; neither is disturbed."""
    spare = Spare(4_096, 65_536)
    mine, other = Inlet(spare, TERMS, False), Inlet(spare, TERMS, False)
    wire = b""
    for message in messages:
        parts = pieces(message, fragments) or [b""]
        for n, part in enumerate(parts):
            wire += masked(0 if n else 2, part, fin=n == len(parts) - 1) + masked(9, b"!")
    got: list[bytes] = []
    for piece in pieces(wire, cuts):
        taken = mine.read(piece, 1.0)
        assert taken.fault is None
        got += taken.messages
        # The other sends a whole message and the beginning of its next.
        whole = masked(2, b"between")
        assert other.read(whole[3:] if other.busy else whole, 1.0).messages == [b"between"]
        other.read(whole[:3], 1.0)
        assert other.busy
    assert got == messages
    assert not mine.busy


@settings(max_examples=300)
@given(st.lists(st.binary(min_size=1, max_size=60), max_size=10))
def test_noise_raises_nothing_and_spoils_no_other_connection(noise: list[bytes]) -> None:
    """Garbage ends its own connection at most; the parser it used never comes back broken."""
    spare = Spare(4_096, 65_536)
    for piece in noise:
        noisy = Inlet(spare, TERMS, False)
        taken = noisy.read(piece, 1.0)
        if taken.fault is not None or taken.ended:
            noisy.close(1002, "noise")
        noisy.end()
        assert Inlet(spare, TERMS, False).read(masked(2, b"fine"), 1.0).messages == [b"fine"]


def test_a_length_not_in_its_shortest_form_keeps_the_parser() -> None:
    """Such frames are read, and the parser stays with who sends them."""
    spare = Spare(4_096, 65_536)
    inlet = Inlet(spare, TERMS, False)
    long_form = b"\x82\xff" + (1).to_bytes(8, "big") + bytes(4) + b"x"
    assert inlet.read(long_form, 1.0).messages == [b"x"]
    assert inlet.busy
    assert inlet.read(masked(2, b"y"), 1.0).messages == [b"y"]


def test_idle_connections_share_one_parser() -> None:
    """A thousand sockets that are between two frames have one parser among them."""
    spare = Spare(4_096, 65_536)
    inlets = [Inlet(spare, TERMS, False) for _ in range(1_000)]
    for inlet in inlets:
        inlet.read(masked(2, b"x"), 1.0)
    assert not any(inlet.busy for inlet in inlets)
    assert spare.resting == 1


def test_a_peer_may_leave_in_the_middle_of_a_message() -> None:
    """Its close is answered with its own code, and counts as meant."""
    inlet = Inlet(Spare(4_096, 65_536), TERMS, False)
    taken = inlet.read(masked(2, b"half", fin=False) + masked(8, b"\x03\xe8"), 1.0)
    assert (taken.ended, taken.fault) == (True, None)
    assert inlet.close(1000, "") == [b"\x88\x02\x03\xe8", b""]
    assert inlet.end()
