"""What people type, made fit to store, to compare and to find."""

import time
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulsestage.domain import text, words
from pulsestage.domain.errors import InvalidInput
from tests.domain.examples import TEXTS


@given(st.text(max_size=200))
def test_cleaning_cleaned_text_changes_nothing(raw: str) -> None:
    try:
        cleaned = text.clean_text("body", raw, shortest=0, longest=1000)
    except InvalidInput:
        most = max(len(raw), len(unicodedata.normalize("NFC", raw)))
        assert "\x00" in raw or text.visible_length(raw) < most - 31
    else:
        assert text.clean_text("body", cleaned, shortest=0, longest=1000) == cleaned
        assert "\r" not in cleaned
        assert unicodedata.is_normalized("NFC", cleaned)


@pytest.mark.parametrize("char", ["\x00", "\ud800"])
def test_what_no_database_agrees_on_is_refused(char: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        text.clean_text("body", f"a{char}b", shortest=1, longest=10)
    assert refused.value.fields.keys() == {"body"}
    assert refused.value.message.isprintable()


@pytest.mark.parametrize("kept", ["a\x07b", "a\u2028b", "a\x85b", "a\nb", "👩‍👩‍👧", "مرحبا", "a\u202eb"])
def test_everything_else_is_kept(kept: str) -> None:
    assert text.clean_text("body", kept, shortest=1, longest=10) == kept


@pytest.mark.parametrize("heap", ["\u0300\u0323" * 16, "\u0f73" * 32, "\u200d👩" * 32, "\u0e48\u0e38" * 16])
def test_a_character_has_a_bounded_number_of_code_points(heap: str) -> None:
    with pytest.raises(InvalidInput, match="has a character made of more than 32 code points"):
        text.clean_text("body", f"👩{heap}", shortest=1, longest=2000)
    assert text.clean_text("body", "a" + "\u0323" * 30 + "b", shortest=1, longest=100)
    assert len(text.without_heaps(f"a👩{heap}")) == 33
    assert text.without_heaps("a\u0323e") == "a\u0323e"


HOSTILE = {
    "two marks": "a" + "\u0300" * 16_000 + "\u0323" * 16_000,
    "voiced sounds and vowels": "\uff9e\u0e38" * 16_000,
    "marks that look like letters": "\u0f73" * 32_000,
    "joiners after spaces": " \u200d" * 30_000,
    "joined emoji": "👩\u200d" * 20_000,
    "invisible": "x" + "\u200b" * 60_000,
    "conjuncts": "\u17d2\u1780" * 20_000,
}


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE.keys())
def test_no_text_keeps_the_server_busy(hostile: str) -> None:
    began = time.process_time()
    with pytest.raises(InvalidInput):
        text.clean_text("body", hostile, shortest=1, longest=2000)
    words.query_terms(hostile)
    assert time.process_time() - began < 1  # sorting its marks takes up to seven seconds


@pytest.mark.parametrize("case", TEXTS["lengths"], ids=ascii)
def test_lengths_are_counted_in_what_people_see(case: dict[str, Any]) -> None:
    assert text.visible_length(case["text"]) == case["length"]
    for form in ("NFC", "NFD"):
        assert text.visible_length(unicodedata.normalize(form, case["text"])) == case["length"]
    assert text.clean_text("body", case["text"], shortest=case["length"], longest=case["length"])


@pytest.mark.parametrize("unseen", TEXTS["invisible"], ids=ascii)
def test_a_text_that_nobody_can_see_has_no_length(unseen: str) -> None:
    assert text.clean_text("description", unseen, shortest=0, longest=10) == ""
    with pytest.raises(InvalidInput, match="has 0 characters; 1 to 10 are allowed"):
        text.clean_text("body", unseen, shortest=1, longest=10)


def test_a_wrong_length_is_told_after_cleaning() -> None:
    decomposed = "e\u0301" * 10
    assert text.clean_text("body", f"  {decomposed}\r\n", shortest=10, longest=10) == "é" * 10
    with pytest.raises(InvalidInput, match="has 10 characters; 1 to 9 are allowed"):
        text.clean_text("body", decomposed, shortest=1, longest=9)


def test_few_characters_can_not_hide_many_code_points() -> None:
    family = "\u200d".join("👩👩👧👦")
    assert text.clean_text("name", family * 30, shortest=1, longest=50) == family * 30
    with pytest.raises(InvalidInput, match="has 245 code points; at most 232 are allowed"):
        text.clean_text("name", family * 35, shortest=1, longest=50)
    with pytest.raises(InvalidInput, match="has 60001 code points; at most 8032 are allowed"):
        text.clean_text("body", "a" + "\u200b" * 60_000, shortest=1, longest=2000)


APART = "\ufb2c"
"""One code point of which NFC makes three."""


def test_limits_hold_for_what_is_stored() -> None:
    assert text.clean_text("name", APART * 50, shortest=1, longest=50) == unicodedata.normalize("NFC", APART) * 50
    with pytest.raises(InvalidInput, match="has 300 code points; at most 232 are allowed"):
        text.clean_text("name", f"{APART}\u0323\u0323\u0323" * 50, shortest=1, longest=50)
    with pytest.raises(InvalidInput, match="has a character made of more than 32 code points"):
        text.clean_text("name", APART + "\u0323" * 31, shortest=1, longest=50)


@pytest.mark.parametrize("slug", ["a", "0", "acme", "a-b", "0192f0c1-7a3e-7c64-9d0b-2f6a1c8e4b5d", "a" * 63])
def test_a_slug(slug: str) -> None:
    assert text.slug_of(slug) == slug
    assert text.slug_of(slug.upper()) == slug
    assert text.clean_slug("slug", slug) == slug


@pytest.mark.parametrize(
    "other", ["", "-a", "a-", "ä", "a b", "a_b", "a.b", "a\n", "a\x00", "a" * 64, "٣", "\N{KELVIN SIGN}"]
)
def test_no_slug(other: str) -> None:
    assert text.slug_of(other) is None
    with pytest.raises(InvalidInput):
        text.clean_slug("slug", other)


def test_a_slug_is_stored_in_small_letters_only() -> None:
    with pytest.raises(InvalidInput):
        text.clean_slug("slug", "Acme")


@pytest.mark.parametrize("color,stored", [("#3b82f6", "#3B82F6"), ("#000000", "#000000")])
def test_a_colour(color: str, stored: str) -> None:
    assert text.clean_color("color", color) == stored


@pytest.mark.parametrize("color", ["", "3B82F6", "#3B82F", "#3B82F6F", "red", "#3B82F6\n", "#٣٣٣٣٣٣"])
def test_no_colour(color: str) -> None:
    with pytest.raises(InvalidInput):
        text.clean_color("color", color)
