"""Cursors of pages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulsestage.domain.errors import InvalidInput
from pulsestage.http.parameters import read_cursor, write_cursor
from pulsestage.services.ports import PageKey

ID = "0192f0c1-7a3e-7c64-9d0b-2f6a1c8e4b5d"


@given(st.booleans(), st.integers(-(2**31) + 1, 2**31 - 1), st.uuids().map(str))
def test_every_page_has_a_cursor_that_leads_on(is_pinned: bool, upvotes: int, question_id: str) -> None:  # noqa: FBT001
    key = PageKey(is_pinned, upvotes, question_id)
    assert read_cursor(write_cursor(key)) == key


@pytest.mark.parametrize("is_pinned,written", [(True, f"1.7.{ID}"), (False, f"0.7.{ID}")])
def test_a_cursor_says_whether_the_page_ended_among_the_pinned(written: str, *, is_pinned: bool) -> None:
    assert write_cursor(PageKey(is_pinned, 7, ID)) == written


@pytest.mark.parametrize(
    "cursor", ["", "0.1", f"0.1.{ID}.2", f"2.1.{ID}", f"0.{2**31}.{ID}", f"0.-{2**31}.{ID}", f"0.1.{ID[:-1]}"]
)
def test_nothing_else_is_a_cursor(cursor: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_cursor(cursor)
    assert refused.value.fields.keys() == {"cursor"}
