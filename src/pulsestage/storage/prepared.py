"""Statements that are built once, compiled once for SQLite, and run there by the driver itself.

SQLAlchemy's execution and result cost several times what SQLite needs for a statement of a few microseconds (ADR 3). A
`Prepared` keeps the SQL, so that running it is one call of the driver.
"""

from __future__ import annotations

from collections import namedtuple
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from sqlalchemy import BindParameter
from sqlalchemy.dialects.sqlite import dialect as sqlite_dialect
from sqlalchemy.sql.visitors import iterate

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Mapping, Sequence

    from sqlalchemy import Select
    from sqlalchemy.sql.compiler import ExpandedState, SQLCompiler
    from sqlalchemy.sql.dml import UpdateBase

Row: TypeAlias = Any
"""A named tuple of the statement's columns."""

_DIALECT = sqlite_dialect(paramstyle="named")


class Prepared:
    """A statement that is run again and again, each time with values for the same names."""

    def __init__(self, statement: Select[Any] | UpdateBase) -> None:
        self.statement = statement
        self._lists = [each.key for each in iterate(statement) if isinstance(each, BindParameter) and each.expanding]
        self._read = _reader(statement)
        self._texts: dict[tuple[int, ...], _Text] = {}

    def run(self, connection: sqlite3.Connection, values: Mapping[str, Any]) -> list[Row]:
        """Run it on SQLite and fetch all rows. Raises the driver's errors."""
        text = self._text_for(values)
        found = connection.execute(text.sql, text.bound(values)).fetchall()
        return list(map(self._read, found))

    def run_many(self, connection: sqlite3.Connection, values: Sequence[Mapping[str, Any]]) -> None:
        """Run it on SQLite once for each of the values, of which there is at least one. Raises the driver's errors."""
        text = self._text_for(values[0])
        connection.executemany(text.sql, map(text.bound, values))

    def _text_for(self, values: Mapping[str, Any]) -> _Text:
        sizes = tuple([_padded(len(values[name])) for name in self._lists]) if self._lists else ()
        text = self._texts.get(sizes)
        if text is None:
            compiled: SQLCompiler = self.statement.compile(dialect=_DIALECT, column_keys=list(values))
            padded = {name: [None] * size for name, size in zip(self._lists, sizes, strict=True)}
            text = self._texts[sizes] = _Text(compiled.construct_expanded_state({**values, **padded}), values)
        return text


class _Text:
    """The SQL for lists of certain sizes."""

    def __init__(self, state: ExpandedState, values: Mapping[str, Any]) -> None:
        self.sql = state.statement
        self._lists = state.parameter_expansion
        given = {*values, *(place for places in self._lists.values() for place in places)}
        self._constants = {name: value for name, value in state.parameters.items() if name not in given}

    def bound(self, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """The values by their names in the SQL."""
        if not self._constants and not self._lists:
            return values
        bound = {**self._constants, **values}
        for name, places in self._lists.items():
            items = bound.pop(name)
            bound.update(zip(places, [*items, *items[-1:] * (len(places) - len(items))], strict=True))
        return bound


def _padded(size: int) -> int:
    """The next power of two: the SQL has a place for each value of a list, and is to be one of few."""
    return 1 << (size - 1).bit_length() if size else 0


def _reader(statement: Select[Any] | UpdateBase) -> Callable[[tuple[Any, ...]], Row]:
    """What makes a row of what the driver has read."""
    columns = statement.exported_columns
    row: Any = namedtuple("Row", map(str, columns.keys()))  # type: ignore[misc] # noqa: PYI024 - known only now
    found = [each.type.dialect_impl(_DIALECT).result_processor(_DIALECT, None) for each in columns]
    processors = [(place, processor) for place, processor in enumerate(found) if processor is not None]
    return partial(_process, row._make, processors) if processors else row._make


def _process(
    make: Callable[[Sequence[Any]], Row], processors: Sequence[tuple[int, Callable[[Any], Any]]], found: Sequence[Any]
) -> Row:
    values = list(found)
    for place, processor in processors:
        values[place] = processor(values[place])
    return make(values)
