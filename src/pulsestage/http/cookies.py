"""The header Cookie: only this server's own cookies are read, in time that grows with its length and no faster.

Starlette's `request.cookies` undoes the quoting of every cookie that comes, whoever has set it, and the standard
library's function for that takes quadratic time on Python 3.11.7 and 3.12.1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

PREFIX: Final = "pulsestage_"
OWN_COOKIES: Final = "pulsestage.cookies"
"""Where they are in a request's scope. What is behind the edge finds no header Cookie."""


def own_cookies(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """The cookies whose names begin with PREFIX, by name.

    A name that comes twice is left out: another site of the same domain may have set one of the two (RFC 6265, section
    8.6), and nothing in the request tells which.
    """
    found: dict[str, str] = {}
    twice: set[str] = set()
    for header, text in headers:
        if header != b"cookie":
            continue
        for pair in text.decode("latin-1").split(";"):
            name, _, value = pair.partition("=")
            name = name.strip()
            if name.startswith(PREFIX):
                twice.update({name} & found.keys())
                found[name] = value.strip(' \t"')  # some clients, Java's among them, put it in quotes
    return {name: value for name, value in found.items() if name not in twice}
