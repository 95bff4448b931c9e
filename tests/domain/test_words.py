"""How names are compared, and which words a text is found by, in every script."""

import unicodedata
from itertools import combinations
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pulsestage.domain import text, words
from pulsestage.domain.characters import MAX_REMEMBERED, CharacterTable
from tests.domain.examples import TEXTS

some_words = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=12)


@pytest.mark.parametrize("names", TEXTS["sameNames"], ids=ascii)
def test_the_same_name(names: list[str]) -> None:
    for one, other in combinations(names, 2):
        assert words.fold(one) == words.fold(other)


@pytest.mark.parametrize("names", TEXTS["differentNames"], ids=ascii)
def test_different_names(names: list[str]) -> None:
    for one, other in combinations(names, 2):
        assert words.fold(one) != words.fold(other)


@given(st.text(max_size=50))
def test_what_is_folded_has_no_case_and_nothing_unseen(raw: str) -> None:
    folded = words.fold(raw)
    assert folded == words.fold(unicodedata.normalize("NFD", raw))
    assert folded == " ".join(folded.split())
    assert not any(unicodedata.category(char) in {"Lt", "Cc", "Cf"} for char in folded)
    if not text.visible_length(raw):
        assert folded == ""


def is_found(body: str, query: str) -> bool:
    """What the database does."""
    terms, wanted = words.search_terms(body), words.query_terms(query)
    return bool(wanted) and all(any(term.startswith(each) for term in terms) for each in wanted)


@pytest.mark.parametrize("case", TEXTS["searches"], ids=lambda case: case["script"])
def test_a_text_is_found_by_its_words_in_every_script(case: dict[str, Any]) -> None:
    for form in ("NFC", "NFD"):
        body = text.clean_text("body", unicodedata.normalize(form, case["text"]), shortest=1, longest=200)
        for query in case["foundBy"]:
            assert is_found(body, query), query
            assert is_found(body, unicodedata.normalize(form, query.upper())), query
        for query in case["notFoundBy"]:
            assert not is_found(body, query), query
        assert is_found(body, body)


@pytest.mark.parametrize("separator", ["\u0640", "\ufe77", "\u200b"], ids=ascii)
def test_marks_that_folding_brings_together_are_no_heap(separator: str) -> None:
    """Normalization would sort thousands of them, in quadratic time."""
    (term,) = words.search_terms("a" + (separator + "\u0f39\u0f71" * 15) * 250)
    assert len(term) <= text.MAX_CODE_POINTS + 1


@pytest.mark.parametrize("query", TEXTS["searchesForNothing"], ids=ascii)
def test_what_has_no_word_looks_for_nothing(query: str) -> None:
    assert words.query_terms(query) == ()


@pytest.mark.parametrize(
    "body,terms",
    [
        ("When does the NEW office open? When?", ("when", "does", "the", "new", "office", "open")),
        ("Où est-ce déjà?", ("ou", "est", "ce", "deja")),
        ("Когда откроется офис?", ("когда", "откроется", "офис")),
        ("متى يفتح المكتب؟", ("متى", "يفتح", "المكتب")),
        ("मेरी किताब", ("मेरी", "किताब")),
        ("新しい会社", ("新し", "しい", "い会", "会社", "社")),
        ("사무실은", ("사무", "무실", "실은", "은")),
        ("Q4の予算USD", ("q4", "の予", "予算", "算", "usd")),
        ("ที่นี่a", ("ที่นี่", "นี่", "a")),
        ("茶", ("茶",)),
        ("🎉👍🏽🇩🇪", ("🎉👍🏽", "👍🏽🇩", "🇩🇪", "🇪")),
        ("50% (of) 'that' \"all\" \x1d\x1e\x1fx_y", ("50", "of", "that", "all", "x", "y")),
        ("ä\x1d\x1e\x1fb", ("ab",)),
        ("?!%", ()),
        ("", ()),
    ],
    ids=ascii,
)
def test_search_terms(body: str, terms: tuple[str, ...]) -> None:
    assert words.search_terms(body) == terms


def test_every_word_of_the_longest_question_counts() -> None:
    body = text.clean_text("body", " ".join(f"w{number}" for number in range(400)), shortest=1, longest=2000)
    assert words.search_terms(body) == tuple(f"w{number}" for number in range(400))
    ideographs = "".join(map(chr, range(0x4E00, 0x4E00 + 2000)))
    assert len(words.search_terms(ideographs)) == 2000


def test_a_query_asks_for_the_longest_words_first_and_for_none_that_another_implies() -> None:
    assert words.query_terms("an of answer office offices an") == ("offices", "answer")


@given(st.text(max_size=3000))
@example("🏽 a\u0e48")  # marks that stand on no letter of theirs
def test_search_terms_are_short_and_different(body: str) -> None:
    terms = words.search_terms(body)
    assert len(terms) == len(set(terms))
    assert all(0 < len(term) <= words.MAX_TERM_LENGTH for term in terms)
    assert not any(char.isspace() or unicodedata.category(char) == "Cc" for term in terms for char in term)


@given(st.lists(some_words, min_size=1, max_size=8), st.data())
def test_the_case_of_a_query_does_not_matter(body: list[str], data: st.DataObject) -> None:
    query = data.draw(st.sampled_from(body))
    assert is_found(" ".join(body), query)
    assert words.query_terms(query.casefold()) == words.query_terms(query)


def test_a_table_remembers_a_bounded_number_of_characters() -> None:
    table = CharacterTable(str.lower)
    everything = "".join(map(chr, range(0x20, 0xD800)))
    assert everything.translate(table) == "".join(map(str.lower, everything))
    assert len(table) == MAX_REMEMBERED


def similarity(left: str, right: str) -> float:
    [score] = words.similarities(left, [right])
    return score


@given(st.text(max_size=60), st.text(max_size=60))
def test_similarity_is_symmetric_and_between_0_and_1(left: str, right: str) -> None:
    assert 0 <= similarity(left, right) == similarity(right, left) <= 1


@given(st.lists(some_words, min_size=1, max_size=8).map(" ".join))
def test_a_text_is_most_like_itself(body: str) -> None:
    assert similarity(body, body) == (1 if words.search_terms(body) else 0)


def test_a_typo_costs_little_and_another_subject_much() -> None:
    asked = "When does the new office open?"
    assert similarity(asked, "wen does the new ofice opens") > 0.6
    assert similarity(asked, "Who pays for lunch?") < 0.2
    assert similarity(asked, "") == similarity("", "") == similarity("?", "!") == 0
