"""What people type, made fit to store, to compare and to find."""

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulsestage.domain import text
from pulsestage.domain.errors import InvalidInput

words = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=12)


@given(st.text(max_size=200))
def test_cleaning_cleaned_text_changes_nothing(raw: str) -> None:
    try:
        cleaned = text.clean_text("body", raw, shortest=0, longest=1000)
    except InvalidInput:
        assert "\x00" in raw
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


@pytest.mark.parametrize("heap", ["\u0300\u0323" * 16, "\u0f73" * 31])
def test_heaps_of_combining_marks_are_refused(heap: str) -> None:
    with pytest.raises(InvalidInput, match="more than 30 combining marks in a row"):
        text.clean_text("body", f"a{heap}", shortest=1, longest=2000)
    assert text.clean_text("body", "a" + "\u0323" * 30 + "b", shortest=1, longest=100)


def test_no_text_keeps_the_server_busy() -> None:
    began = time.process_time()
    with pytest.raises(InvalidInput):
        text.clean_text("body", "a" + "\u0300" * 16_000 + "\u0323" * 16_000, shortest=1, longest=2000)
    text.search_terms("a" + "\u0300" * 16_000 + "\u0323" * 16_000)
    text.search_terms("\uff9e\u0334" * 16_000)
    assert time.process_time() - began < 1  # it was seven seconds


@given(st.text(max_size=50))
def test_folding_is_compatibility_decomposition_without_marks(raw: str) -> None:
    decomposed = unicodedata.normalize("NFKD", raw.casefold())
    assert text.fold(raw) == "".join(char for char in decomposed if not unicodedata.combining(char))


def test_lengths_are_counted_in_code_points_after_cleaning() -> None:
    decomposed = "e\u0301" * 10
    assert text.clean_text("body", f"  {decomposed}\r\n", shortest=10, longest=10) == "é" * 10
    with pytest.raises(InvalidInput, match="has 10 characters; 1 to 9 are allowed"):
        text.clean_text("body", decomposed, shortest=1, longest=9)


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


@pytest.mark.parametrize("left,right", [("Ärger", "arger"), ("STRASSE", "straße"), ("ﬁn", "FIN"), ("É", "e\u0301")])
def test_names_are_compared_without_case_accents_and_compatibility_forms(left: str, right: str) -> None:
    assert text.fold(left) == text.fold(right)


@pytest.mark.parametrize(
    "body,terms",
    [
        ("When does the NEW office open? When?", ("when", "does", "the", "new", "office", "open")),
        ("Où est-ce déjà?", ("ou", "est", "ce", "deja")),
        ("Когда откроется офис?", ("когда", "откроется", "офис")),
        ("متى يفتح المكتب؟", ("متى", "يفتح", "المكتب")),
        ("新しい会社", ("新し", "しい", "い会", "会社")),
        ("사무실은", ("사무", "무실", "실은")),
        ("Q4の予算", ("q4", "の予", "予算")),
        ("茶", ("茶",)),
        ("50% (of) 'that' \"all\" \x00x", ("50", "of", "that", "all", "x")),
        ("?!% 😀", ()),
        ("", ()),
    ],
)
def test_search_terms_in_several_scripts(body: str, terms: tuple[str, ...]) -> None:
    assert text.search_terms(body) == terms


@given(st.text(max_size=3000))
def test_search_terms_are_few_short_and_different(body: str) -> None:
    terms = text.search_terms(body)
    assert len(terms) == len(set(terms)) <= text.MAX_TERMS
    assert all(0 < len(term) <= text.MAX_TERM_LENGTH for term in terms)
    assert not any("\x00" in term for term in terms)


@given(st.lists(words, min_size=1, max_size=8), st.data())
def test_the_case_of_a_query_does_not_matter(body: list[str], data: st.DataObject) -> None:
    query = data.draw(st.sampled_from(body))
    assert set(text.search_terms(query)) <= set(text.search_terms(" ".join(body)))
    assert text.search_terms(query.casefold()) == text.search_terms(query)


def similarity(left: str, right: str) -> float:
    [score] = text.similarities(left, [right])
    return score


@given(st.text(max_size=60), st.text(max_size=60))
def test_similarity_is_symmetric_and_between_0_and_1(left: str, right: str) -> None:
    assert 0 <= similarity(left, right) == similarity(right, left) <= 1


@given(st.lists(words, min_size=1, max_size=8).map(" ".join))
def test_a_text_is_most_like_itself(body: str) -> None:
    assert similarity(body, body) == (1 if text.search_terms(body) else 0)


def test_a_typo_costs_little_and_another_subject_much() -> None:
    asked = "When does the new office open?"
    assert similarity(asked, "wen does the new ofice opens") > 0.6
    assert similarity(asked, "Who pays for lunch?") < 0.2
    assert similarity(asked, "") == similarity("", "") == similarity("?", "!") == 0
