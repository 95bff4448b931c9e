"""Every error can be told apart and told to people."""

import re

from pulsestage.domain import errors

CLASSES = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, Exception)]


def test_codes_are_stable_words_and_no_two_errors_share_one() -> None:
    codes = [each.code for each in CLASSES if issubclass(each, errors.PulseStageError)]
    assert len(set(codes)) == len(CLASSES)
    assert all(re.fullmatch(r"[a-z_]+", code) for code in codes)


def test_invalid_input_names_fields_and_problems() -> None:
    error = errors.InvalidInput({"body": ["is too short", "is too dull"]})
    assert error.fields == {"body": ["is too short", "is too dull"]}
    assert error.message == "body: is too short, is too dull"


def test_a_message_is_there_even_if_none_was_given() -> None:
    assert str(errors.QuestionFrozen()) == errors.QuestionFrozen.hint
    assert str(errors.NotAllowed("Not you.")) == "Not you."
