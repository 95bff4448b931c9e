"""What people do in a room, each by a use case."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pulsestage.services import questions, tags, teams, votes

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from pulsestage.domain.policy import Actor
    from pulsestage.services.context import Context
    from tests.convergence.world import Place


@dataclass(frozen=True)
class Command:
    """Something that somebody does; the numbers choose among what is there at that moment."""

    kind: str
    place: int
    who: int
    question: int
    other: int


class Choice:
    """A command with what its numbers stand for."""

    def __init__(self, context: Context, place: Place, command: Command) -> None:
        people = place.people
        self.context = context
        self.place = place
        self.anybody: Actor = people[command.who % len(people)]  # moderators ask and vote too
        self.moderator: Actor = people[-1 - command.who % 2]
        self.admin: Actor = people[-1]
        self.question = pick(place.questions, command.question) or context.new_id()
        self.tag = pick(place.tags, command.other) or context.new_id()
        self.team = pick(place.teams, command.other) if command.question % 3 else None
        self.slug = f"{place.tenant.slug}-{command.other}"
        self.label = f"{'ABCDE'[command.other]} of {place.tenant.slug}"


def pick(ids: list[str], number: int) -> str | None:
    """One of the newest few, so that people meet; None if there is none."""
    newest = ids[-3:]
    return newest[-1 - number % len(newest)] if newest else None


async def _create_tag(it: Choice) -> None:
    view, _ = await tags.create(it.context, it.moderator, it.label, None, None)
    it.place.tags.append(view.id)


async def _create_team(it: Choice) -> None:
    view, _ = await teams.create(it.context, it.admin, it.label, it.slug, None)
    it.place.teams.append(view.id)


DEEDS: dict[str, Callable[[Choice], Awaitable[object]]] = {
    "ask": lambda it: questions.ask(it.context, it.anybody, it.place.tenant, f"Why {it.label}?", it.team),
    "vote": lambda it: votes.cast(it.context, it.anybody, it.question, up=True),
    "take back": lambda it: votes.cast(it.context, it.anybody, it.question, up=False),
    "withdraw": lambda it: questions.remove(it.context, it.anybody, it.question),
    "answer": lambda it: questions.answer(it.context, it.moderator, it.question, f"Because of {it.label}."),
    "pin": lambda it: questions.pin(it.context, it.moderator, it.question),
    "unpin": lambda it: questions.unpin(it.context, it.moderator, it.question),
    "freeze": lambda it: questions.freeze(it.context, it.moderator, it.question),
    "unfreeze": lambda it: questions.unfreeze(it.context, it.moderator, it.question),
    "tag": lambda it: questions.tag(it.context, it.moderator, it.question, it.tag),
    "untag": lambda it: questions.untag(it.context, it.moderator, it.question, it.tag),
    "create tag": _create_tag,
    "rename tag": lambda it: tags.edit(
        it.context, it.moderator, it.tag, name=f"{it.label}!", color=None, description=None
    ),
    "delete tag": lambda it: tags.delete(it.context, it.moderator, it.tag),
    "create team": _create_team,
    "edit team": lambda it: teams.edit(
        it.context, it.admin, it.team or it.context.new_id(), name=f"{it.label}!", is_active=True
    ),
    "deactivate team": lambda it: teams.deactivate(it.context, it.admin, it.team or it.context.new_id()),
}
FREQUENT = ("ask", "ask", "vote", "vote", "tag", "tag", "answer", "pin")
