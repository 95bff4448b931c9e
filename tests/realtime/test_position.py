import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulsestage.realtime import InvalidPosition, Position

positions = st.builds(Position, st.from_regex(r"[0-9A-Za-z_-]{1,64}", fullmatch=True), st.integers(0, 2**63 - 1))


@given(positions)
def test_text_and_back(position: Position) -> None:
    assert Position.parse(str(position)) == position


@given(st.text())
def test_what_is_a_position_is_written_in_one_way(text: str) -> None:
    try:
        position = Position.parse(text)
    except InvalidPosition:
        return
    assert str(position) == text


@pytest.mark.parametrize(
    "text",
    [
        *("", ".", "e1", "e1.", ".1", "e.1.1", "é.1"),
        *("e1.-1", "e1.+1", "e1.01", "e1. 1", "e1.１", "e1.1_0"),
        *("e1.1\n", "e1.1\0", "e1\n.1"),
        *(f"e1.{2**63}", "e1." + "9" * 5000, "e" * 65 + ".1"),
    ],
)
def test_what_is_no_position(text: str) -> None:
    with pytest.raises(InvalidPosition):
        Position.parse(text)


@pytest.mark.parametrize("epoch,seq", [("", 1), ("a\n", 1), ("a.b", 1), ("a", -1), ("a", 2**63)])
def test_none_is_made_of_these(epoch: str, seq: int) -> None:
    with pytest.raises(InvalidPosition):
        Position(epoch, seq)
