"""The tenant's tags."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from pulsestage.domain.errors import NameTaken, TagNotFound
from pulsestage.domain.order import by_name
from pulsestage.domain.tag import Tag
from pulsestage.domain.words import RULES, fold
from pulsestage.storage.prepared import Prepared, Row
from pulsestage.storage.scoped import TENANT, Scoped
from pulsestage.storage.tables import tags

if TYPE_CHECKING:
    from collections.abc import Iterable

_one = select(tags).where(tags.c.tenant_id == TENANT, tags.c.id == bindparam("tag"))
_by_id = Prepared(_one)
_by_id_locked = Prepared(_one.with_for_update())
_every = Prepared(select(tags).where(tags.c.tenant_id == TENANT))
_add = Prepared(insert(tags).values(tenant_id=TENANT))
_change = update(tags).where(tags.c.tenant_id == TENANT, tags.c.id == bindparam("tag"))
_save = Prepared(_change)
_rename = Prepared(_change.where(tags.c.name != bindparam("given")))
_delete = Prepared(delete(tags).where(tags.c.tenant_id == TENANT, tags.c.id == bindparam("tag")))


class SqlTags(Scoped):
    """The Tags port for one tenant."""

    async def get(self, tag_id: str) -> Tag:
        """One tag. Raises TagNotFound."""
        # Locked, or else a tag could be deleted while it is put on a question, and nobody would hear of it.
        row = await self._first(_by_id_locked if self._locking else _by_id, tag=tag_id)
        if row is None:
            raise TagNotFound
        return to_tag(row)

    async def every(self) -> tuple[Tag, ...]:
        """All of them, by name."""
        return in_order(map(to_tag, await self._run(_every)))

    async def add(self, tag: Tag) -> None:
        """Store a new one. Raises NameTaken."""
        try:
            await self._run(
                _add,
                id=tag.id,
                color=tag.color,
                description=tag.description,
                created_at=tag.created_at,
                **name_columns(tag.name),
            )
        except IntegrityError:
            raise NameTaken from None

    async def save(self, tag: Tag) -> None:
        """Store a changed one. Raises NameTaken."""
        try:
            await self._run(_save, tag=tag.id, color=tag.color, description=tag.description)
            # Only a new name must be free: two that older rules told apart may have become one (`text_index.py`).
            await self._run(_rename, tag=tag.id, given=tag.name, **name_columns(tag.name))
        except IntegrityError:
            raise NameTaken from None

    async def delete(self, tag_id: str) -> None:
        """Delete it; its links to questions go with it."""
        await self._run(_delete, tag=tag_id)


def in_order(some: Iterable[Tag]) -> tuple[Tag, ...]:
    """Tags by name."""
    return tuple(sorted(some, key=lambda tag: by_name(tag.name, tag.id)))


def to_tag(row: Row) -> Tag:
    """A row that has the columns of `tags`."""
    return Tag(row.id, row.tenant_id, row.name, row.color, row.description, row.created_at)


def name_columns(name: str) -> dict[str, str]:
    """A name, as it must be unique, and of what and by which rules that was made."""
    return {"name": name, "folded_name": fold(name), "folded_from": f"{RULES} {name}"}
