"""The order of lists of names: the same in events, in answers and on the page, whatever language a database is set to.

Databases sort text by rules of their own, so such lists are sorted here. The orders of questions go by numbers and ids
and are the database's work; tests/orders.json has all of them.
"""

from functools import lru_cache

from pulsestage.domain.words import fold


@lru_cache(maxsize=4096)  # the tags of a room are sorted again for each of its questions
def by_name(name: str, its_id: str) -> tuple[str, str, str]:
    """A sort key: by folded name in the order of code points, then by name, then the oldest first."""
    return fold(name), name, its_id
