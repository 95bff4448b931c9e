"""Pseudonyms link a person to a question, and to nothing else."""

import re

from hypothesis import given
from hypothesis import strategies as st

from pulsestage.domain.anonymity import Pseudonyms

PSEUDONYMS = Pseudonyms(b"k" * 32)


def test_one_person_has_one_pseudonym_on_a_question_and_another_on_the_next() -> None:
    assert PSEUDONYMS.of("ann", "q1") == PSEUDONYMS.of("ann", "q1")
    assert len({PSEUDONYMS.of(person, question) for person in ("ann", "ben") for question in ("q1", "q2")}) == 4


def test_pseudonyms_stay_what_they_are() -> None:
    """Or everybody could vote a second time after an upgrade."""
    assert PSEUDONYMS.of("ann", "q1") == "zYY8z1akciuK0vecN3Tfew"


def test_without_the_key_nobody_can_make_it() -> None:
    assert Pseudonyms(b"x" * 32).of("ann", "q1") != PSEUDONYMS.of("ann", "q1")


def test_the_key_is_not_shown() -> None:
    assert "kkk" not in repr(PSEUDONYMS)


@given(st.uuids(), st.uuids())
def test_a_pseudonym_fits_its_column_and_shows_nothing(person: object, question: object) -> None:
    assert re.fullmatch(r"[0-9A-Za-z_-]{22}", PSEUDONYMS.of(str(person), str(question)))
