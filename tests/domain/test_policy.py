"""Who may do what."""

import pytest

from pulsestage.domain.errors import NotAllowed
from pulsestage.domain.policy import Action, Actor, Role

MAY = {
    Role.VIEWER: {Action.READ},
    Role.MEMBER: {Action.READ, Action.ASK, Action.VOTE},
    Role.MODERATOR: {Action.READ, Action.ASK, Action.VOTE, Action.MODERATE, Action.MANAGE_TAGS},
    Role.ADMIN: set(Action),
    Role.OWNER: set(Action),
}


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize("role", Role)
def test_every_role_may_do_what_the_table_says(role: Role, action: Action) -> None:
    actor = Actor("t1", "p1", role)
    assert actor.may(action) is (action in MAY[role])
    if action in MAY[role]:
        actor.require(action)
    else:
        with pytest.raises(NotAllowed, match=f"you are {role.slug} here"):
            actor.require(action)


@pytest.mark.parametrize("role", Role)
def test_only_moderators_see_what_is_for_moderators(role: Role) -> None:
    expected = ("moderators", "public") if role >= Role.MODERATOR else ("public",)
    assert Actor("t1", "p1", role).audiences == expected


@pytest.mark.parametrize("role", Role)
def test_a_role_is_parsed_from_its_slug(role: Role) -> None:
    assert Role.parse(role.slug) is role


@pytest.mark.parametrize("slug", ["", "Admin", "root", "4"])
def test_an_unknown_role_is_an_error_that_names_the_known_ones(slug: str) -> None:
    with pytest.raises(ValueError, match="viewer, member, moderator, admin, owner"):
        Role.parse(slug)
