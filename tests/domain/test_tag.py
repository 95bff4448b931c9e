"""Tags."""

import pytest

from pulsestage.domain import tag as tags
from pulsestage.domain.errors import InvalidInput
from pulsestage.domain.tag import Tag
from tests.domain.examples import NOW, a_tag


def test_a_new_tag_is_cleaned_and_has_the_default_colour() -> None:
    tag = tags.create("g1", "t1", "  Strategy ", None, "", NOW)
    assert (tag.name, tag.color, tag.description) == ("Strategy", "#3B82F6", None)


def test_what_is_not_given_stays() -> None:
    tag = tags.edit(a_tag("g1", "Pay"), color="#ff0000")
    assert (tag.name, tag.color) == ("Pay", "#FF0000")
    described = tags.edit(tag, description="About money")
    assert tags.edit(described, name="Salary").description == "About money"
    assert tags.edit(described, description=" ").description is None


@pytest.mark.parametrize("name", ["x", "x" * 50])
@pytest.mark.parametrize("description", ["x", "x" * 500])
def test_the_shortest_and_the_longest_are_taken(name: str, description: str) -> None:
    assert tags.create("g1", "t1", name, "#00ff00", description, NOW) == Tag(
        "g1", "t1", name, "#00FF00", description, NOW
    )


@pytest.mark.parametrize(
    "change,field",
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 51}, "name"),
        ({"color": "red"}, "color"),
        ({"name": "a\x00"}, "name"),
        ({"description": "x" * 501}, "description"),
    ],
)
def test_what_breaks_a_rule_is_named(change: dict[str, str], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        tags.edit(a_tag("g1", "Pay"), **change)
    assert refused.value.fields.keys() == {field}
