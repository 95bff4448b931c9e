"""Lists of names have one order everywhere."""

import random

from pulsestage.domain import question
from pulsestage.domain.order import by_name
from tests.domain.examples import NOW, ORDERS, a_question, a_tag


def test_names_are_in_the_order_that_every_list_has() -> None:
    names = ORDERS["names"]
    assert sorted(random.sample(names, len(names)), key=lambda name: by_name(name, "")) == names


def test_of_equal_names_the_oldest_comes_first() -> None:
    assert by_name("Pay", "g1") < by_name("Pay", "g2")


def test_a_questions_tags_are_in_that_order() -> None:
    tagged = a_question()
    for number, name in enumerate(random.sample(ORDERS["names"], len(ORDERS["names"]))):
        tagged, _ = question.tag(tagged, a_tag(f"g{number}", name), NOW)
    assert [tag.name for tag in tagged.tags] == ORDERS["names"]
