"""Who asks, and for which tenant: read off the request, the same way for every route."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fastapi import Request

from pulsestage.domain.errors import NotAllowed
from pulsestage.domain.policy import Actor
from pulsestage.domain.tenant import DEFAULT_SLUG, Tenant
from pulsestage.http import cookies
from pulsestage.services import sessions, tenants
from pulsestage.services.context import Context
from pulsestage.services.tokens import Session, Signer

if TYPE_CHECKING:
    from pulsestage.http.app import HttpOptions

COOKIE_SECONDS = 400 * 24 * 3600  # the longest that browsers keep one
_READS = {"GET", "HEAD", "OPTIONS"}
_FOREIGN = {"cross-site", "same-site"}  # the neighbours too: to them a browser sends the cookie whatever its SameSite


@dataclass(frozen=True, slots=True)
class Caller:
    """The tenant and the actor of a request. `is_new`: a guest that the answer must give a cookie to."""

    context: Context
    tenant: Tenant
    actor: Actor
    is_new: bool


async def caller_of(request: Request, *, tenant_by_cookie: bool = True) -> Caller:
    """Find out who asks. Raises TenantNotFound, and NotAllowed for a change that another site's page sends.

    A request that names no tenant is for the one whose cookie the browser has, if it is only one and `tenant_by_cookie`
    allows it, and else for the default one.

    Called by the routes rather than injected: a dependency is not free, and every vote would pay (ADR 8).
    """
    context: Context = request.app.state.context
    if request.method not in _READS:
        _refuse_foreign_pages(request)
    own: dict[str, str] = request.scope[cookies.OWN_COOKIES]
    named = request.headers.get("x-tenant-id") or tenant_parameter(request)
    if not named and tenant_by_cookie:
        named = _tenant_of_cookies(own, context.signer)
    tenant = await tenants.resolve(context, named or DEFAULT_SLUG)
    request.scope["pulsestage.tenant"] = tenant.slug
    session = _session_of(own, context, tenant)
    return Caller(context, tenant, await sessions.actor_of(context, tenant, session), is_new=session is None)


def _session_of(own: dict[str, str], context: Context, tenant: Tenant) -> Session | None:
    """The tenant's cookie, if there is a genuine one."""
    cookie = own.get(cookies.PREFIX + tenant.slug)
    session = context.signer.open_session(cookie) if cookie else None
    return session if session is not None and session.tenant_id == tenant.id else None


def tenant_parameter(request: Request) -> str | None:
    """The tenant's slug as a query parameter, under either name."""
    if not request.scope["query_string"]:
        return None
    return request.query_params.get("tenantId") or request.query_params.get("tenant")


def session_cookie(request: Request, tenant: Tenant, value: str) -> str:
    """A Set-Cookie header: HttpOnly, and only for this server's own pages unless configured otherwise."""
    options: HttpOptions = request.app.state.options
    same_site = options.cookie_same_site
    secure = "; Secure" if options.https or request.scope["scheme"] == "https" or same_site == "none" else ""
    path = options.root_path or "/"
    name = cookies.PREFIX + tenant.slug
    return f"{name}={value}; Max-Age={COOKIE_SECONDS}; Path={path}; HttpOnly; SameSite={same_site.capitalize()}{secure}"


def _tenant_of_cookies(own: dict[str, str], signer: Signer) -> str | None:
    """The tenant this browser knows, if it is only one. What this server didn't sign may be any server's cookie."""
    known = [name for name, value in own.items() if signer.open_session(value)]
    return known[0].removeprefix(cookies.PREFIX) if len(known) == 1 else None


def _refuse_foreign_pages(request: Request) -> None:
    """Against cross-site request forgery: browsers say where a request comes from; few origins may change things."""
    if request.headers.get("sec-fetch-site") in _FOREIGN:
        options: HttpOptions = request.app.state.options
        if request.headers.get("origin") not in options.cors_origins:
            raise NotAllowed("Pages of other origins can't change anything here.")
