"""Where messages end in a stream, however it is cut."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rackwright.panel.framing import Framer
from rackwright.panel.scpi import block

PIECES = st.lists(st.sampled_from([b"*IDN?", b'X "a\'b"', b"X 'q'", b";", b"\n", b"#", b"#0", b"#9",
                                   block(b"1\n2'"), b"\r\n", b"#21", b'"']), max_size=12)


def fed(stream: bytes, cuts: list[int], most: int = 100) -> list[bytes | None]:
    framer, found, start = Framer(most), [], 0
    for cut in [*sorted(cut % (len(stream) + 1) for cut in cuts), len(stream)]:
        found += framer.feed(stream[start:cut])
        start = cut
    return found


@given(PIECES, st.lists(st.integers(0, 1000), max_size=6))
def test_cuts_change_nothing(pieces: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(pieces)
    assert fed(stream, cuts) == fed(stream, [])


@given(st.lists(st.binary(max_size=30), max_size=6))
def test_a_newline_in_a_block_ends_nothing(contents: list[bytes]) -> None:
    messages = [b"X " + block(content) for content in contents]
    assert fed(b"".join(message + b"\n" for message in messages), []) == messages


@given(st.binary(max_size=400), st.lists(st.integers(0, 1000), max_size=6))
def test_the_stream_is_back_in_step_after_anything(junk: bytes, cuts: list[int]) -> None:
    # a block may swallow what follows, at most `most` bytes of it
    stream = junk + b"\n" + b"\n" * 120 + b"*IDN?\n"
    assert fed(stream, cuts)[-1] == b"*IDN?"


def test_a_long_message_is_reported_once_and_dropped() -> None:
    framer = Framer(10)
    assert framer.feed(b"x" * 11) == [None]
    assert framer.feed(b"x" * 50) == []
    assert framer.feed(b"x\n*IDN?\n") == [b"*IDN?"]
    assert framer.feed(b"y" * 20 + b"\n*OPC?\n") == [None, b"*OPC?"]


def test_memory_is_bounded() -> None:
    framer = Framer(1000)
    for _ in range(100):
        framer.feed(b"#9999999999" + b"x" * 1000)
        assert len(framer._buffer) <= 2 * 1000 + 1011


def test_the_end_of_a_transport_message_ends_it() -> None:
    framer = Framer()
    assert framer.feed(b"*ID") == []
    assert framer.feed(b"N?", end=True) == [b"*IDN?"]
    assert framer.feed(b"X #15ab", end=True) == [b"X #15ab"]
