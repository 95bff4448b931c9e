"""Finding questions by their terms, at a bounded cost whatever is asked.

A look-up is one search in an index: whether one question has a term that begins so. A statement makes at most LOOK_UPS
of them, so that none holds the event loop for long on SQLite. A request makes at most MAX_LOOK_UPS; then its page is
short.

If one of the terms is rare, the questions that have it are tried. If all are common, the list is walked in its order,
where enough of them are met soon.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import String, bindparam, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from pulsestage.storage.prepared import Prepared, Row
from pulsestage.storage.scoped import TENANT
from pulsestage.storage.tables import question_terms

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence

    from sqlalchemy.sql.compiler import SQLCompiler

    Run = Callable[..., Awaitable[Sequence[Row]]]

LOOK_UPS: Final = 2_000
MAX_LOOK_UPS: Final = 100_000
RARE: Final = 500
"""A term that at most so many questions have is rare."""
PROBED_TERMS: Final = 8
"""How many terms are tried for being rare, the longest first."""
_LAST = "\U0010ffff"
"""Sorts after all that can follow a term's beginning: terms are of letters, digits and emoji."""


class _each(FunctionElement[str]):  # noqa: N801 - it is written like a function
    """The strings of a JSON array as a table with a column `value`."""

    name = "each"
    inherit_cache = True


@compiles(_each, "sqlite")
def _on_sqlite(element: _each, compiler: SQLCompiler, **options: Any) -> str:  # noqa: ANN401 - the compiler's own
    return f"json_each({compiler.process(element.clauses, **options)})"


@compiles(_each, "postgresql")
def _on_postgres(element: _each, compiler: SQLCompiler, **options: Any) -> str:  # noqa: ANN401 - the compiler's own
    return f"json_array_elements_text(CAST({compiler.process(element.clauses, **options)} AS JSON))"


_beginning = Prepared(
    select(question_terms.c.question_id)
    .where(
        question_terms.c.tenant_id == TENANT,
        question_terms.c.term >= bindparam("term"),
        question_terms.c.term < bindparam("term") + _LAST,
    )
    .limit(RARE + 1)
)
_newest_with = Prepared(
    select(question_terms.c.question_id)
    .where(question_terms.c.tenant_id == TENANT, question_terms.c.term == bindparam("term"))
    .order_by(question_terms.c.question_id.desc())
    .limit(RARE)
)
_candidate = _each(bindparam("candidates", type_=String)).table_valued("value", name="candidate")
_wanted = _each(bindparam("wanted", type_=String)).table_valued("value", name="wanted")
_has_it = (
    select(question_terms.c.question_id)
    .where(
        question_terms.c.question_id == _candidate.c.value,
        question_terms.c.tenant_id == TENANT,
        question_terms.c.term >= _wanted.c.value,
        question_terms.c.term < _wanted.c.value + _LAST,
    )
    .correlate(_candidate, _wanted)
    .exists()
)
_lacks_one = select(_wanted.c.value).where(~_has_it).correlate(_candidate).exists()
_having_all = Prepared(select(_candidate.c.value).where(~_lacks_one))


def step(terms: Collection[str]) -> int:
    """How many questions one statement may try for these terms."""
    return max(1, min(RARE, LOOK_UPS // len(terms)))


async def having_rarest(run: Run, terms: Sequence[str]) -> set[str] | None:
    """Ids of the questions that have the rarest of the terms, visible or not; None if no term is rare."""
    rarest: set[str] | None = None
    for term in terms[:PROBED_TERMS]:
        found = await run(_beginning, term=term)
        if len(found) <= RARE:
            ids = {row.question_id for row in found}
            rarest = ids if rarest is None else min(rarest, ids, key=len)
        if not found:
            break
    return rarest


async def having_all(run: Run, question_ids: Sequence[str], terms: Collection[str]) -> set[str]:
    """Which of these questions have all the terms; for a `step` of them, or for more in several statements."""
    having: set[str] = set()
    for start in range(0, len(question_ids), size := step(terms)):
        some = json.dumps(question_ids[start : start + size])
        having.update(row.value for row in await run(_having_all, candidates=some, wanted=json.dumps(list(terms))))
    return having


async def sharing_most(run: Run, terms: Iterable[str]) -> list[str]:
    """Ids of questions that have any of the terms, those with the most of them first, then the newest.

    Of a term that is not rare only the newest RARE questions count.
    """
    shared: Counter[str] = Counter()
    for term in terms:
        shared.update(row.question_id for row in await run(_newest_with, term=term))
    return sorted(sorted(shared, reverse=True), key=shared.__getitem__, reverse=True)
