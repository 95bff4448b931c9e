"""Options that several commands share, and the settings they make."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from pulsestage.bootstrap import location_of
from pulsestage.cli.risks import SHOWN_BY_URL, has_password
from pulsestage.cli.terminal import err
from pulsestage.settings import Settings

Host = Annotated[
    str | None, typer.Option(help="Address to listen on; :: for every one, 0.0.0.0 for every one of IPv4.")
]
Port = Annotated[int | None, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")]
DatabaseUrl = Annotated[str | None, typer.Option(help="sqlite:///path or postgresql://user:password@host/name.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def settings_from(**given: Any) -> Settings:  # noqa: ANN401 - pydantic checks them
    """The settings, with the options that were given (those that are not None) in front."""
    settings = Settings(**{name: value for name, value in given.items() if value is not None})
    location = location_of(settings)  # refuses what can't be opened
    if given.get("database_url") and has_password(location):
        err.print(SHOWN_BY_URL, style="yellow", markup=False, soft_wrap=True)
    return settings
