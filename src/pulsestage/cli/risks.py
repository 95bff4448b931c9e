"""What a server's surroundings leave open, to be said at its start."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pulsestage.bootstrap import secret_file
from pulsestage.storage.location import PostgresServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pulsestage.settings import Settings
    from pulsestage.storage.location import Location

_EVERYBODY = {"*", "0.0.0.0/0", "::/0"}
_OTHERS = 0o077
"""The bits of a file's mode that let others than its owner do something with it."""


def risks(settings: Settings) -> Iterator[str]:
    """A sentence for each."""
    path = secret_file(settings)
    if settings.secret_key is None and path.exists() and path.stat().st_mode & _OTHERS:
        yield (
            f"{path} can be read by other users of this machine, and whoever has it can sign in as anybody."
            f" Run `chmod 600 {path}`; if somebody may have read it, make a new one."
        )
    trusted = {each.strip() for each in os.environ.get("FORWARDED_ALLOW_IPS", "").split(",")}
    if trusted & _EVERYBODY:
        yield (
            "FORWARDED_ALLOW_IPS believes everybody: whoever reaches this server directly can claim any address, and"
            " that a request came by HTTPS. Name the proxy's addresses, unless nobody else can reach the server."
        )


SHOWN_BY_URL = (
    "A password on the command line can be read by every user of this machine, in the list of processes."
    " PGPASSWORD or ~/.pgpass can have it instead, and PULSESTAGE_DATABASE_URL_FILE can name a file that has the URL."
)


def has_password(location: Location) -> bool:
    """Whether there is one in the database's URL."""
    return isinstance(location, PostgresServer) and bool(location.options.get("password"))
