"""A seal: who can open what."""

import pytest

from pulsestage.cluster.seal import SEAL_BYTES, Seal


def test_who_has_the_secret_opens_it() -> None:
    message = Seal(b"secret").close(b'{"v":1}')
    assert Seal(b"secret").open(message) == b'{"v":1}'


def test_who_has_another_secret_does_not() -> None:
    assert Seal(b"another").open(Seal(b"secret").close(b'{"v":1}')) is None


@pytest.mark.parametrize("place", range(SEAL_BYTES + 2))
def test_no_byte_of_it_can_be_changed(place: int) -> None:
    message = bytearray(Seal(b"secret").close(b"{}"))
    message[place] ^= 1
    assert Seal(b"secret").open(bytes(message)) is None


@pytest.mark.parametrize("message", [b"", b"{}", b"0" * SEAL_BYTES, b"\xff" * 100, b"0" * (SEAL_BYTES - 1)])
def test_what_has_no_seal_is_not_opened(message: bytes) -> None:
    assert Seal(b"secret").open(message) is None


def test_only_its_own_maker_knows_it_as_its_own() -> None:
    one, other = Seal(b"secret"), Seal(b"secret")
    message = one.close(b"{}")
    assert (one.is_own(message), other.is_own(message)) == (True, False)


def test_a_seal_is_of_known_length_and_text() -> None:
    message = Seal(b"secret" * 100).close(b"{}")
    assert len(message) == SEAL_BYTES + 2
    assert message.isascii()
