"""The addresses that commands print."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pulsestage.cli.terminal import Failure
from pulsestage.domain.tenant import DEFAULT_SLUG
from pulsestage.services import sessions

if TYPE_CHECKING:
    from pulsestage.domain.policy import Role
    from pulsestage.services.context import Context
    from pulsestage.settings import Settings


def room_url(settings: Settings, slug: str) -> str:
    """Where attendees go."""
    return f"{settings.base_url}/app/{'' if slug == DEFAULT_SLUG else slug}"


async def sign_in_link(settings: Settings, context: Context, slug: str, role: Role) -> str:
    """A link that signs in whoever opens it first. Raises Failure if there is no such tenant."""
    tenant = await context.directory.find(slug)
    if tenant is None:
        raise Failure(f"There is no tenant {slug!r}; `pulsestage tenant list` shows those that exist.")
    return f"{settings.base_url}/app/{slug}#signin={sessions.make_link(context, tenant, role)}"
