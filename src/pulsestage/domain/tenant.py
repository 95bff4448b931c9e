"""A tenant: one organisation's room, with its own questions, people, log and streams."""

from dataclasses import dataclass
from typing import Final

from pulsestage.domain.policy import Role
from pulsestage.domain.text import clean_slug, clean_text

Millis = int
"""Milliseconds since the epoch, UTC. The one unit of time inside the server; the wire shows ISO 8601."""

DEFAULT_SLUG: Final = "default"


@dataclass(frozen=True, slots=True)
class TenantSettings:
    """What a tenant may set for itself. Lengths in visible characters."""

    question_min_length: int = 3
    question_max_length: int = 2000
    guest_role: Role = Role.MEMBER
    """What a person without an account may do here; `viewer` makes the room read-only for guests."""


@dataclass(frozen=True, slots=True)
class Tenant:
    """A tenant. `slug` is its public name in addresses, `id` the one inside events."""

    id: str
    slug: str
    name: str
    created_at: Millis
    settings: TenantSettings = TenantSettings()


def found(tenant_id: str, slug: str, name: str, now: Millis) -> Tenant:
    """A new tenant. Raises InvalidInput for a bad slug or name."""
    return Tenant(
        id=tenant_id,
        slug=clean_slug("slug", slug),
        name=clean_text("name", name, shortest=1, longest=120),
        created_at=now,
    )
