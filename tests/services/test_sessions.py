"""How long links and tickets are good, and who a session is."""

from dataclasses import replace

import pytest

from pulsestage.domain.errors import InvalidToken
from pulsestage.domain.policy import Actor, Role
from pulsestage.domain.tenant import Tenant, TenantSettings
from pulsestage.services import sessions
from pulsestage.services.context import Context
from pulsestage.services.tokens import Session
from tests.domain.examples import NOW
from tests.services.conftest import ADMIN

TENANT = Tenant("t1", "acme", "Acme", NOW)
GUEST = Actor("t1", "p9", Role.MEMBER)


def later(context: Context, millis: int) -> Context:
    return replace(context, clock=lambda: NOW + millis)


async def test_a_link_is_good_for_a_day(context: Context) -> None:
    token = sessions.make_link(context, TENANT, Role.MODERATOR)
    with pytest.raises(InvalidToken):
        await sessions.sign_in(later(context, 24 * 60 * 60 * 1000), TENANT, GUEST, token)
    actor, session = await sessions.sign_in(later(context, 24 * 60 * 60 * 1000 - 1), TENANT, GUEST, token)
    assert (actor.person_id, actor.role) == ("p9", Role.MODERATOR)
    assert await sessions.actor_of(context, TENANT, session) == actor


async def test_a_ticket_is_good_for_half_a_minute_and_once(context: Context) -> None:
    ticket, expires_at = sessions.make_ticket(context, ADMIN)
    assert expires_at == NOW + 30_000
    with pytest.raises(InvalidToken):
        sessions.open_ticket(later(context, 30_000), TENANT, ticket)
    session, opened = sessions.open_ticket(later(context, 29_999), TENANT, ticket)
    assert session == Session("t1", "p1", "m1")
    await sessions.spend(context, TENANT, opened)
    with pytest.raises(InvalidToken):
        await sessions.spend(context, TENANT, opened)


@pytest.mark.parametrize("session", [None, Session("t2", "p1", "m1")])
async def test_no_session_and_another_tenants_make_a_new_guest(context: Context, session: Session | None) -> None:
    tenant = replace(TENANT, settings=TenantSettings(guest_role=Role.VIEWER))
    actor = await sessions.actor_of(context, tenant, session)
    assert (actor.tenant_id, actor.role, actor.member_id) == ("t1", Role.VIEWER, None)
    assert actor.person_id != "p1"


@pytest.mark.parametrize("session", [Session("t1", "p1"), Session("t1", "p1", "a member who is gone")])
async def test_who_is_no_member_is_a_guest_and_the_same_person(context: Context, session: Session) -> None:
    assert await sessions.actor_of(context, TENANT, session) == Actor("t1", "p1", Role.MEMBER)
