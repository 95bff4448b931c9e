"""The tenant a request is for."""

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from pulsestage.http.caller import caller_of
from pulsestage.http.replies import reply
from pulsestage.services.views import Id, RoleName


class TenantSettingsView(Struct, frozen=True, rename="camel"):
    """What everybody may know of a tenant's settings."""

    question_min_length: int
    question_max_length: int
    guest_role: RoleName


class TenantView(Struct, frozen=True, rename="camel"):
    """A tenant."""

    id: Id
    slug: str
    name: str
    settings: TenantSettingsView


async def current(request: Request) -> Response:
    """The tenant this request is for."""
    caller = await caller_of(request)
    tenant, settings = caller.tenant, caller.tenant.settings
    shown = TenantSettingsView(settings.question_min_length, settings.question_max_length, settings.guest_role.slug)
    return reply(TenantView(tenant.id, tenant.slug, tenant.name, shown))
