"""What the rules for text (`domain/words.py`) have made: terms of questions, and tags' names as they must be unique.

Rows say by which rules. Those of older rules, and those that older instances write while the service is upgraded, are
made anew here, a few at a time.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, delete, insert, select, update

from pulsestage.domain.words import RULES, fold, search_terms
from pulsestage.storage.scoped import TENANT
from pulsestage.storage.tables import question_terms, questions, tags
from pulsestage.storage.tags import name_columns
from pulsestage.storage.unit_of_work import lock_catalog

if TYPE_CHECKING:
    from sqlalchemy import Row

    from pulsestage.storage.database import Connection, Database

log = logging.getLogger(__name__)

BATCH: Final = 20
"""Questions of one transaction: nobody need wait long for theirs."""

_old_questions = (
    select(questions.c.id, questions.c.tenant_id, questions.c.body)
    .where(questions.c.text_rules < RULES, questions.c.removed_at.is_(None))
    .order_by(questions.c.id)
    .limit(BATCH)
    .with_for_update()
)
_old_tags = tags.c.folded_from.is_distinct_from(f"{RULES} " + tags.c.name)
_tenants_with_old_tags = select(tags.c.tenant_id).where(_old_tags).distinct()
_tags = select(tags.c.id, tags.c.name, tags.c.folded_name, _old_tags.label("is_old")).where(tags.c.tenant_id == TENANT)
_tags_oldest_first = _tags.order_by(tags.c.created_at, tags.c.id)
_rename = update(tags).where(tags.c.tenant_id == TENANT, tags.c.id == bindparam("tag"))


class TextIndex:
    """The terms and the folded names of all tenants."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def renew(self) -> None:
        """Make anew what older rules made. Raises Unavailable."""
        count, began = 0, time.monotonic()
        while renewed := await self._renew_questions():
            count += renewed
            # Processes that wait for SQLite's lock look now and then: leave it free for as long as it was taken.
            await asyncio.sleep(time.monotonic() - began)
            began = time.monotonic()
        async with self._database.read() as connection:
            tenant_ids = (await connection.execute(_tenants_with_old_tags)).scalars().all()
        for tenant_id in tenant_ids:
            async with self._database.write() as connection:
                await lock_catalog(connection, tenant_id)
                await _renew_tags(connection, tenant_id)
        if count or tenant_ids:
            log.info("texts of %d questions and the tags of %d tenants were indexed anew", count, len(tenant_ids))

    async def _renew_questions(self) -> int:
        """The next few questions; how many there were."""
        async with self._database.write() as connection:
            old = (await connection.execute(_old_questions)).all()
            for row in old:
                its_terms = question_terms.c.question_id == row.id
                await connection.execute(
                    delete(question_terms).where(question_terms.c.tenant_id == row.tenant_id, its_terms)
                )
                if terms := search_terms(row.body):
                    key = {"tenant_id": row.tenant_id, "question_id": row.id}
                    await connection.execute(insert(question_terms), [{**key, "term": term} for term in terms])
            done = questions.c.id.in_([row.id for row in old])
            await connection.execute(update(questions).where(done).values(text_rules=RULES))
        return len(old)


async def _renew_tags(connection: Connection, tenant_id: str) -> None:
    """Fold the names of a tenant's tags anew.

    Names that older rules told apart may be one by these. The oldest tag has it then, and the others keep theirs with
    their id behind it, until they are renamed: no tag is lost, and no new one can have the name.
    """
    found = (await connection.execute(_tags_oldest_first, {"tenant": tenant_id})).all()
    taken = {row.folded_name for row in found if not row.is_old}
    old = [row for row in found if row.is_old]
    for row in old:  # out of the way of each other
        await _fold_as(connection, tenant_id, row, _with_id(row))
    for row in old:
        folded = fold(row.name)
        if folded in taken:
            folded = _with_id(row)
        taken.add(folded)
        await _fold_as(connection, tenant_id, row, folded)


def _with_id(row: Row[Any]) -> str:
    return f"{fold(row.name)}\n{row.id}"  # no folded name has a line break


async def _fold_as(connection: Connection, tenant_id: str, row: Row[Any], folded: str) -> None:
    values = {**name_columns(row.name), "folded_name": folded}
    await connection.execute(_rename, {"tenant": tenant_id, "tag": row.id, **values})
