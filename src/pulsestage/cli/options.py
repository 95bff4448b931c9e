"""Options that several commands share, and the settings they make."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from pulsestage.cli.terminal import Failure
from pulsestage.settings import Settings

_DRIVERS = {"sqlite", "postgresql+asyncpg"}

Host = Annotated[
    str | None, typer.Option(help="Address to listen on; :: for every one, 0.0.0.0 for every one of IPv4.")
]
Port = Annotated[int | None, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")]
DatabaseUrl = Annotated[
    str | None, typer.Option(help="sqlite:///path or postgresql+asyncpg://user:password@host/name.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def settings_from(**given: Any) -> Settings:  # noqa: ANN401 - pydantic checks them
    """The settings, with the options that were given (those that are not None) in front."""
    settings = Settings(**{name: value for name, value in given.items() if value is not None})
    check_database_url(settings.url_of_database)
    return settings


def check_database_url(url: str) -> None:
    """Refuse what no driver of ours can open, without showing a password."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        driver, database = "nothing that can be read", None
    else:
        driver, database = parsed.drivername, parsed.database
    if driver == "sqlite" and database in {None, "", ":memory:"}:
        raise Failure("PULSESTAGE_DATABASE_URL (or --database-url) must name a file: sqlite:///path.")
    if driver not in _DRIVERS:
        raise Failure(
            "PULSESTAGE_DATABASE_URL (or --database-url) must begin with sqlite:/// or"
            f" postgresql+asyncpg://; it begins with {driver}."
        )
