"""Signed words say what they were made for, and nothing opens what was not signed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulsestage.domain.errors import InvalidToken
from pulsestage.services.tokens import LONGEST_COOKIE, Session, Signer

SIGNER = Signer(b"s" * 32)


ids = st.uuids().map(str)


@given(ids, ids, st.none() | ids)
def test_a_session_comes_back_as_it_was(tenant: str, person: str, member: str | None) -> None:
    session = Session(tenant, person, member)
    cookie = SIGNER.seal_session(session)
    assert cookie.isascii()
    assert not set(cookie) & set(' ";,\\')
    assert SIGNER.open_session(cookie) == session
    assert Signer(b"t" * 32).open_session(cookie) is None


@given(st.text())
def test_nothing_else_is_a_session(text: str) -> None:
    assert SIGNER.open_session(text) is None


def test_what_is_too_long_for_a_session_is_not_remembered() -> None:
    signer = Signer(b"s" * 32)
    assert signer.open_session("a" * (LONGEST_COOKIE + 1)) is None
    assert signer._remember_session.cache_info().currsize == 0


def test_a_token_is_for_one_purpose_one_tenant_and_a_time() -> None:
    token = SIGNER.seal_token("sign-in", "t1", "n1", 1000, {"role": "owner"})
    opened = SIGNER.open_token("sign-in", token, "t1", 999)
    assert (opened.id, opened.tenant_id, opened.expires_at, opened.content) == ("n1", "t1", 1000, {"role": "owner"})
    with pytest.raises(InvalidToken):
        SIGNER.open_token("stream", token, "t1", 999)
    with pytest.raises(InvalidToken):
        SIGNER.open_token("sign-in", token, "t2", 999)
    with pytest.raises(InvalidToken):
        SIGNER.open_token("sign-in", token, "t1", 1000)
    with pytest.raises(InvalidToken):
        SIGNER.open_token("sign-in", SIGNER.seal_session(Session("t1", "p1")), "t1", 999)


def test_other_spellings_of_a_token_are_spent_with_it() -> None:
    """Base64 has several texts for the same bytes; whichever opens, it has the same id."""
    token = SIGNER.seal_token("stream", "t1", "n1", 1000, {})
    for last in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_":
        try:
            opened = SIGNER.open_token("stream", token[:-1] + last, "t1", 0)
        except InvalidToken:
            continue
        assert opened.id == "n1"
