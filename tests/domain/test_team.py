"""Teams."""

from dataclasses import replace
from typing import Any

import pytest

from pulsestage.domain import team as teams
from pulsestage.domain.errors import InvalidInput
from pulsestage.domain.team import Team
from tests.domain.examples import NOW

TEAM = teams.create("m1", "t1", " Engineering ", "engineering", None, NOW)


def test_a_new_team_is_active_and_cleaned() -> None:
    assert (TEAM.name, TEAM.slug, TEAM.description, TEAM.is_active) == ("Engineering", "engineering", None, True)


def test_what_is_not_given_stays() -> None:
    closed = teams.edit(TEAM, is_active=False)
    assert (closed.name, closed.slug, closed.is_active) == ("Engineering", "engineering", False)
    described = teams.edit(closed, description="Builders")
    assert described == replace(TEAM, description="Builders", is_active=False)
    assert teams.edit(described, description=" ", is_active=True) == TEAM


@pytest.mark.parametrize("name", ["x", "x" * 80])
@pytest.mark.parametrize("description", ["x", "x" * 500])
def test_the_shortest_and_the_longest_are_taken(name: str, description: str) -> None:
    assert teams.create("m1", "t1", name, "a", description, NOW) == Team(
        "m1", "t1", name, "a", description, is_active=True, created_at=NOW
    )


@pytest.mark.parametrize(
    "change,field",
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 81}, "name"),
        ({"slug": "Eng"}, "slug"),
        ({"slug": ""}, "slug"),
        ({"description": "x" * 501}, "description"),
    ],
)
def test_what_breaks_a_rule_is_named(change: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        teams.edit(TEAM, **change)
    assert refused.value.fields.keys() == {field}
