"""The list of who serves this database, and the database's clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import bindparam, delete, insert, select, text, update

from pulsestage.services.ports import Facts
from pulsestage.storage.tables import instances

if TYPE_CHECKING:
    from collections.abc import Collection

    from pulsestage.domain.tenant import Millis
    from pulsestage.storage.database import Database

_beat = update(instances).where(instances.c.id == bindparam("instance"))
_beat = _beat.values(beat=instances.c.beat + 1, facts=bindparam("facts"))
_now = text("SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)")


class SqlRoll:
    """The Roll port."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def sign(self, instance_id: str, facts: Facts) -> None:
        """Write this instance's row, one beat on."""
        row = {"id": instance_id, "beat": 0, "facts": msgspec.json.encode(facts).decode()}
        async with self._database.write() as connection:
            beaten = await connection.execute(_beat, {"instance": instance_id, "facts": row["facts"]})
            if not beaten.rowcount:  # new, or thought dead by the others
                await connection.execute(insert(instances), row)

    async def read(self) -> dict[str, tuple[int, Facts]]:
        """Every instance's beat and facts, by id."""
        async with self._database.read() as connection:
            rows = (await connection.execute(select(instances))).all()
        return {row.id: (row.beat, msgspec.json.decode(row.facts, type=Facts)) for row in rows}

    async def strike(self, instance_ids: Collection[str]) -> None:
        """Delete these rows."""
        async with self._database.write() as connection:
            await connection.execute(delete(instances).where(instances.c.id.in_(instance_ids)))

    async def now(self) -> Millis | None:
        """What the database's clock says, or None if it has no clock but this machine's."""
        if self._database.is_sqlite:
            return None
        async with self._database.read() as connection:
            return int((await connection.execute(_now)).scalar_one())
