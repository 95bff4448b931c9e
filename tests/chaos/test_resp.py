import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.chaos.resp import Cutter, is_message

MESSAGE = b">3\r\n$7\r\nmessage\r\n$10\r\npulsestage\r\n$4\r\na\r\nb\r\n"
VALUES = [
    MESSAGE,
    b":1\r\n",
    b"+PONG\r\n",
    b"-ERR no\r\n",
    b"$-1\r\n",
    b"$0\r\n\r\n",
    b"_\r\n",
    b"*0\r\n",
    b">3\r\n$9\r\nsubscribe\r\n$10\r\npulsestage\r\n:1\r\n",
    b"%2\r\n$6\r\nserver\r\n$6\r\nvalkey\r\n$7\r\nmodules\r\n*1\r\n%1\r\n+a\r\n*2\r\n:1\r\n#t\r\n",
    b"|1\r\n+ttl\r\n:3600\r\n$2\r\nok\r\n",
]


@given(st.lists(st.sampled_from(VALUES)), st.data())
def test_values_are_cut_wherever_the_bytes_break(values: list[bytes], data: st.DataObject) -> None:
    stream, cutter, cut = b"".join(values), Cutter(), []
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        cut += cutter.feed(stream[:size])
        stream = stream[size:]
    assert cut == values


@pytest.mark.parametrize("value", VALUES)
def test_only_a_message_is_one(value: bytes) -> None:
    assert is_message(value) == (value == MESSAGE)
