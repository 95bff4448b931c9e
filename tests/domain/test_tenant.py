"""Tenants."""

import pytest

from pulsestage.domain import tenant as tenants
from pulsestage.domain.errors import InvalidInput
from pulsestage.domain.policy import Role
from pulsestage.domain.tenant import Tenant, TenantSettings
from tests.domain.examples import NOW


def test_a_new_tenant_lets_guests_ask_and_vote() -> None:
    tenant = tenants.found("t1", "acme", " Acme ", NOW)
    assert (tenant.slug, tenant.name, tenant.settings.guest_role) == ("acme", "Acme", Role.MEMBER)


@pytest.mark.parametrize("name", ["x", "x" * 120])
def test_the_shortest_and_the_longest_name_are_taken(name: str) -> None:
    assert tenants.found("t1", "a", name, NOW) == Tenant("t1", "a", name, NOW, TenantSettings())


@pytest.mark.parametrize("slug,name", [("Acme", "Acme"), ("", "Acme"), ("acme", ""), ("acme", "x" * 121)])
def test_a_tenant_needs_a_slug_and_a_name(slug: str, name: str) -> None:
    with pytest.raises(InvalidInput):
        tenants.found("t1", slug, name, NOW)
