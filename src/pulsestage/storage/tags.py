"""The tenant's tags."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from pulsestage.domain.errors import NameTaken, TagNotFound
from pulsestage.domain.tag import Tag
from pulsestage.storage.tables import tags

if TYPE_CHECKING:
    from sqlalchemy import Row
    from sqlalchemy.ext.asyncio import AsyncConnection


class SqlTags:
    """The Tags port for one tenant. With `locking`, a tag that is read stays locked until the end."""

    def __init__(self, connection: AsyncConnection, tenant_id: str, *, locking: bool) -> None:
        self._connection = connection
        self._locking = locking
        self._mine = tags.c.tenant_id == tenant_id

    async def get(self, tag_id: str) -> Tag:
        """One tag. Raises TagNotFound."""
        query = select(tags).where(self._mine, tags.c.id == tag_id)
        if self._locking:
            # Or else a tag could be deleted while it is being put on a question, and nobody would hear of it.
            query = query.with_for_update()
        row = (await self._connection.execute(query)).one_or_none()
        if row is None:
            raise TagNotFound
        return to_tag(row)

    async def every(self) -> tuple[Tag, ...]:
        """All of them, by name."""
        rows = await self._connection.execute(select(tags).where(self._mine).order_by(tags.c.folded_name, tags.c.id))
        return tuple(map(to_tag, rows))

    async def add(self, tag: Tag) -> None:
        """Store a new one. Raises NameTaken."""
        try:
            await self._connection.execute(insert(tags).values(**_columns(tag)))
        except IntegrityError:
            raise NameTaken from None

    async def save(self, tag: Tag) -> None:
        """Store a changed one. Raises NameTaken."""
        try:
            await self._connection.execute(update(tags).where(self._mine, tags.c.id == tag.id).values(**_columns(tag)))
        except IntegrityError:
            raise NameTaken from None

    async def delete(self, tag_id: str) -> None:
        """Delete it; its links to questions go with it."""
        await self._connection.execute(delete(tags).where(self._mine, tags.c.id == tag_id))


def to_tag(row: Row[Any]) -> Tag:
    """A row that has the columns of `tags`."""
    return Tag(row.id, row.tenant_id, row.name, row.color, row.description, row.created_at)


def _columns(tag: Tag) -> dict[str, object]:
    return {
        "id": tag.id,
        "tenant_id": tag.tenant_id,
        "name": tag.name,
        "folded_name": tag.folded_name,
        "color": tag.color,
        "description": tag.description,
        "created_at": tag.created_at,
    }
