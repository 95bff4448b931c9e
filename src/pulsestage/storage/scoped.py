"""What every repository is: one connection and one tenant. No statement runs here without the tenant's id.

Statements are built once, when their module is imported, with `:tenant` where the id belongs: building one costs more
than running it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import BindParameter, bindparam

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Select

    from pulsestage.storage.database import Connection
    from pulsestage.storage.prepared import Prepared, Row

TENANT: BindParameter[str] = bindparam("tenant")
"""The place of the tenant's id in a statement."""

CHUNK = 500
"""How many values one `IN (…)` may have; SQLite allows 32,766 parameters in all."""


class Scoped:
    """A repository. With `locking`, rows that are read to be changed stay locked until the transaction ends."""

    def __init__(self, connection: Connection, tenant_id: str, *, locking: bool) -> None:
        self._connection = connection
        self._tenant_id = tenant_id
        self._locking = locking

    async def _run(self, prepared: Prepared, **values: Any) -> Sequence[Row]:  # noqa: ANN401 - column values
        values["tenant"] = self._tenant_id
        return await self._connection.run(prepared, values)

    async def _run_many(self, prepared: Prepared, rows: Sequence[dict[str, Any]]) -> None:
        if rows:
            for row in rows:
                row["tenant"] = self._tenant_id
            await self._connection.run_many(prepared, rows)

    async def _run_once(self, statement: Select[Any]) -> Sequence[Row]:
        """Run a statement that was built for this call."""
        return (await self._connection.execute(statement, {"tenant": self._tenant_id})).all()

    async def _first(self, prepared: Prepared, **values: Any) -> Row | None:  # noqa: ANN401 - column values
        return next(iter(await self._run(prepared, **values)), None)


def chunks(values: Sequence[str]) -> Iterable[Sequence[str]]:
    """The values in pieces that fit one statement."""
    return (values[start : start + CHUNK] for start in range(0, len(values), CHUNK))
