"""The addresses that commands print, and those that they ask themselves."""

from __future__ import annotations

import ipaddress
import socket
import ssl
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import httpx

from pulsestage.bootstrap import opened
from pulsestage.cli.terminal import Failure, err
from pulsestage.domain.errors import TenantNotFound
from pulsestage.services import sessions, tenants
from pulsestage.storage.instances import SqlRoll

if TYPE_CHECKING:
    from pulsestage.domain.policy import Role
    from pulsestage.domain.tenant import Tenant
    from pulsestage.services.context import Context
    from pulsestage.settings import Settings

PROBE_SECONDS: Final = 2.0
_FAR = {socket.AF_INET: "198.51.100.1", socket.AF_INET6: "2001:db8::1"}
"""Addresses for documentation (RFC 5737, RFC 3849): nobody has them, and they are not on this network."""


def room_url(settings: Settings, slug: str) -> str:
    """Where attendees go."""
    return f"{settings.base_url}/app/{slug}"


async def tenant_named(context: Context, name: str) -> Tenant:
    """The tenant with this slug, in letters of any case. Raises Failure."""
    try:
        return await tenants.resolve(context, name)
    except TenantNotFound:
        raise Failure(f"There is no tenant {name!r}; `pulsestage tenant list` shows those that exist.") from None


def sign_in_link(settings: Settings, context: Context, tenant: Tenant, role: Role) -> str:
    """A link that signs in whoever opens it first."""
    return f"{room_url(settings, tenant.slug)}#signin={sessions.make_link(context, tenant, role)}"


def reached_at(settings: Settings) -> list[str]:
    """Where a server with these settings is reached, the best address to hand on first.

    One that listens on every address is reached from other machines at this one's address in the network.
    """
    listening = _ip(settings.host)
    if settings.public_url or listening is None or not listening.is_unspecified:
        return [settings.base_url]
    families = [socket.AF_INET] if listening.version == 4 else [socket.AF_INET, socket.AF_INET6]  # noqa: PLR2004
    hosts = [address for family in families if (address := _address_in_the_network(family))]
    return [settings.model_copy(update={"host": host}).base_url for host in [*hosts, "127.0.0.1"]]


async def at_server(settings: Settings) -> Settings:
    """The settings with the address of the server that runs on this database, if it can be found, as the public one.

    Says so on stderr if not: then addresses are made from host and port.
    """
    if settings.public_url:
        return settings
    async with opened(settings) as database:
        signed = await SqlRoll(database).read()
    for address in sorted({facts.address for _, facts in signed.values()} - {""}):
        if await _answers(address):
            return settings.model_copy(update={"public_url": address})
    assumed = reached_at(settings)[0]
    err.print(
        f"No server was found that runs on this database; taking {assumed} for its address."
        " If people reach it elsewhere, set PULSESTAGE_PUBLIC_URL.",
        style="yellow",
        markup=False,
        soft_wrap=True,
    )
    return settings.model_copy(update={"public_url": assumed})


def direct(url: str) -> dict[str, Any]:
    """Options of httpx for a server: HTTP_PROXY and the like are ignored where it is on this machine."""
    host = urlsplit(url).hostname or ""
    address = _ip(host)
    is_here = host == "localhost" if address is None else address.is_loopback
    return {"trust_env": False, "verify": ssl.create_default_context()} if is_here else {}


async def _answers(address: str) -> bool:
    """Whether a PulseStage is there. Nothing is told to it, so it need not prove who it is."""
    try:
        async with httpx.AsyncClient(timeout=PROBE_SECONDS, trust_env=False, verify=False) as client:  # noqa: S501
            answer = await client.get(f"{address}/health")
            return answer.json().get("ok") is True
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, AttributeError):
        return False


def _address_in_the_network(family: socket.AddressFamily) -> str | None:
    """This machine's address, as others see it: the one it would use to reach somebody far away."""
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as unsent:
            unsent.connect((_FAR[family], 9))  # sends nothing: there is no connection in UDP
            own: str = unsent.getsockname()[0]
    except OSError:  # no network, or none of this family
        return None
    address = _ip(own)
    return None if address is None or address.is_loopback or address.is_link_local else own


def _ip(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:  # a name
        return None
