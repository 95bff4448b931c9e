"""A tenant's tags."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pulsestage.domain import tag as tags
from pulsestage.domain.events import QuestionTagged, QuestionUntagged, TagsChanged
from pulsestage.domain.policy import Action, Actor
from pulsestage.domain.question import untag
from pulsestage.services.views import TagView, tag_view

if TYPE_CHECKING:
    from pulsestage.realtime import Position
    from pulsestage.services.context import Context


async def every(context: Context, actor: Actor) -> tuple[list[TagView], Position]:
    """All tags, by name."""
    actor.require(Action.READ)
    async with context.unit_of_work.read(actor.tenant_id) as tx:
        found = await tx.tags.every()
    return [tag_view(tag) for tag in found], tx.position


async def create(
    context: Context, actor: Actor, name: str, color: str | None, description: str | None
) -> tuple[TagView, Position]:
    """A new tag. Raises NameTaken, InvalidInput."""
    actor.require(Action.MANAGE_TAGS)
    async with context.unit_of_work.write(actor.tenant_id) as tx:
        await tx.lock_catalog()
        tag = tags.create(context.new_id(), actor.tenant_id, name, color, description, tx.now)
        await tx.tags.add(tag)
        tx.append([TagsChanged(await tx.tags.every())])
    return tag_view(tag), tx.position


async def edit(
    context: Context, actor: Actor, tag_id: str, *, name: str | None, color: str | None, description: str | None
) -> tuple[TagView, Position]:
    """Change a tag, wherever it is shown. Raises TagNotFound, NameTaken, InvalidInput."""
    actor.require(Action.MANAGE_TAGS)
    async with context.unit_of_work.write(actor.tenant_id) as tx:
        await tx.lock_catalog()
        before = await tx.tags.get(tag_id)
        after = tags.edit(before, name=name, color=color, description=description)
        if after != before:
            await tx.tags.save(after)
            tx.append([TagsChanged(await tx.tags.every())])
            tx.append(QuestionTagged(question) for question in await tx.questions.tagged_with(tag_id))
    return tag_view(after), tx.position


async def delete(context: Context, actor: Actor, tag_id: str) -> Position:
    """Delete a tag and take it from every question. Raises TagNotFound."""
    actor.require(Action.MANAGE_TAGS)
    async with context.unit_of_work.write(actor.tenant_id) as tx:
        await tx.lock_catalog()
        tag = await tx.tags.get(tag_id)
        carriers = await tx.questions.tagged_with(tag_id)
        await tx.tags.delete(tag_id)
        # The tag is gone; the questions are as they were, the time of their last change included.
        tx.append(QuestionUntagged(untag(question, tag, question.updated_at)[0]) for question in carriers)
        tx.append([TagsChanged(await tx.tags.every())])
    return tx.position
