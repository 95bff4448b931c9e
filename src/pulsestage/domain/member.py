"""A member: a person with an account in a tenant. Guests have none."""

from dataclasses import dataclass

from pulsestage.domain.policy import Role
from pulsestage.domain.tenant import Millis


@dataclass(frozen=True, slots=True)
class Member:
    """An account of one tenant."""

    id: str
    tenant_id: str
    role: Role
    created_at: Millis
